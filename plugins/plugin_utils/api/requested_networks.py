# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks, ports and addresses that a body names, against the catalogue and what is in use; pure.

Follows ``nova/network/neutron.py: API.validate_networks`` and ``nova/compute/api.py: API._check_multiple_instances_with_specified_ip``.
"""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Iterator, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import normal
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.address_modes import is_made_by_guests
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import nics, port_binding
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import Catalogue, ambiguous
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.nics import PLAIN, Nic
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.policy import Policy
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Findings
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import NetworkBody
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.segments import Place, Segments, own_addresses
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.port_security import is_secured
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import suggestion
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import CataloguePort, FleetHost, FleetInstance, Network, RequestedNetwork


def check_count(networks: str | list[NetworkBody], count: int) -> Iterator[Fault]:
    """What cannot be given to more than one server."""
    for index, network in enumerate(networks if count > 1 and isinstance(networks, list) else []):
        if network.get("fixed_ip"):
            rule = f"one address cannot be given to {count} servers (max_count)"
            yield Fault(f"networks[{index}].fixed_ip", network.get("fixed_ip"), rule, "InvalidInput")
        if network.get("port"):
            rule = f"one port cannot be given to {count} servers (max_count)"
            yield Fault(f"networks[{index}].port", network.get("port"), rule, "MultiplePortsNotApplicable")


def _check_security(network: Network, port: CataloguePort | None, path: str) -> Iterator[Fault]:
    """A port that can't be filtered must say so: it is never open without a word."""
    vif = vif_of(network["binding"])
    if is_secured(port, network) and not vif.is_filtered:
        rule = f"is on {vif.noun}, which can't enforce port security; port_security_enabled: false leaves its ports open"
        yield Fault(path, port["name"] if port else network["name"], rule, "SecurityGroupCannotBeApplied")


@functools.lru_cache(maxsize=1024)
def _cidr(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


@functools.lru_cache(maxsize=1024)
def _gateway(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(text)


class RequestedNetworks:
    """Looks up the networks of one request after another: addresses and ports that one takes are taken for the next."""

    def __init__(self, catalogue: Catalogue, hosts: list[FleetHost], records: list[FleetInstance], policy: Policy, project: str) -> None:
        self._catalogue, self._policy, self._project = catalogue, policy, project
        self._segments, self._of_hosts = Segments(hosts), own_addresses(hosts)
        # An address in a segment, a MAC address in a segment, and a port's id: (project, name) of the server that has it.
        self._addresses: dict[Place, tuple[str, str]] = {}
        self._macs: dict[Place, tuple[str, str]] = {}
        self._ports: dict[str, tuple[str, str]] = {}
        for record in records:
            owner = (record["project_id"], record["display_name"])
            for port in record["ports"]:
                self._ports[port["id"]] = owner
                self._addresses.update(dict.fromkeys(self._segments.places_of(port), owner))
                for segment in self._segments.of(port["network_id"], port["binding"]):
                    self._macs[segment, port["mac_address"].lower()] = owner
        # Ports made beforehand keep their addresses, whether or not a server has them already.
        self._kept: dict[Place, str] = {}
        for name, kept in catalogue.ports.by_key.items():
            network = catalogue.networks.find(kept["network"])
            if network:
                for ip in kept["fixed_ips"]:
                    self._kept.update(dict.fromkeys(self._segments.places(network["id"], network["binding"], ip["ip_address"]), name))
        # The addresses that the request that is being checked has asked for so far.
        self._mine: set[Place] = set()
        self._nic = PLAIN

    def check(self, wanted: str | list[NetworkBody], name: str, written: Mapping[str, object], nic: Nic = PLAIN) -> Findings[list[RequestedNetwork]]:
        """What ``networks`` of the server ``name`` stands for; ``written``: {Nova's path: the value as written}; ``nic``: what each of its NICs has."""
        self._mine, self._nic = set(), nic
        if wanted == "none":
            return []
        if isinstance(wanted, str) or not wanted:
            return (yield from self._automatic(wanted))
        found: list[RequestedNetwork] = []
        for index, item in enumerate(wanted):
            network = yield from self._network(item, f"networks[{index}]", name, written)
            if network:
                found.append(network)
        return found

    def _automatic(self, wanted: object) -> Findings[list[RequestedNetwork]]:
        """The one network that there is."""
        networks = list(self._catalogue.networks.by_key.values())
        if len(networks) > 1:
            rule = f"{len(networks)} networks are possible, name one of: {', '.join(self._catalogue.networks.names())}"
            yield Fault("networks", wanted, rule, "NetworkAmbiguous", 409)
        elif wanted and not networks:
            yield Fault("networks", wanted, "compute_networks has no network", "UnableToAutoAllocateNetwork")
        if len(networks) != 1:
            return []
        if not networks[0]["subnets"]:
            yield Fault("networks", wanted, f"network {networks[0]['name']} has no subnet", "NetworkRequiresSubnet")
        yield from self._check_external(networks[0], "networks")
        yield from _check_security(networks[0], None, "networks")
        return [(yield from self._requested(networks[0], None, {}, "networks"))]

    def _network(self, item: NetworkBody, path: str, name: str, written: Mapping[str, object]) -> Findings[RequestedNetwork | None]:
        port = None
        reference = item.get("uuid")
        asked_port = item.get("port")
        if asked_port:
            port = yield from self._port(asked_port, written.get(f"{path}.port", asked_port), f"{path}.port", name)
            if port is None:
                return None
            reference = port["network"]
        value = written.get(f"{path}.uuid", reference)
        alike = self._catalogue.networks.matches(value) if port is None and f"{path}.uuid" in written else []
        if len(alike) > 1:
            yield Fault(f"{path}.uuid", value, ambiguous(alike), "NoUniqueMatch", 409)
            return None
        network = self._catalogue.networks.find(reference)
        if network is None:
            # One that is in the catalogue, but faulty, is a fault already.
            if reference and str(value) not in self._catalogue.networks.faulty:
                rule = f"unknown network{suggestion(value, self._catalogue.networks.names())}"
                yield Fault(f"{path}.uuid", value, rule, "NetworkNotFound")
            return None
        if not network["subnets"] and port:
            yield Fault(f"{path}.port", port["name"], f"has no fixed IP: its network {network['name']} has no subnet", "PortRequiresFixedIP")
            return None
        if not network["subnets"]:
            yield Fault(f"{path}.uuid", network["name"], "has no subnet", "NetworkRequiresSubnet")
            return None
        yield from self._check_external(network, f"{path}.port" if port else f"{path}.uuid")
        yield from _check_security(network, port, f"{path}.port" if port else f"{path}.uuid")
        fixed_ip = item.get("fixed_ip")
        if fixed_ip:
            yield from self._fixed_ip(network, fixed_ip, f"{path}.fixed_ip", name)
        return (yield from self._requested(network, port, item, f"{path}.port" if port else f"{path}.uuid"))

    def _requested(self, network: Network, port: CataloguePort | None, item: NetworkBody, path: str) -> Findings[RequestedNetwork]:
        limits = nics.limits_of(self._nic, port)
        yield from nics.faults(limits, network, port, path)
        return {
            "network": network,
            "port": port,
            "fixed_ip": item.get("fixed_ip"),
            "tag": item.get("tag"),
            "bandwidth": limits,
            "queues": self._nic.queues,
        }

    def _check_external(self, network: Network, path: str) -> Iterator[Fault]:
        """``nova/network/neutron.py: API._check_external_network_attach``."""
        rule = "network:attach_external_network"
        if network["external"] and not network["shared"] and not self._policy.allows(rule):
            yield Fault(path, network["name"], f"is an external network; {self._policy.denial(rule)}", "ExternalNetworkAttachForbidden", 403)

    def _port(self, reference: str, value: object, path: str, name: str) -> Findings[CataloguePort | None]:
        """The port with this id, which the user wrote as ``value``."""
        port = self._catalogue.ports.find(reference)
        if port is None:
            if str(value) not in self._catalogue.ports.faulty:
                yield Fault(path, value, f"unknown port{suggestion(value, self._catalogue.ports.names())}", "PortNotFound")
            return None
        me = (self._project, name)
        owner = self._ports.setdefault(port["id"], me)
        if owner != me:
            yield Fault(path, value, f"is in use by server {owner[1]}", "PortInUse", 409)
            return None
        yield from port_binding.faults(port, path)
        network = self._catalogue.networks.find(port["network"])
        if network:
            yield from self._check_port(port, network, path, me)
        return port

    def _check_port(self, port: CataloguePort, network: Network, path: str, me: tuple[str, str]) -> Iterator[Fault]:
        """That nobody else has got what the port is to have."""
        mac = port["mac_address"]
        for segment in self._segments.of(network["id"], network["binding"]) if mac else ():
            owner = self._macs.setdefault((segment, str(mac)), me)
            if owner != me:
                yield Fault(path, port["name"], f"has the MAC address {mac}, which is in use by server {owner[1]}", "MacAddressInUse", 409)
                break
        for ip in port["fixed_ips"]:
            places = self._segments.places(network["id"], network["binding"], ip["ip_address"])
            address = ip["ip_address"]
            other = self._owner(places, me)
            if other:
                yield Fault(path, port["name"], f"has the address {address}, which is in use by server {other}", "FixedIpAlreadyInUse")
            elif normal(address) in self._of_hosts:
                yield Fault(path, port["name"], f"has the address {address}, which host {self._of_hosts[normal(address)]} has itself", "FixedIpAlreadyInUse")
            self._addresses.update({place: me for place in places if place not in self._addresses})

    def _owner(self, places: frozenset[Place], me: tuple[str, str]) -> str | None:
        """Another server that has an address."""
        return next((owner[1] for owner in map(self._addresses.get, places) if owner and owner != me), None)

    def _fixed_ip(self, network: Network, text: str, path: str, name: str) -> Iterator[Fault]:
        address = ipaddress.ip_address(text)
        subnet = next((s for s in network["subnets"] if address in _cidr(s["cidr"])), None)
        if subnet is None:
            cidrs = ", ".join(s["cidr"] for s in network["subnets"])
            yield Fault(path, text, f"is in no subnet of network {network['name']} ({cidrs})", "InvalidInput")
            return
        if is_made_by_guests(subnet):
            rule = f"must not be given: addresses of {subnet['cidr']} follow from MAC addresses ({subnet['ipv6_address_mode']})"
            yield Fault(path, text, rule, "InvalidInput")
            return
        places, me = self._segments.places(network["id"], network["binding"], text), (self._project, name)
        owner, is_mine = self._owner(places, me), any(place in self._addresses for place in places)
        kept = next((self._kept[place] for place in places if place in self._kept), None)
        if owner:
            yield Fault(path, text, f"is in use by server {owner}", "FixedIpAlreadyInUse")
        elif places & self._mine:
            yield Fault(path, text, "is given twice in this request", "FixedIpAlreadyInUse")
        elif kept and not is_mine:
            yield Fault(path, text, f"is kept for port {kept}", "FixedIpAlreadyInUse")
        elif str(address) in self._of_hosts and not is_mine:
            yield Fault(path, text, f"is the address of host {self._of_hosts[str(address)]} itself", "FixedIpAlreadyInUse")
        elif subnet["gateway_ip"] and _gateway(subnet["gateway_ip"]) == address:
            yield Fault(path, text, f"is the gateway of network {network['name']}", "FixedIpAlreadyInUse")
        self._mine |= places
        self._addresses.update({place: me for place in places if place not in self._addresses})
