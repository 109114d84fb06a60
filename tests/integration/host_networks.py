# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a hypervisor has of networks, in words that stay the same as long as nobody changes it."""

from __future__ import annotations

import json
import re
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.tables import TABLE, TARGETS, ZONES

from .conftest import Host

# What counts, or runs out by itself.
MOVING = re.compile(r".*_timer|valid_life_time|preferred_life_time|expires|tentative|dadfailed|used|age")
# A tap is made with each start of its guest, and its place in the kernel's lists is another one then.
OF_A_TAP = re.compile(r"ifindex|id|no|designated_port")
TO_A_PORT = re.compile(r"-A libvirt-|-A (PREROUTING|POSTROUTING) -[io] tap|:")
# The kernel gives each tap an address of its own, and a route to it once nobody else has it.
SETTLED = 'until [ -z "$(ip -6 addr show tentative)" ]; do sleep 0.1; done'
COMMANDS = {
    "links": ("ip", "-j", "-d", "link", "show"),
    "addresses": ("ip", "-j", "addr", "show"),
    "routes": ("ip", "-j", "-4", "route", "show", "table", "all"),
    "routes of IPv6": ("ip", "-j", "-6", "route", "show", "table", "all"),
}


def _steady(value: t.Any, left_out: re.Pattern[str] = MOVING) -> t.Any:
    """What the tool ip says, without what moves."""
    if isinstance(value, dict):
        is_tap = str(value.get("ifname", "")).startswith("tap")
        pattern = re.compile(f"{MOVING.pattern}|{OF_A_TAP.pattern}") if is_tap else left_out
        return {key: _steady(item, pattern) for key, item in value.items() if not pattern.fullmatch(key)}
    return [_steady(item, left_out) for item in value] if isinstance(value, list) else value


def _lines(text: str) -> list[str]:
    """What iptables-save and its kin say, without the hour and what chains have counted; in which order libvirt asks whose port it is means nothing."""
    lines = [re.sub(r"\[\d+:\d+\]", "", line).strip() for line in text.splitlines() if not line.startswith("#")]
    return [line for line in lines if not TO_A_PORT.match(line)] + sorted(line for line in lines if TO_A_PORT.match(line))


def of_host(host: Host) -> dict[str, t.Any]:
    """Links, addresses, routes, network filters, IP sets, packet rules, and Open vSwitch where it runs, each sorted where the order means nothing."""
    host.run("timeout", "30", "sh", "-c", SETTLED)
    found: dict[str, t.Any] = {}
    for what, command in COMMANDS.items():
        items = [json.dumps(_steady(item), sort_keys=True) for item in json.loads(host.run(*command) or "[]")]
        found[what] = sorted(items)
    listing = 'for name in $(virsh -q nwfilter-list | awk "{print \\$2}"); do echo "== $name"; virsh nwfilter-dumpxml $name; done'
    found["network filters"] = sorted(part.strip() for part in host.run("sh", "-c", listing).split("== ") if part)
    found["IP sets"] = sorted(host.run("ipset", "save").splitlines())
    for tool in ("iptables", "ip6tables", "ebtables"):
        found[tool] = _lines(host.run(f"{tool}-save"))
    tables = "; ".join(f"nft -s list table {family} {TABLE} 2> /dev/null" for family in (TARGETS, ZONES))
    found["nftables"] = sorted(host.run("sh", "-c", f"{tables}; true").splitlines())
    shown = host.run("sh", "-c", "[ ! -e /run/openvswitch/db.sock ] || ovs-vsctl show")
    # It lists the ports of a bridge in any order.
    found["Open vSwitch"] = sorted(part.strip() for part in shown.split(" Port "))
    return found


def differences(before: dict[str, dict[str, t.Any]], after: dict[str, dict[str, t.Any]]) -> list[str]:
    """What is more (+) and less (-) on each host, a line each."""
    found = []
    for host, kinds in before.items():
        for kind, items in kinds.items():
            now = after[host][kind]
            if items != now:
                found += [f"{host}: {kind}: - {item}" for item in items if item not in now]
                found += [f"{host}: {kind}: + {item}" for item in now if item not in items]
                if sorted(items) == sorted(now):
                    found.append(f"{host}: {kind}: in another order")
    return found
