# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a server that is there differs from its request: a line for each field that a request determines; pure.

Each line says what ends the difference. A run does little for a server that is there: it starts one that is off, and makes its config drive and swap again
if they are gone. What is in its record stays as it is.
"""

from __future__ import annotations

import ipaddress
import typing as t
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import public
from ansible_collections.kvmfleet.compute.plugins.module_utils.remedies import MANUAL, REBUILD, RERUN
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
    Disk,
    Drift,
    FixedIp,
    Flavor,
    HostRoute,
    Image,
    Instance,
    KeyPair,
    Port,
    ServerGroup,
    Topology,
)
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.address_modes import address_mode, is_made_by_guests, made_of, subnet_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import public_key
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.image_properties import known
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.port_security import is_secured
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.formats import checksum_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    Destination,
    FleetInstance,
    Network,
    RequestedNetwork,
    Subnet,
    Target,
)

MADE_AGAIN = ("config", "swap")  # roles of disks that a start makes again


class Compared(t.NamedTuple):
    """One line of the comparison."""

    path: str  # the request's field
    wanted: object  # what is asked for
    actual: object  # what is there
    remedy: str = REBUILD


class Wanted(t.NamedTuple):
    """What a request asks for."""

    instance: Instance
    networks: list[RequestedNetwork]
    target: Target
    destination: Destination | None


class Whereabouts(t.NamedTuple):
    """Where the server is."""

    host: str  # inventory name
    node: str  # hypervisor_hostname
    zone: str  # availability zone of the host
    migrating_to: str | None = None  # the host that a migration is making it on


def drift(wanted: Wanted, record: FleetInstance, where: Whereabouts, action: str) -> list[Drift]:
    """Every difference; ``action``: what this run is to do with the server."""
    lines = (
        *_compared(wanted.instance, record),
        *_compared_image(wanted.instance["image"], record["image"]),
        *_compared_disks(wanted.instance["disks"], record["disks"]),
        *_compared_networks(wanted.networks, record["ports"]),
        *_compared_place(wanted, where),
        *(_compared_state(record, where, action) if record["vm_state"] != "building" else ()),
    )
    found: list[Drift] = [
        {"path": line.path, "wanted": line.wanted, "actual": line.actual, "remedy": line.remedy} for line in lines if line.wanted != line.actual
    ]
    # A host may leave out what is null.
    found += ({**item, "wanted": item.get("wanted"), "actual": item.get("actual")} for item in record.get("drift") or ())
    return found


def _compared(instance: Instance, record: Instance) -> Iterator[Compared]:
    yield Compared("description", instance["display_description"], record["display_description"])
    yield Compared("hostname", instance["hostname"], record["hostname"])
    yield Compared("metadata", instance["metadata"], record["metadata"])
    yield Compared("config_drive", instance["config_drive"], record["config_drive"])
    yield Compared("OS-DCF:diskConfig", _disk_config(instance), _disk_config(record))
    yield Compared("accessIPv4", instance["access_ip_v4"], record["access_ip_v4"])
    yield Compared("accessIPv6", instance["access_ip_v6"], record["access_ip_v6"])
    yield Compared("tags", sorted(set(instance["tags"])), sorted(set(record["tags"])))
    yield Compared("security_groups", sorted(g["name"] for g in instance["security_groups"]), sorted(g["name"] for g in record["security_groups"]))
    yield Compared("os:scheduler_hints", _hints(instance), _hints(record))
    yield from _compared_flavors(instance["flavor"], record["flavor"])
    yield from _compared_keys(instance, record)
    yield from _compared_groups(instance["group"], record["group"])
    yield Compared("topology", _topology(instance["topology"]), _topology(record["topology"]))


def _compared_flavors(wanted: Flavor, actual: Flavor) -> Iterator[Compared]:
    yield Compared("flavorRef", wanted["name"], actual["name"])
    if wanted["name"] == actual["name"]:
        yield Compared("flavorRef.vcpus", wanted["vcpus"], actual["vcpus"])
        yield Compared("flavorRef.memory_mb", wanted["memory_mb"], actual["memory_mb"])
        yield Compared("flavorRef.root_gb", wanted["root_gb"], actual["root_gb"])
        yield Compared("flavorRef.ephemeral_gb", wanted["ephemeral_gb"], actual["ephemeral_gb"])
        yield Compared("flavorRef.swap", wanted["swap"], actual["swap"])
        yield Compared("flavorRef.extra_specs", wanted["extra_specs"], actual["extra_specs"])


def _compared_keys(instance: Instance, record: Instance) -> Iterator[Compared]:
    yield Compared("key_name", instance["key_name"], record["key_name"])
    wanted, actual = instance["keypair"], record["keypair"]
    if instance["key_name"] == record["key_name"]:
        yield Compared("key_name.type", wanted and wanted["type"], actual and actual["type"])
        yield Compared("key_name.public_key", _fingerprint(wanted), _fingerprint(actual))


def _compared_groups(wanted: ServerGroup | None, actual: ServerGroup | None) -> Iterator[Compared]:
    yield Compared("os:scheduler_hints.group", wanted and wanted["name"], actual and actual["name"])
    if wanted and actual and wanted["name"] == actual["name"]:
        yield Compared("os:scheduler_hints.group.id", wanted["id"], actual["id"])
        yield Compared("os:scheduler_hints.group.policy", wanted["policy"], actual["policy"])
        yield Compared("os:scheduler_hints.group.rules", wanted["rules"], actual["rules"])


def _compared_image(wanted: Image | None, actual: Image | None) -> Iterator[Compared]:
    if not wanted or not actual or not _same_content(wanted, actual):
        yield Compared("imageRef", _image(wanted), _image(actual))
        return
    yield Compared("imageRef.disk_format", wanted["disk_format"], actual["disk_format"])
    # Only what Nova knows can count: a property of another name tells people something.
    ours, theirs = known(wanted["properties"]), known(actual["properties"])
    for name in sorted({*ours, *theirs}):
        yield Compared(f"imageRef.properties.{name}", ours.get(name), theirs.get(name))


def _same_content(wanted: Image, actual: Image) -> bool:
    """False if these are two images for certain. A renamed image is the same one; what a sums file said at another time is not known."""
    ours, theirs = checksum_of(public(wanted["checksum"])), checksum_of(public(actual["checksum"]))
    if ours and theirs and ours.is_literal and theirs.is_literal and ours.algorithm == theirs.algorithm:
        return ours == theirs
    same_source = public(wanted["source"]) == public(actual["source"])
    is_sums_file = bool(ours and theirs and not ours.is_literal and not theirs.is_literal)
    return same_source and (ours == theirs or not is_sums_file)


def _compared_disks(wanted: list[Disk], actual: list[Disk]) -> Iterator[Compared]:
    """By their names in the server's folder: block devices, ephemeral disks, swap and the config drive."""
    there = {disk["file"]: disk for disk in actual}
    for ours in wanted:
        path = f"disks.{ours['file']}"
        theirs = there.pop(ours["file"], None)
        if theirs is None:
            yield Compared(path, _disk(ours), None)
            continue
        yield Compared(f"{path}.kind", ours["kind"], theirs["kind"])
        yield Compared(f"{path}.role", ours["role"], theirs["role"])
        yield Compared(f"{path}.format", ours["format"], theirs["format"])
        yield Compared(f"{path}.size_bytes", ours["size_bytes"], theirs["size_bytes"])
        yield Compared(f"{path}.bus", ours["bus"], theirs["bus"])
        yield Compared(f"{path}.device", ours["device"], theirs["device"])
        yield Compared(f"{path}.device_name", ours["device_name"], theirs["device_name"])
        yield Compared(f"{path}.boot_order", ours["boot_order"], theirs.get("boot_order"))
        yield Compared(f"{path}.guest_format", ours["guest_format"], theirs.get("guest_format"))
        yield Compared(f"{path}.label", ours["label"], theirs.get("label"))
        yield Compared(f"{path}.delete_on_termination", ours["delete_on_termination"], theirs["delete_on_termination"])
        yield Compared(f"{path}.tag", ours["tag"], theirs.get("tag"))
    for file, theirs in there.items():
        yield Compared(f"disks.{file}", None, _disk(theirs))


def _compared_networks(wanted: list[RequestedNetwork], ports: list[Port]) -> Iterator[Compared]:
    yield Compared("networks", [item["network"]["name"] for item in wanted], [port["network_name"] for port in ports])
    for index, (item, port) in enumerate(zip(wanted, ports, strict=False)):
        if item["network"]["name"] == port["network_name"]:
            for line in (*_compared_port(item, port), *_compared_subnets(item, port["fixed_ips"])):
                yield line._replace(path=f"networks[{index}].{line.path}")


def _compared_port(item: RequestedNetwork, port: Port) -> Iterator[Compared]:
    network, made = item["network"], item["port"]
    yield Compared("uuid", network["id"], port["network_id"])
    yield Compared("binding.type", network["binding"]["type"], port["binding"]["type"])
    yield Compared("binding.name", network["binding"]["name"], port["binding"]["name"])
    yield Compared("binding.vlan", network["binding"].get("vlan"), port["binding"].get("vlan"))
    yield Compared("binding.backend", network["binding"].get("backend"), port["binding"].get("backend"))
    yield Compared("binding.portgroup", network["binding"].get("portgroup"), port["binding"].get("portgroup"))
    yield Compared("mtu", network["mtu"], port.get("mtu"))
    yield Compared("tag", item["tag"], port.get("tag"))
    yield Compared("bandwidth", item["bandwidth"], port.get("bandwidth"))
    yield Compared("queues", item["queues"], port.get("queues"))
    yield Compared("port", made and made["id"], port["id"] if port["preexisting"] else None)
    if made and made["mac_address"]:
        yield Compared("port.mac_address", made["mac_address"], port["mac_address"].lower())
    yield Compared("port_security_enabled", is_secured(made, network), port.get("port_security_enabled") or False)
    pairs = sorted(f"{pair['mac_address'] or port['mac_address']} {pair['ip_address']}" for pair in made["allowed_address_pairs"]) if made else []
    there = sorted(f"{pair['mac_address']} {pair['ip_address']}" for pair in port.get("allowed_address_pairs") or [])
    yield Compared("port.allowed_address_pairs", pairs, there)
    made_by_guest = made_of(port["mac_address"].lower(), network)
    versions = {str(ipaddress.ip_address(ip["ip_address"])): ip["version"] for ip in port["fixed_ips"]}
    yield Compared("fixed_ips.made_of_mac_address", sorted(made_by_guest), sorted(ip for ip in versions if _is_made_by_guest(ip, network)))
    has = sorted(ip for ip in versions if ip not in made_by_guest)
    if made and made["fixed_ips"]:
        yield Compared("port.fixed_ips", sorted(str(ipaddress.ip_address(ip["ip_address"])) for ip in made["fixed_ips"]), has)
    elif not made and item["fixed_ip"]:
        yield Compared("fixed_ip", [str(ipaddress.ip_address(item["fixed_ip"]))], has)
    else:
        # One of each IP version is chosen.
        wanted = sorted({_version(subnet) for subnet in network["subnets"] if not is_made_by_guests(subnet)})
        yield Compared("fixed_ips.versions", wanted, sorted(versions[ip] for ip in has))


def _is_made_by_guest(address: str, network: Network) -> bool:
    subnet = subnet_of(address, network)
    return subnet is not None and is_made_by_guests(subnet)


def _version(subnet: Subnet) -> int:
    version: int = ipaddress.ip_network(subnet["cidr"]).version
    return version


def _compared_subnets(item: RequestedNetwork, fixed_ips: list[FixedIp]) -> Iterator[Compared]:
    """What the guest was told of its addresses' subnets."""
    network = item["network"]
    for ip in fixed_ips:
        path = f"fixed_ips.{ip['ip_address']}"
        subnet = subnet_of(ip["ip_address"], network)
        yield Compared(f"{path}.cidr", subnet["cidr"] if subnet else None, ip["cidr"])
        if subnet:
            yield Compared(f"{path}.gateway_ip", subnet["gateway_ip"], ip.get("gateway_ip"))
            yield Compared(f"{path}.dns_nameservers", subnet["dns_nameservers"] or network["dns_nameservers"], ip["dns_nameservers"])
            yield Compared(f"{path}.address_mode", address_mode(subnet), ip.get("address_mode"))
            yield Compared(f"{path}.served", subnet["dhcp_server"], ip.get("served", False))
            yield Compared(f"{path}.host_routes", _routes(subnet["host_routes"]), _routes(ip["host_routes"]))


def _compared_place(wanted: Wanted, where: Whereabouts) -> Iterator[Compared]:
    """Only where a request says where it wants to be."""
    target, destination = wanted.target, wanted.destination
    if target["zone"]:
        yield Compared("availability_zone", target["zone"], where.zone)
    if target["host"]:
        yield Compared("availability_zone.host", target["host"], where.host)
    if target["node"]:
        yield Compared("availability_zone.node", target["node"], where.node)
    if destination and destination["host"]:
        yield Compared("host", destination["host"], where.host)
    if destination and destination["node"]:
        yield Compared("hypervisor_hostname", destination["node"], where.node)


def _compared_state(record: FleetInstance, where: Whereabouts, action: str) -> Iterator[Compared]:
    """How it is, as its host said when it was read."""
    state, reason = record["power_state"], record.get("power_reason")
    if state != "blocked":
        yield Compared("power_state", "running", f"{state} ({reason})" if reason else state, RERUN if action == "start" else MANUAL)
    yield Compared("migration", None, f"to host {where.migrating_to}" if where.migrating_to else None, MANUAL)
    made_again = {disk["file"] for disk in record["disks"] if disk["role"] in MADE_AGAIN}
    for path in record["missing_files"]:
        yield Compared("missing_files", path, None, RERUN if action == "start" and path.rpartition("/")[2] in made_again else MANUAL)


def _disk_config(instance: Instance) -> str:
    return "AUTO" if instance["auto_disk_config"] else "MANUAL"


def _hints(instance: Instance) -> dict[str, object]:
    """Without the group, which is compared as what it is."""
    return {name: value for name, value in instance["scheduler_hints"].items() if name != "group"}


def _topology(topology: Topology | None) -> str | None:
    return f"{topology['sockets']} sockets, {topology['cores']} cores, {topology['threads']} threads" if topology else None


def _fingerprint(keypair: KeyPair | None) -> str | None:
    return public_key.fingerprint(keypair["public_key"]) if keypair else None


def _image(image: Image | None) -> str | None:
    return f"{image['name']} ({public(image['checksum'])} of {public(image['source'])})" if image else None


def _disk(disk: Disk) -> str:
    return f"{disk['role']}, {disk['size_bytes']} bytes"


def _routes(routes: list[HostRoute]) -> list[str]:
    return sorted(f"{route['destination']} via {route['nexthop']}" for route in routes)
