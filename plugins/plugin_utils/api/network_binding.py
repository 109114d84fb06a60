# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How ports reach a network of the catalogue: the binding that its keys stand for, and how large packets are where its entry doesn't say it; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import FLAT, LOCAL, PROVIDER, VLAN, VXLAN
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.offer import OVERHEAD, overhead
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue_rules import NAMED, NETWORK_TYPE, PHYSICAL_NETWORK, SEGMENTATION_ID, USER
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import BuildRequest, FleetHost, Network

PHYSICAL_MTU = 1500  # Neutron's global_physnet_mtu
NONE = "none"  # the action for a server that is as it must be


def taken_from(entry: dict[str, t.Any]) -> Binding:
    """The binding of a network, whose keys for it are taken out of the entry, which is right and has an id."""
    names: dict[str, str | None] = {binding: entry.pop(binding) for binding in NAMED}
    vlan: int | None = entry.pop("vlan")
    portgroup: str | None = entry.pop("portgroup")
    kind, physical, number = (entry.pop(key) for key in (NETWORK_TYPE, PHYSICAL_NETWORK, SEGMENTATION_ID))
    if kind is None:
        # No guest of a network without privileges meets another: what tells such networks apart is their id.
        (found,) = (Binding(type=binding, name=entry["id"] if binding == USER else name) for binding, name in names.items() if name)
        if found["type"] == USER:
            found["backend"] = str(names[USER])
        if vlan is not None:
            found["vlan"] = vlan
        if portgroup is not None:
            found["portgroup"] = portgroup
        return found
    called = {FLAT: physical, VLAN: f"{physical}:{number}", VXLAN: str(number), LOCAL: entry["id"]}
    return Binding(type=kind, name=called[kind])


def used_twice(networks: Mapping[str, Network]) -> Iterator[Fault]:
    """``neutron_lib/exceptions: FlatNetworkInUse``, ``VlanIdInUse``, ``TunnelIdInUse``: two networks with their ports on one wire are one."""
    first: dict[tuple[str, str], str] = {}
    for name, network in networks.items():
        binding = network["binding"]
        other = first.setdefault((binding["type"], binding["name"]), name)
        if binding["type"] in PROVIDER and other != name:
            yield Fault(f"{name}.{NETWORK_TYPE}", binding["type"], f"{binding['type']} {binding['name']} is network {other} already")


def tell_mtu(networks: Iterable[Network], hosts: Iterable[FleetHost]) -> None:
    """Give VXLAN networks without an MTU what is left for packets of guests in packets of the usual size, by the hosts' addresses."""
    known = [found.get("networks") for found in hosts]
    tunnels = [host.get("tunnel") for host in known if host]
    most = max((overhead(tunnel["address"]) for tunnel in tunnels if tunnel), default=OVERHEAD[4])
    for network in networks:
        if network["binding"]["type"] == VXLAN and network["mtu"] is None:
            network["mtu"] = PHYSICAL_MTU - most


def has_tunnels(instances: Iterable[BuildRequest]) -> bool:
    """True if a server that is new, or that is to run again, is on a VXLAN network."""
    changing = (item for item in instances if item["existing"] is None or item["existing"]["action"] != NONE)
    return any(wanted["network"]["binding"]["type"] == VXLAN for item in changing for wanted in item["networks"])
