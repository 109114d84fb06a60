# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times ports with port security on one hypervisor of the testbed, against open ones in the same run, and a change of their group's rules.

The guests are paused and have no disk: what differs is the filters. Their ports have an IPv4 address each, and are in one group.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import subprocess
import sys
import sysconfig
import typing as t
import uuid
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, GroupRules
from ansible_collections.kvmfleet.compute.tests.unit import make

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXEC = str(ROOT / "tests" / "testbed" / "exec")
HOST, BRIDGE = "h1", "br-bench"
NICS = 8  # of a guest
Step = dict[str, t.Any]


def called(port: int) -> FilterRule:
    """A rule for a port of TCP."""
    return make.rule(protocol="tcp", port_range_min=port, port_range_max=port)


def group(rules: int, version: int = 0) -> GroupRules:
    """A group that lets everything out, and TCP in to one port for each other rule; in each version the first of these is another one."""
    ports = [1000 + version, *range(2002, 2002 + 2 * rules, 2)]
    return {"id": "bench", "name": "bench", "rules": [make.rule("egress"), *map(called, ports[: rules - 1])]}


def guest(number: int, first: int, nics: int, *, is_secured: bool) -> Step:
    """The record and the XML of a guest; ``first``: how many NICs the host has before its own."""
    ports = []
    for index in range(first, first + nics):
        port_id = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{is_secured} {index}"))
        ports.append(
            make.port(
                id=port_id,
                device=f"tap{port_id[:11]}",
                mac_address=f"fa:16:3e:00:{index >> 8:02x}:{index & 255:02x}",
                binding=make.bridge(BRIDGE),
                fixed_ips=[make.fixed_ip(ip_address=f"198.18.{index >> 8}.{index & 255}", cidr="198.18.0.0/15")],
                port_security_enabled=is_secured,
            )
        )
    fields: Step = {"ports": ports, "disks": [], "security_groups": [{"id": "bench", "name": "bench"}], "flavor": make.flavor(memory_mb=16)}
    record = make.record(make.numbered(number, **fields))
    root = make.rendered(record)
    for serial in root.iter("serial"):
        # It has no folder for its console's log.
        for log in serial.findall("log"):
            serial.remove(log)
    return {"record": record, "xml": ET.tostring(root, encoding="unicode")}


def guests(stops: t.Iterable[int], *, is_secured: bool) -> list[Step]:
    """Guests of at most 8 NICs, so that the host has each of these numbers of ports in between."""
    made: list[Step] = []
    there = 0
    for stop in sorted(stops):
        while there < stop:
            nics = min(NICS, stop - there)
            made.append(guest(len(made), there, nics, is_secured=is_secured))
            there += nics
    return made


def steps(compared: int, changed: t.Collection[int], rules: int, rounds: int) -> list[Step]:
    """Open ports and filtered ones alternately; then more and more filtered ones, the group changed at each of these numbers."""
    work: list[Step] = []
    for _round in range(rounds):
        for is_secured in (False, True):
            label = "filtered" if is_secured else "open"
            work += [{"do": "start", "label": label, "guest": made, "groups": {"bench": group(rules)}} for made in guests([compared], is_secured=is_secured)]
            work.append({"do": "remove", "label": label})
    there = version = 0
    for made in guests(changed, is_secured=True):
        work.append({"do": "start", "label": "growing", "guest": made, "groups": {"bench": group(rules, version)}})
        there += len(made["record"]["ports"])
        if there in changed:
            version += 1
            work.append({"do": "apply", "label": "changed", "groups": {"bench": group(rules, version)}})
    return work


def measure(work: list[Step]) -> list[Step]:
    """What each step has taken on the hypervisor; it is told on the way."""
    # A hypervisor has no Ansible of its own.
    paths = f"PYTHONPATH={ROOT / '.build' / 'collections'}:{sysconfig.get_path('purelib')}"
    argv = [EXEC, HOST, "env", paths, "PYTHONDONTWRITEBYTECODE=1", "/usr/bin/python3", str(ROOT / "tests" / "bench" / "port_filters_host.py")]
    results = []
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        json.dump(work, process.stdin)
        process.stdin.close()
        for line in process.stdout:
            results.append(json.loads(line))
            print(line, end="", file=sys.stderr, flush=True)
    if process.returncode:
        sys.exit("the hypervisor's part failed")
    return results


def per_port(results: list[Step], label: str, ports: int) -> dict[str, float]:
    """What the start of a port has taken."""
    found = [result for result in results if (result["do"], result["label"]) == ("start", label)]
    return {what: round(sum(result[what] for result in found) / ports, 3) for what in ("wall_s", "processor_s")}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compared", type=int, default=50, help="how many ports are started, open and filtered")
    parser.add_argument("--changed", type=int, nargs="*", default=[1, 50, 200], help="with how many ports the group's rules are changed")
    parser.add_argument("--rules", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results = measure(steps(arguments.compared, arguments.changed, arguments.rules, arguments.rounds))
    started = {label: per_port(results, label, arguments.compared * arguments.rounds) for label in ("open", "filtered")}
    applied = {result["ports"]: {what: round(result[what], 2) for what in ("wall_s", "processor_s")} for result in results if result["do"] == "apply"}
    result = {"rules": arguments.rules, "ports": arguments.compared, "start_of_a_port": started, "change": applied}
    if arguments.json:
        print(json.dumps(result))
        return
    for label, took in started.items():
        print(f"start of a port, {label}: {took['wall_s']} s, {took['processor_s']} s of a processor")
    print(f"filtered against open: {started['filtered']['wall_s'] / started['open']['wall_s']:.1f} times")
    for ports, took in applied.items():
        each = took["processor_s"] / ports
        print(f"another rule in the group of {ports} ports: {took['wall_s']} s, {took['processor_s']} s of a processor, {each:.2f} s for each port")


if __name__ == "__main__":
    main()
