# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hypervisor's part of port_filters.py: starts paused guests with filtered ports and with open ones, and changes the rules of their group.

Reads the work as JSON, and prints what each part took: seconds, and processor seconds of libvirtd and of the tools that it has called.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.filters import Filters, secured
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.group_members import GroupMembers
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ip_sets, packet_rules, packet_tables

BRIDGE, STATE = "br-bench", "/run/port-filters-bench"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
TIMEOUT_S = 3600.0
Took = dict[str, float]


def processor_s() -> float:
    """What libvirtd has used, with the processes that it has waited for."""
    pid = subprocess.run(["pgrep", "-o", "libvirtd"], capture_output=True, text=True, check=True).stdout.strip()
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS_PER_S


def timed(work: t.Callable[[], t.Any]) -> Took:
    """What the work takes."""
    begun, used = time.monotonic(), processor_s()
    work()
    return {"wall_s": time.monotonic() - begun, "processor_s": processor_s() - used}


class Bench:
    """One hypervisor with a bridge of its own for the guests."""

    def __init__(self, hypervisor: Hypervisor) -> None:
        self._hypervisor = hypervisor
        self._filters = Filters(hypervisor, STATE, ip_sets, packet_tables)

    def start(self, guest: dict[str, t.Any], groups: dict[str, t.Any]) -> Took:
        """As a build does it: the filters first."""

        def work() -> None:
            self._filters.define(guest["record"], groups)
            self._hypervisor.define(guest["xml"])
            self._hypervisor.start_paused(guest["record"]["uuid"])

        return timed(work)

    def remove(self, guest: dict[str, t.Any]) -> None:
        self._hypervisor.destroy(guest["record"]["uuid"])
        self._hypervisor.undefine(guest["record"]["uuid"])
        if secured(guest["record"]["ports"]):
            self._filters.remove(guest["record"])

    def apply(self, groups: dict[str, t.Any]) -> Took:
        """As the role security_groups does it; something is changed."""
        members = GroupMembers(self._hypervisor, STATE, ip_sets, packet_rules, packet_tables, time.time, check_mode=False)
        applied: list[t.Any] = []
        took = timed(lambda: applied.append(members.tell([], groups)))
        if applied[0].problems or not applied[0].changes:
            sys.exit(f"the rules were not applied: {applied[0]}")
        return took


def main() -> None:
    work = json.load(sys.stdin)
    subprocess.run(["ip", "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0"], check=True)
    subprocess.run(["ip", "link", "set", BRIDGE, "up"], check=True)
    os.makedirs(STATE, exist_ok=True)
    there: list[dict[str, t.Any]] = []
    try:
        with Hypervisor("qemu:///system", TIMEOUT_S) as hypervisor:
            bench = Bench(hypervisor)
            for step in work:
                if step["do"] == "start":
                    there.append(step["guest"])
                    took = bench.start(step["guest"], step["groups"])
                elif step["do"] == "apply":
                    took = bench.apply(step["groups"])
                else:
                    took = timed(lambda: [bench.remove(guest) for guest in reversed(there)])
                    there.clear()
                ports = sum(len(guest["record"]["ports"]) for guest in there)
                print(json.dumps({"do": step["do"], "label": step["label"], "ports": ports, **took}), flush=True)
            for guest in reversed(there):
                bench.remove(guest)
    finally:
        subprocess.run(["ip", "link", "del", BRIDGE], check=True)
        shutil.rmtree(STATE)


if __name__ == "__main__":
    main()
