# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The networks, ports and addresses that a body names, against the catalogue and what is in use; pure.

Follows ``nova/network/neutron.py: API.validate_networks`` and ``nova/compute/api.py: API._check_multiple_instances_with_specified_ip``.
"""

from __future__ import annotations

import functools
import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import Catalogue, ambiguous
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.policy import Policy
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import ServerProblems

Data = dict[str, t.Any]


def check_count(networks: t.Any, count: int, problems: ServerProblems) -> None:
    """What cannot be given to more than one server."""
    if count < 2 or not isinstance(networks, list):
        return
    for index, network in enumerate(networks):
        if network.get("fixed_ip"):
            problems.add(f"networks[{index}].fixed_ip", network["fixed_ip"], f"one address cannot be given to {count} servers (max_count)", "InvalidInput")
        if network.get("port"):
            rule = f"one port cannot be given to {count} servers (max_count)"
            problems.add(f"networks[{index}].port", network["port"], rule, "MultiplePortsNotApplicable")


@functools.lru_cache(maxsize=1024)
def _cidr(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


class RequestedNetworks:
    """Looks up the networks of one request after another: addresses and ports that one takes are taken for the next."""

    def __init__(self, catalogue: Catalogue, records: list[Data], policy: Policy, project: str) -> None:
        self._catalogue, self._policy, self._project = catalogue, policy, project
        # (network id, address) and port id: (project, name) of the server that has it.
        self._addresses: dict[tuple[str, str], tuple[str, str]] = {}
        self._ports: dict[str, tuple[str, str]] = {}
        for record in records:
            owner = (record["project_id"], record["display_name"])
            for port in record.get("ports") or []:
                self._ports[port["id"]] = owner
                for ip in port.get("fixed_ips") or []:
                    self._addresses[(port["network_id"], ip["ip_address"])] = owner
        # Ports made beforehand keep their addresses, whether or not a server has them already.
        self._kept: dict[tuple[str, str], str] = {}
        for name, port in catalogue.entries["ports"].items():
            network = catalogue.find("networks", port["network"])
            if network:
                self._kept.update({(network["id"], str(ipaddress.ip_address(ip["ip_address"]))): name for ip in port.get("fixed_ips") or []})
        # The addresses that the request that is being checked has asked for so far.
        self._mine: set[tuple[str, str]] = set()

    def check(self, wanted: t.Any, name: str, written: Data, problems: ServerProblems) -> list[Data]:
        """[{network, port, fixed_ip, tag}] of ``networks`` of the server ``name``; ``written``: {Nova's path: the value as written}."""
        self._mine = set()
        if wanted == "none":
            return []
        if wanted == "auto" or not wanted:
            every = list(self._catalogue.entries["networks"].values())
            if len(every) > 1:
                rule = f"{len(every)} networks are possible, name one of: {self._catalogue.known('networks')}"
                problems.add("networks", wanted, rule, "NetworkAmbiguous", 409)
            elif wanted and not every:
                problems.add("networks", wanted, "compute_networks has no network", "UnableToAutoAllocateNetwork")
            if len(every) != 1:
                return []
            self._check_external(every[0], "networks", problems)
            return [{"network": every[0], "port": None, "fixed_ip": None, "tag": None}]
        found = []
        for index, item in enumerate(wanted):
            network = self._network(item, f"networks[{index}]", name, written, problems)
            if network:
                found.append(network)
        return found

    def _network(self, item: Data, path: str, name: str, written: Data, problems: ServerProblems) -> Data | None:
        port = None
        reference = item.get("uuid")
        if item.get("port"):
            port = self._port(item["port"], f"{path}.port", name, problems)
            if port is None:
                return None
            reference = port["network"]
        alike = self._catalogue.matches("networks", written[f"{path}.uuid"]) if port is None and f"{path}.uuid" in written else []
        if len(alike) > 1:
            problems.add(f"{path}.uuid", written[f"{path}.uuid"], ambiguous(alike), "NoUniqueMatch", 409)
            return None
        network = self._catalogue.find("networks", reference)
        if network is None:
            if reference:
                value = written.get(f"{path}.uuid", reference)
                problems.add(f"{path}.uuid", value, f"is no network; known: {self._catalogue.known('networks')}", "NetworkNotFound")
            return None
        if not network["subnets"]:
            problems.add(f"{path}.uuid", network["name"], "has no subnet", "NetworkRequiresSubnet")
            return None
        self._check_external(network, f"{path}.port" if port else f"{path}.uuid", problems)
        if item.get("fixed_ip"):
            self._fixed_ip(network, item["fixed_ip"], f"{path}.fixed_ip", name, problems)
        return {"network": network, "port": port, "fixed_ip": item.get("fixed_ip"), "tag": item.get("tag")}

    def _check_external(self, network: Data, path: str, problems: ServerProblems) -> None:
        """``nova/network/neutron.py: API._check_external_network_attach``."""
        rule = "network:attach_external_network"
        if network["external"] and not network["shared"] and not self._policy.allows(rule):
            problems.add(path, network["name"], f"is an external network; {self._policy.denial(rule)}", "ExternalNetworkAttachForbidden", 403)

    def _port(self, reference: str, path: str, name: str, problems: ServerProblems) -> Data | None:
        port = self._catalogue.find("ports", reference)
        if port is None:
            problems.add(path, reference, f"is no port; known: {self._catalogue.known('ports')}", "PortNotFound")
            return None
        me = (self._project, name)
        owner = self._ports.setdefault(port["id"], me)
        if owner != me:
            problems.add(path, reference, f"is in use by server {owner[1]}", "PortInUse", 409)
            return None
        return port

    def _fixed_ip(self, network: Data, text: str, path: str, name: str, problems: ServerProblems) -> None:
        address = ipaddress.ip_address(text)
        subnet = next((s for s in network["subnets"] if address in _cidr(s["cidr"])), None)
        if subnet is None:
            cidrs = ", ".join(s["cidr"] for s in network["subnets"])
            problems.add(path, text, f"is in no subnet of network {network['name']} ({cidrs})", "InvalidInput")
            return
        key, me = (network["id"], str(address)), (self._project, name)
        owner = self._addresses.get(key)
        if owner and owner != me:
            problems.add(path, text, f"is in use by server {owner[1]}", "FixedIpAlreadyInUse")
        elif key in self._mine:
            problems.add(path, text, "is given twice in this request", "FixedIpAlreadyInUse")
        elif key in self._kept and not owner:
            problems.add(path, text, f"is kept for port {self._kept[key]}", "FixedIpAlreadyInUse")
        elif subnet["gateway_ip"] and ipaddress.ip_address(subnet["gateway_ip"]) == address:
            problems.add(path, text, f"is the gateway of network {network['name']}", "FixedIpAlreadyInUse")
        self._mine.add(key)
        self._addresses.setdefault(key, me)
