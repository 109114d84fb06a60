# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a security group's rule must hold to beyond its shape; pure.

Follows ``neutron/db/securitygroups_db.py: _validate_security_group_rule`` and ``_validate_port_range``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.formats import PROTOCOLS, is_prefix

ANY = "any"
WITH_PORTS = {PROTOCOLS[name] for name in ("tcp", "udp", "udplite", "sctp", "dccp")}
ICMP = {PROTOCOLS["icmp"], PROTOCOLS["icmpv6"]}
MOST_OF_ICMP = 255
IP_VERSIONS = {4: "IPv4", 6: "IPv6"}


def faults(rule: dict[str, object]) -> Iterator[Fault]:
    """Every fault of one rule; keys that are not well-formed are left to its schema."""
    prefix, ethertype = rule.get("remote_ip_prefix"), rule.get("ethertype") or "IPv4"
    if prefix is not None and rule.get("remote_group") is not None:
        yield Fault("remote_ip_prefix", prefix, "must not be given together with remote_group")
    elif isinstance(prefix, str) and is_prefix(prefix) and ethertype in IP_VERSIONS.values() and _ethertype(prefix) != ethertype:
        yield Fault("remote_ip_prefix", prefix, f"must be of the ethertype {ethertype}")
    protocol, first, last = rule.get("protocol"), rule.get("port_range_min"), rule.get("port_range_max")
    if protocol is not None and str(protocol).startswith(("ipv6-", "icmpv6")) and ethertype == "IPv4":
        yield Fault("protocol", protocol, "needs the ethertype IPv6")
    if first is None and last is None:
        return
    number = None if protocol in (None, ANY) else PROTOCOLS.get(str(protocol), str(protocol))
    where, value = ("port_range_min", first) if first is not None else ("port_range_max", last)
    if number is None:
        yield Fault(where, value, "needs a protocol")
    elif number in WITH_PORTS:
        yield from _ports(first, last)
    elif number in ICMP:
        yield from _icmp(first, last)
    elif number.isdigit():
        yield Fault(where, value, f"must not be given: protocol {protocol} has no ports")


def _ethertype(prefix: str) -> str:
    return IP_VERSIONS[ipaddress.ip_network(prefix, strict=False).version]


def _ports(first: object, last: object) -> Iterator[Fault]:
    for name, value, other in (("port_range_min", first, "port_range_max"), ("port_range_max", last, "port_range_min")):
        if value is None:
            yield Fault(name, None, f"is required together with {other}")
        elif value == 0:
            yield Fault(name, value, "must be at least 1")
    if isinstance(first, int) and isinstance(last, int) and first > last:
        yield Fault("port_range_min", first, f"must not be more than port_range_max {last}")


def _icmp(kind: object, code: object) -> Iterator[Fault]:
    if kind is None:
        yield Fault("port_range_min", None, "is required together with port_range_max: it is the ICMP type, the other the code")
    for name, value in (("port_range_min", kind), ("port_range_max", code)):
        if isinstance(value, int) and value > MOST_OF_ICMP:
            yield Fault(name, value, f"must be at most {MOST_OF_ICMP} for ICMP")
