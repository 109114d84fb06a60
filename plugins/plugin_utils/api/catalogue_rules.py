# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an entry of the catalogue must hold to beyond its shape, one function for each kind; pure.

A rule looks at what is well-formed and leaves the rest to the schema, so that an entry shows all its faults at once and none twice.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import FLAT, PROVIDER, VLAN, VXLAN
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import BINDINGS
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.user import SLIRP, User, slirp_gateway
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.address_modes import EUI64_PREFIX, MADE_BY_GUESTS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import public_key, security_group_rules
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import formats
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault

# schema/libraries.py tells; an action fails with that before it comes here.
with contextlib.suppress(ImportError):
    import netaddr

Raw = dict[str, object]  # an entry as it is written
NETWORK_TYPE, PHYSICAL_NETWORK, SEGMENTATION_ID = "provider:network_type", "provider:physical_network", "provider:segmentation_id"
NAMED = tuple(binding for binding in BINDINGS if binding not in PROVIDER)  # the keys with the name of what hosts have
WAYS = (*NAMED, NETWORK_TYPE)
USER = User.type
MOST_SLIRP_PREFIX = 27  # its DHCP server has addresses from the 15th on
SERVED = ("bridge", NETWORK_TYPE)  # where hosts can answer guests
PARTS_OF = {"vlan": "openvswitch", "portgroup": "libvirt_network"}  # what part of it a network is, by the binding that has such parts
MOST_VLAN = 4094


def _items(value: object) -> Iterator[tuple[int, Raw]]:
    """(position, item) of the mappings in a list."""
    if isinstance(value, list):
        yield from ((index, item) for index, item in enumerate(value) if isinstance(item, dict))


def _address(value: object) -> netaddr.IPAddress | None:
    return formats.address(value) if isinstance(value, str) and formats.is_ip(value) else None


def _network(value: object) -> netaddr.IPNetwork | None:
    return formats.network(value) if isinstance(value, str) and formats.is_cidr(value) else None


def _below(path: str, faults: Iterable[Fault]) -> Iterator[Fault]:
    return (fault.below(path) for fault in faults)


def network(entry: Raw) -> Iterator[Fault]:
    """One way to reach it; subnets that are right and apart from each other."""
    if sum(bool(entry.get(way)) for way in WAYS) != 1:
        yield Fault("", None, f"needs one of {', '.join(WAYS)}")
    for part, binding in PARTS_OF.items():
        if entry.get(part) is not None and not entry.get(binding):
            yield Fault(part, entry[part], f"must not be given without {binding}")
    yield from _provider(entry)
    yield from _user(entry)
    for index, item in _items(entry.get("subnets")):
        yield from _below(f"subnets[{index}]", _subnet(item))
        if item.get("dhcp_server") is True and not any(entry.get(way) for way in SERVED):
            rule = f"must not be given: hosts answer guests on bridges only, of a network with {' or '.join(SERVED)}"
            yield Fault(f"subnets[{index}].dhcp_server", True, rule)
    cidrs = [(index, _network(item.get("cidr"))) for index, item in _items(entry.get("subnets"))]
    for (first, one), (second, other) in itertools.combinations(cidrs, 2):
        if one is not None and other is not None and (one in other or other in one):
            yield Fault(f"subnets[{second}].cidr", str(other), f"must not overlap with {one} of subnets[{first}]")


def _provider(entry: Raw) -> Iterator[Fault]:
    """``neutron/plugins/ml2/drivers/type_*.py: validate_provider_segment``. Ids are not handed out here: who makes the network chooses one."""
    kind = entry.get(NETWORK_TYPE)
    needs = {PHYSICAL_NETWORK: (FLAT, VLAN), SEGMENTATION_ID: (VLAN, VXLAN)}
    for key, kinds in needs.items():
        is_given = entry.get(key) is not None
        if kind in kinds and not is_given:
            yield Fault(key, None, f"must be given with {NETWORK_TYPE} {kind}")
        elif is_given and kind not in kinds and (kind is None or kind in PROVIDER):
            yield Fault(key, entry[key], f"must not be given without {NETWORK_TYPE} {' or '.join(kinds)}")
    number = entry.get(SEGMENTATION_ID)
    if kind == VLAN and isinstance(number, int) and number > MOST_VLAN:
        yield Fault(SEGMENTATION_ID, number, f"must be from 1 to {MOST_VLAN}, as {NETWORK_TYPE} is {VLAN}")


def _user(entry: Raw) -> Iterator[Fault]:
    """What passt and slirp can give a guest by libvirt, and what its answers to the host need: connections from there come from beyond the gateway."""
    backend = entry.get(USER)
    subnets = entry.get("subnets") if backend else None
    why = f"as user is {backend}"
    if isinstance(subnets, list) and len(subnets) > 1:
        yield Fault("subnets", len(subnets), f"must be one, {why}")
    for index, item in _items(subnets):
        cidr = _network(item.get("cidr"))
        if cidr is not None and cidr.version != 4:
            yield Fault(f"subnets[{index}].cidr", str(cidr), f"must be IPv4, {why}")
        elif cidr is not None:
            yield from _below(f"subnets[{index}]", _user_subnet(item, cidr, str(backend)))


def _user_subnet(entry: Raw, cidr: netaddr.IPNetwork, backend: str) -> Iterator[Fault]:
    """Passt answers for any gateway, and gives the port's address by DHCP; slirp has addresses of its own for both, in the last bits of the network."""
    why, gateway = f"as user is {backend}", entry.get("gateway_ip")
    if backend == SLIRP and cidr.prefixlen > MOST_SLIRP_PREFIX:
        yield Fault("cidr", str(cidr), f"must be a /{MOST_SLIRP_PREFIX} or larger, {why}")
    elif backend == SLIRP and gateway != slirp_gateway(str(cidr)):
        yield Fault("gateway_ip", gateway, f"must be {slirp_gateway(str(cidr))}, {why}")
    elif not gateway:
        yield Fault("gateway_ip", None, f"must be given, {why}")
    if backend == SLIRP and entry.get("dhcp"):
        yield Fault("dhcp", entry["dhcp"], f"must be false, {why}, which gives all guests one address")


def _subnet(entry: Raw) -> Iterator[Fault]:
    """Gateway and pools inside the cidr; routes of its version."""
    cidr = _network(entry.get("cidr"))
    if cidr is None:
        return
    yield from _inside("gateway_ip", entry.get("gateway_ip"), cidr)
    yield from _address_mode(entry, cidr)
    yield from _dhcp_server(entry, cidr)
    ranges: list[tuple[int, netaddr.IPRange]] = []
    for index, pool in _items(entry.get("allocation_pools")):
        path = f"allocation_pools[{index}]"
        outside = [*_inside(f"{path}.start", pool.get("start"), cidr), *_inside(f"{path}.end", pool.get("end"), cidr)]
        yield from outside
        start, end = _address(pool.get("start")), _address(pool.get("end"))
        if outside or start is None or end is None:
            continue
        if start > end:
            yield Fault(path, pool["start"], f"starts after its end {pool['end']}")
        else:
            ranges.append((index, netaddr.IPRange(start, end)))
    ranges.sort(key=lambda item: (item[1].first, item[0]))
    for (first, one), (second, other) in itertools.pairwise(ranges):
        if other.first <= one.last:
            yield Fault(f"allocation_pools[{second}]", str(other), f"must not overlap with allocation_pools[{first}], {one}")
    for index, route in _items(entry.get("host_routes")):
        destination = route.get("destination")
        if isinstance(destination, str) and formats.is_prefix(destination) and formats.network(destination).version != cidr.version:
            yield Fault(f"host_routes[{index}].destination", destination, f"must be IPv{cidr.version}, as {cidr} is")
        nexthop = _address(route.get("nexthop"))
        if nexthop is not None and nexthop.version != cidr.version:
            yield Fault(f"host_routes[{index}].nexthop", route["nexthop"], f"must be IPv{cidr.version}, as {cidr} is")


def _address_mode(entry: Raw, cidr: netaddr.IPNetwork) -> Iterator[Fault]:
    """``neutron/db/db_base_plugin_v2.py: _validate_ipv6_attributes`` and ``_validate_eui64_applicable``."""
    mode = entry.get("ipv6_address_mode")
    if not isinstance(mode, str):
        return
    if cidr.version == 4:
        yield Fault("ipv6_address_mode", mode, f"must not be given: {cidr} is IPv4")
    elif mode in MADE_BY_GUESTS:
        if cidr.prefixlen != EUI64_PREFIX:
            yield Fault("ipv6_address_mode", mode, f"needs a /{EUI64_PREFIX}, of which guests make addresses: {cidr} is none")
        if entry.get("allocation_pools"):
            yield Fault("allocation_pools", None, f"must not be given: with ipv6_address_mode {mode} addresses follow from MAC addresses")


def _dhcp_server(entry: Raw, cidr: netaddr.IPNetwork) -> Iterator[Fault]:
    """Who is told his address asks nobody; of IPv6 a server needs an address of its own, which is made of its MAC address."""
    if entry.get("dhcp_server") is not True:
        return
    if cidr.version == 4 and entry.get("dhcp") is not True:
        yield Fault("dhcp_server", True, "must not be given without dhcp: true")
    if cidr.version == 6:
        if entry.get("ipv6_address_mode") is None:
            yield Fault("dhcp_server", True, "must not be given without ipv6_address_mode")
        if cidr.prefixlen != EUI64_PREFIX:
            yield Fault("dhcp_server", True, f"needs a /{EUI64_PREFIX}: {cidr} is none")


def _inside(path: str, value: object, cidr: netaddr.IPNetwork) -> Iterator[Fault]:
    address = _address(value)
    if address is not None and address not in cidr:
        yield Fault(path, value, f"must be in {cidr}")


def port(entry: Raw) -> Iterator[Fault]:
    """One limit for each direction, as in a QoS policy of Neutron's."""
    first: dict[object, int] = {}
    for index, rule in _items(entry.get("qos")):
        direction = rule.get("direction") or "egress"
        if isinstance(direction, str) and first.setdefault(direction, index) != index:
            yield Fault(f"qos[{index}].direction", direction, f"is that of qos[{first[direction]}] already")


def security_group(entry: Raw) -> Iterator[Fault]:
    """Neutron's rules for rules."""
    for index, rule in _items(entry.get("rules")):
        yield from _below(f"rules[{index}]", security_group_rules.faults(rule))


def keypair(entry: Raw) -> Iterator[Fault]:
    """A public key of the form that its type says."""
    kind, text = entry.get("type") or "ssh", entry.get("public_key")
    if isinstance(kind, str) and kind in public_key.KINDS and isinstance(text, str) and text:
        rule = public_key.fault(kind, text)
        if rule:
            yield Fault("public_key", public_key.shown(text), rule)


def server_group(entry: Raw) -> Iterator[Fault]:
    """``nova/api/openstack/compute/server_groups.py: create``: rules are for anti-affinity."""
    rules, policy = entry.get("rules"), entry.get("policy")
    if isinstance(rules, dict) and rules and isinstance(policy, str) and policy != "anti-affinity":
        yield Fault("rules", ", ".join(sorted(map(str, rules))), f"must not be given: only the policy anti-affinity has rules, not {policy}")


RULES: dict[str, Callable[[Raw], Iterator[Fault]]] = {
    "networks": network,
    "ports": port,
    "security_groups": security_group,
    "keypairs": keypair,
    "server_groups": server_group,
}
