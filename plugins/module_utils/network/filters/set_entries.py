# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the IP sets of a security group have; pure.

A group has for each IP version and direction one set of addresses (``hash:net``), for what is allowed whatever the protocol, and one of addresses with a
protocol and a port (``hash:net,port``). Its filter looks into a third one, which has these two (``list:set``), so that libvirt has one rule for both.
"""

from __future__ import annotations

import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.group_filter import remote_prefixes
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import IP_VERSIONS, NETS, SERVICES, RuleSet
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.services import services, stands_in_set
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule

Sets = t.Dict[str, t.Set[str]]  # the entries by the names of the sets


def prefixes(addresses: t.Iterable[str], version: int) -> t.Set[str]:
    """The addresses of one IP version, as an IP set lists them: it takes no prefix that every address has, so that one is two halves."""
    found: t.Set[str] = set()
    for address in addresses:
        network = ipaddress.ip_network(address, strict=False)
        if network.version == version:
            parts = network.subnets() if network.prefixlen == 0 else [network]
            found.update(str(part.network_address) if part.prefixlen == part.max_prefixlen else str(part) for part in parts)
    return found


def entries(of: RuleSet, rules: t.Iterable[FilterRule], members: t.Callable[[str], t.Iterable[str]]) -> Sets:
    """The set ``of`` that the filter of a group looks into, and those in it; ``members``: the addresses and CIDRs of a group that a rule names, by id."""
    nets, with_services = (of._replace(kind=kind).name for kind in (NETS, SERVICES))
    found: Sets = {nets: set(), with_services: set(), of.name: {nets, with_services}}
    for rule in rules:
        if (rule["direction"], rule["ethertype"]) == (of.direction, of.ethertype) and stands_in_set(rule):
            addresses = remote_prefixes(rule) if rule["remote_group"] is None else members(rule["remote_group"])
            who, may = prefixes(addresses, IP_VERSIONS[of.ethertype]), services(rule)
            if may:
                found[with_services].update(f"{prefix},{service}" for prefix in who for service in may)
            else:
                found[nets].update(who)
    return found
