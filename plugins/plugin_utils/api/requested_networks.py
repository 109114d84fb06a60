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

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import Catalogue, ambiguous
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.policy import Policy
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Findings
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import NetworkBody
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import suggestion
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import CataloguePort, FleetInstance, Network, RequestedNetwork


def check_count(networks: str | list[NetworkBody], count: int) -> Iterator[Fault]:
    """What cannot be given to more than one server."""
    for index, network in enumerate(networks if count > 1 and isinstance(networks, list) else []):
        if network.get("fixed_ip"):
            rule = f"one address cannot be given to {count} servers (max_count)"
            yield Fault(f"networks[{index}].fixed_ip", network.get("fixed_ip"), rule, "InvalidInput")
        if network.get("port"):
            rule = f"one port cannot be given to {count} servers (max_count)"
            yield Fault(f"networks[{index}].port", network.get("port"), rule, "MultiplePortsNotApplicable")


@functools.lru_cache(maxsize=1024)
def _cidr(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


@functools.lru_cache(maxsize=1024)
def _gateway(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    return ipaddress.ip_address(text)


class RequestedNetworks:
    """Looks up the networks of one request after another: addresses and ports that one takes are taken for the next."""

    def __init__(self, catalogue: Catalogue, records: list[FleetInstance], policy: Policy, project: str) -> None:
        self._catalogue, self._policy, self._project = catalogue, policy, project
        # (network id, address) and port id: (project, name) of the server that has it.
        self._addresses: dict[tuple[str, str], tuple[str, str]] = {}
        self._ports: dict[str, tuple[str, str]] = {}
        for record in records:
            owner = (record["project_id"], record["display_name"])
            for port in record["ports"]:
                self._ports[port["id"]] = owner
                for ip in port["fixed_ips"]:
                    self._addresses[(port["network_id"], ip["ip_address"])] = owner
        # Ports made beforehand keep their addresses, whether or not a server has them already.
        self._kept: dict[tuple[str, str], str] = {}
        for name, kept in catalogue.ports.by_key.items():
            network = catalogue.networks.find(kept["network"])
            if network:
                self._kept.update({(network["id"], str(ipaddress.ip_address(ip["ip_address"]))): name for ip in kept["fixed_ips"]})
        # The addresses that the request that is being checked has asked for so far.
        self._mine: set[tuple[str, str]] = set()

    def check(self, wanted: str | list[NetworkBody], name: str, written: Mapping[str, object]) -> Findings[list[RequestedNetwork]]:
        """What ``networks`` of the server ``name`` stands for; ``written``: {Nova's path: the value as written}."""
        self._mine = set()
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
        yield from self._check_external(networks[0], "networks")
        return [{"network": networks[0], "port": None, "fixed_ip": None, "tag": None}]

    def _network(self, item: NetworkBody, path: str, name: str, written: Mapping[str, object]) -> Findings[RequestedNetwork | None]:
        port = None
        reference = item.get("uuid")
        asked_port = item.get("port")
        if asked_port:
            port = yield from self._port(asked_port, f"{path}.port", name)
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
        if not network["subnets"]:
            yield Fault(f"{path}.uuid", network["name"], "has no subnet", "NetworkRequiresSubnet")
            return None
        yield from self._check_external(network, f"{path}.port" if port else f"{path}.uuid")
        fixed_ip = item.get("fixed_ip")
        if fixed_ip:
            yield from self._fixed_ip(network, fixed_ip, f"{path}.fixed_ip", name)
        return {"network": network, "port": port, "fixed_ip": fixed_ip, "tag": item.get("tag")}

    def _check_external(self, network: Network, path: str) -> Iterator[Fault]:
        """``nova/network/neutron.py: API._check_external_network_attach``."""
        rule = "network:attach_external_network"
        if network["external"] and not network["shared"] and not self._policy.allows(rule):
            yield Fault(path, network["name"], f"is an external network; {self._policy.denial(rule)}", "ExternalNetworkAttachForbidden", 403)

    def _port(self, reference: str, path: str, name: str) -> Findings[CataloguePort | None]:
        port = self._catalogue.ports.find(reference)
        if port is None:
            if reference not in self._catalogue.ports.faulty:
                yield Fault(path, reference, f"unknown port{suggestion(reference, self._catalogue.ports.names())}", "PortNotFound")
            return None
        me = (self._project, name)
        owner = self._ports.setdefault(port["id"], me)
        if owner != me:
            yield Fault(path, reference, f"is in use by server {owner[1]}", "PortInUse", 409)
            return None
        return port

    def _fixed_ip(self, network: Network, text: str, path: str, name: str) -> Iterator[Fault]:
        address = ipaddress.ip_address(text)
        subnet = next((s for s in network["subnets"] if address in _cidr(s["cidr"])), None)
        if subnet is None:
            cidrs = ", ".join(s["cidr"] for s in network["subnets"])
            yield Fault(path, text, f"is in no subnet of network {network['name']} ({cidrs})", "InvalidInput")
            return
        key, me = (network["id"], str(address)), (self._project, name)
        owner = self._addresses.get(key)
        if owner and owner != me:
            yield Fault(path, text, f"is in use by server {owner[1]}", "FixedIpAlreadyInUse")
        elif key in self._mine:
            yield Fault(path, text, "is given twice in this request", "FixedIpAlreadyInUse")
        elif key in self._kept and not owner:
            yield Fault(path, text, f"is kept for port {self._kept[key]}", "FixedIpAlreadyInUse")
        elif subnet["gateway_ip"] and _gateway(subnet["gateway_ip"]) == address:
            yield Fault(path, text, f"is the gateway of network {network['name']}", "FixedIpAlreadyInUse")
        self._mine.add(key)
        self._addresses.setdefault(key, me)
