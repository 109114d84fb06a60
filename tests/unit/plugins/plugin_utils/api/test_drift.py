# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drift: nothing between a request and what was just built of it, and a line for whatever is changed in either."""

from __future__ import annotations

import copy
import itertools
import typing as t
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils import shapes as seen_by_hosts
from ansible_collections.kvmfleet.compute.plugins.plugin_utils import shapes
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import block_devices, drift
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import derived_id
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, PUBLIC_KEY, asked, check, fleet_of

OTHER_KEY = "Another".join(PUBLIC_KEY.rsplit("Example", 1))
KEPT, OPEN = derived_id("port", "kept"), derived_id("port", "open")
LAN = {
    "bridge": "br0",
    "mtu": 1400,
    "dns_nameservers": ["192.0.2.2"],
    "subnets": [{"cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.1", "host_routes": [{"destination": "198.51.100.0/24", "nexthop": "192.0.2.3"}]}],
}
WHOLE: dict[str, t.Any] = {
    **CATALOGUE,
    "flavors": {
        **CATALOGUE["flavors"],
        "large": {
            "vcpus": 2,
            "memory_mb": 1024,
            "root_gb": 20,
            "ephemeral_gb": 4,
            "swap": 512,
            "extra_specs": {"hw:cpu_max_sockets": "1", "hw:cpu_sockets": "1"},
        },
    },
    "images": {**CATALOGUE["images"], "cd": {**CATALOGUE["images"]["debian"], "properties": {"hw_cdrom_bus": "sata", "hw_vif_model": "e1000", "color": "red"}}},
    "networks": {"lan": LAN, "six": {"libvirt_network": "six", "subnets": [{"cidr": "2001:db8::/64"}, {"cidr": "198.51.100.0/24"}]}},
    "ports": {
        "kept": {"network": "lan", "mac_address": "52:54:00:00:00:09", "fixed_ips": [{"ip_address": "192.0.2.9"}]},
        "open": {"network": "six"},
    },
    "keypairs": {"ops": {"public_key": PUBLIC_KEY}},
}
ROOT = {"boot_index": 0, "source_type": "image", "destination_type": "local", "uuid": "debian"}
BLANK = {"boot_index": -1, "source_type": "blank", "destination_type": "local"}


def catalogue(**changes: t.Any) -> dict[str, t.Any]:
    return {**WHOLE, **{kind: {**WHOLE[kind], **entries} for kind, entries in changes.items()}}


def record_of(request: dict[str, t.Any], **changes: t.Any) -> shapes.FleetInstance:
    """What a build request leaves, with the addresses that it would get, through the codec."""
    numbers = itertools.count(1)
    book = AddressBook([], lambda: next(numbers), lambda: f"00000000-0000-4000-9000-{next(numbers):012d}")
    return make.fleet_record({**request["instance"], "ports": [book.port(item) for item in request["networks"]]}, **changes)


def built(*requests: t.Any, **changes: t.Any) -> dict[str, t.Any]:
    """The fleet with all that these requests ask for."""
    found = check(*requests, catalogue=changes.pop("catalogue", WHOLE))
    assert found["errors"] == []
    return fleet_of(*(record_of(request, **changes) for request in found["instances"]))


def differences(request: t.Any, fleet: t.Any, of: t.Any = None) -> list[dict[str, t.Any]]:
    found = check(request, catalogue=of or WHOLE, fleet=fleet)
    assert found["errors"] == []
    return found["instances"][0]["existing"]["drift"]


def paths(found: list[dict[str, t.Any]]) -> list[str]:
    return [item["path"] for item in found]


TEXT = st.text("abcäß<&\"'", max_size=6)
NETWORKS = st.lists(
    st.sampled_from(
        [
            {"name": "lan"},
            {"name": "lan", "fixed_ip": "192.0.2.77"},
            {"name": "six", "tag": "inner"},
            {"name": "six", "fixed_ip": "2001:db8::7"},
            {"port": KEPT},
            {"port": OPEN, "tag": "made"},
        ]
    ),
    min_size=1,
    max_size=4,
    unique_by=str,
)
DEVICES = st.sampled_from(
    [
        [],
        [ROOT],
        [{**ROOT, "disk_bus": "scsi", "device_name": "/dev/sda"}, {**BLANK, "volume_size": 1, "guest_format": "xfs", "tag": "data"}],
        [{**ROOT, "device_type": "disk"}, {**BLANK, "volume_size": 2, "boot_index": 1, "disk_bus": "sata"}],
        [ROOT, {**BLANK, "guest_format": "swap", "volume_size": 256}],
    ]
)
FIELDS = st.fixed_dictionaries(
    {"networks": NETWORKS | st.just("none"), "flavor": st.just("large"), "image": st.sampled_from(["debian", "cd"]), "block_device_mapping_v2": DEVICES},
    optional={
        "description": st.none() | TEXT,
        "metadata": st.dictionaries(st.text("abc", min_size=1, max_size=3), TEXT, max_size=3),
        "tags": st.lists(st.sampled_from(["a", "b", "c"]), max_size=3, unique=True),
        "key_name": st.just("ops"),
        "config_drive": st.booleans(),
        "OS-DCF:diskConfig": st.sampled_from(["AUTO", "MANUAL"]),
        "accessIPv4": st.just("192.0.2.9"),
        "accessIPv6": st.just("2001:db8::9"),
        "security_groups": st.just([{"name": "web"}, {"name": "default"}]),
        "scheduler_hints": st.sampled_from([{"group": "apart"}, {"different_host": ["00000000-0000-4000-8000-000000000009"], "mine": {"a": [1, None]}}]),
        "availability_zone": st.sampled_from(["az1", "az1:h1", "az1:h1:h1"]),
        "user_data_text": st.just("x"),
        "min_count": st.just(1),
    },
)


@given(FIELDS)
def test_there_is_no_drift_between_a_request_and_what_was_just_built_of_it(fields: dict[str, t.Any]) -> None:
    request = {key: value for key, value in {**asked(), **fields}.items() if value != []}
    there = check(request, catalogue=WHOLE)
    assert there["errors"] == []
    assert differences(request, fleet_of(*(record_of(item) for item in there["instances"]))) == []


def whole() -> tuple[drift.Wanted, shapes.FleetInstance]:
    """A request that says all that can be said, and what was built of it."""
    request = {
        **asked(flavor="large", image="cd", key_name="ops", description="d", metadata={"a": "b"}, tags=["a"], accessIPv4="192.0.2.9", accessIPv6="2001:db8::9"),
        "networks": [{"name": "lan", "tag": "outer"}, {"port": KEPT}, {"name": "lan", "fixed_ip": "192.0.2.77"}],
        "scheduler_hints": {"group": "apart", "mine": "x"},
    }
    found = check(request, catalogue=WHOLE, fleet=fleet_of())
    assert found["errors"] == []
    item = found["instances"][0]
    item["instance"]["topology"] = {"sockets": 1, "cores": 2, "threads": 1}
    item["target"] = {"zone": "az1", "host": "h1", "node": "h1"}
    wanted = drift.Wanted(item["instance"], item["networks"], item["target"], {"host": "h1", "node": "h1"})
    return wanted, record_of(item)


def lines(wanted: drift.Wanted, record: shapes.FleetInstance) -> list[seen_by_hosts.Drift]:
    return drift.drift(wanted, record, drift.Whereabouts("h1", "h1", "az1"), "none")


def test_the_whole_request_has_no_drift() -> None:
    assert lines(*whole()) == []


class Place(t.NamedTuple):
    """Where a shape stands."""

    shape: t.Any
    of: Callable[[drift.Wanted, shapes.FleetInstance], t.Any]


PLACES: dict[str, Place] = {
    "Instance": Place(seen_by_hosts.Instance, lambda wanted, _record: wanted.instance),
    "Flavor": Place(seen_by_hosts.Flavor, lambda wanted, _record: wanted.instance["flavor"]),
    "Image": Place(seen_by_hosts.Image, lambda wanted, _record: wanted.instance["image"]),
    "KeyPair": Place(seen_by_hosts.KeyPair, lambda wanted, _record: wanted.instance["keypair"]),
    "ServerGroup": Place(seen_by_hosts.ServerGroup, lambda wanted, _record: wanted.instance["group"]),
    "SecurityGroup": Place(seen_by_hosts.SecurityGroup, lambda wanted, _record: wanted.instance["security_groups"][0]),
    "Topology": Place(seen_by_hosts.Topology, lambda wanted, _record: wanted.instance["topology"]),
    "Disk": Place(seen_by_hosts.Disk, lambda wanted, _record: wanted.instance["disks"][1]),
    "RequestedNetwork": Place(shapes.RequestedNetwork, lambda wanted, _record: wanted.networks[0]),
    "Network": Place(shapes.Network, lambda wanted, _record: wanted.networks[0]["network"]),
    "Binding": Place(seen_by_hosts.Binding, lambda wanted, _record: wanted.networks[0]["network"]["binding"]),
    "Subnet": Place(shapes.Subnet, lambda wanted, _record: wanted.networks[0]["network"]["subnets"][0]),
    "HostRoute": Place(seen_by_hosts.HostRoute, lambda wanted, _record: wanted.networks[0]["network"]["subnets"][0]["host_routes"][0]),
    "CataloguePort": Place(shapes.CataloguePort, lambda wanted, _record: wanted.networks[1]["port"]),
    "PortAddress": Place(shapes.PortAddress, lambda wanted, _record: wanted.networks[1]["port"]["fixed_ips"][0]),
    "Target": Place(shapes.Target, lambda wanted, _record: wanted.target),
    "Destination": Place(shapes.Destination, lambda wanted, _record: wanted.destination),
    # What was chosen, in the record.
    "Port": Place(seen_by_hosts.Port, lambda _wanted, record: record["ports"][1]),
    "FixedIp": Place(seen_by_hosts.FixedIp, lambda _wanted, record: record["ports"][0]["fixed_ips"][0]),
}
# Another value of a field that can't be any text or number.
OTHERS: dict[tuple[str, str], t.Any] = {
    ("Instance", "flavor"): make.flavor(),
    ("Instance", "image"): None,
    ("Instance", "keypair"): {"name": "ops", "type": "ssh", "public_key": OTHER_KEY},
    ("Instance", "group"): None,
    ("Instance", "topology"): None,
    ("Instance", "disks"): [],
    ("Instance", "ports"): [make.port()],
    ("Image", "checksum"): "sha256:" + "1" * 64,
    ("Image", "properties"): {"hw_vif_model": "virtio"},
    ("KeyPair", "public_key"): OTHER_KEY,
    ("RequestedNetwork", "network"): make.network(),
    ("RequestedNetwork", "port"): make.catalogue_port(),
    ("RequestedNetwork", "fixed_ip"): "192.0.2.99",
    ("Network", "binding"): {"type": "libvirt_network", "name": "br0"},
    ("Network", "subnets"): [],
    ("Subnet", "cidr"): "192.0.2.0/25",
    ("CataloguePort", "fixed_ips"): [{"ip_address": "192.0.2.10"}],
    ("CataloguePort", "port_security_enabled"): False,
    ("CataloguePort", "allowed_address_pairs"): [{"ip_address": "192.0.2.50", "mac_address": None}],
    ("PortAddress", "ip_address"): "192.0.2.10",
    ("Port", "binding"): {"type": "libvirt_network", "name": "br0"},
    ("Port", "fixed_ips"): [],
    ("Port", "allowed_address_pairs"): [{"ip_address": "192.0.2.50", "mac_address": "fa:16:3e:00:00:09"}],
    ("FixedIp", "ip_address"): "198.51.100.1",
}
NOT_COMPARED: dict[tuple[str, str], str] = {
    ("Instance", "uuid"): "the record's",
    ("Instance", "display_name"): "what a server is found by",
    ("Instance", "domain_name"): "the record's",
    ("Instance", "project_id"): "what a server is found by",
    ("Instance", "user_id"): "who asks, and not what is asked for",
    ("Instance", "reservation_id"): "the record's",
    ("Instance", "launch_index"): "where the request stands in its file, as it were",
    ("Instance", "availability_zone"): "that of its host; Target has the one that is asked for",
    ("Instance", "ports"): "RequestedNetwork has what is asked for",
    ("RequestedNetwork", "planned"): "what a plan has for a server that is not there yet",
    ("Flavor", "id"): "another way to name it",
    ("Image", "id"): "the content counts",
    ("Image", "name"): "the content counts",
    ("Image", "source"): "the content counts, and its digest tells it",
    ("Image", "size"): "follows from the content",
    ("Image", "virtual_size"): "follows from the content",
    ("Image", "min_disk"): "checked once, against the flavor",
    ("Image", "min_ram"): "checked once, against the flavor",
    ("KeyPair", "name"): "Instance has it as key_name",
    ("SecurityGroup", "id"): "another way to name it",
    ("Binding", "bridge"): "that of its host",
    ("Binding", "ssh_port"): "that of its host",
    ("Network", "external"): "who may ask for it",
    ("Network", "shared"): "who may ask for it",
    ("Subnet", "id"): "another way to name it",
    ("Subnet", "name"): "a name for people",
    ("Subnet", "allocation_pools"): "for servers to come",
    ("CataloguePort", "name"): "another way to name it",
    ("CataloguePort", "network"): "RequestedNetwork has it as network",
    ("CataloguePort", "qos"): "RequestedNetwork has it as bandwidth",
    ("CataloguePort", "vnic_type"): "a server has a normal one: others are refused",
    ("CataloguePort", "profile"): "a server's is empty: others are refused",
    ("Port", "device"): "follows from the id",
}


def other(value: object) -> object:
    """Some other value of the same type."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return f"{value}x"
    if isinstance(value, list):
        return [] if value else ["x"]
    return {} if value else "x" if value is None else {"x": "y"}


EVERY_FIELD = [(name, field) for name, place in PLACES.items() for field in place.shape.__annotations__]


@pytest.mark.parametrize(("name", "field"), EVERY_FIELD)
def test_every_field_is_compared_or_named_with_a_reason(name: str, field: str) -> None:
    wanted, record = copy.deepcopy(whole())
    shape = PLACES[name].of(wanted, record)
    shape[field] = OTHERS[name, field] if (name, field) in OTHERS else other(shape.get(field))
    found = lines(wanted, record)
    assert bool(found) != ((name, field) in NOT_COMPARED), found
    assert all(item["remedy"] == "rebuild" for item in found)


def test_every_exception_is_a_field() -> None:
    assert set(NOT_COMPARED) | set(OTHERS) <= set(EVERY_FIELD)


# A device with the field as it was, and as it is asked for now.
DEVICE_CHANGES: dict[str, tuple[dict[str, t.Any], dict[str, t.Any]]] = {
    "boot_index": (BLANK, {**BLANK, "boot_index": 1}),
    "volume_size": ({**BLANK, "volume_size": 1}, {**BLANK, "volume_size": 2}),
    "guest_format": ({**BLANK, "volume_size": 1}, {**BLANK, "volume_size": 1, "guest_format": "xfs"}),
    "device_type": (BLANK, {**BLANK, "device_type": "cdrom", "disk_bus": "sata"}),
    "disk_bus": (BLANK, {**BLANK, "disk_bus": "scsi"}),
    "tag": (BLANK, {**BLANK, "tag": "data"}),
    "no_device": ({**BLANK, "volume_size": 1}, {**BLANK, "volume_size": 1, "no_device": True}),
    "device_name": (ROOT, {**ROOT, "device_name": "/dev/vdf"}),
}
DEVICE_EXCEPTIONS = {
    "path": "where it stands in the request",
    "source_type": "an image or blank, which uuid and volume_size go with; others are refused",
    "destination_type": "only local ones are possible",
    "delete_on_termination": "without effect, as a note says: local disks go with their server",
    "kept": "the same",
    "uuid": "the image's id, which imageRef is",
    "volume_type": "of volumes, which are refused",
}


def test_every_field_of_a_block_device_is_compared_or_named_with_a_reason() -> None:
    assert set(DEVICE_CHANGES) | set(DEVICE_EXCEPTIONS) == set(block_devices.BlockDevice.__annotations__)


@pytest.mark.parametrize("field", list(DEVICE_CHANGES))
def test_a_changed_block_device_is_drift(field: str) -> None:
    was, is_now = ([ROOT, device] if device.get("boot_index") != 0 else [device] for device in DEVICE_CHANGES[field])
    fleet = built(asked(flavor="large", block_device_mapping_v2=was))
    found = differences(asked(flavor="large", block_device_mapping_v2=is_now), fleet)
    assert found and all(path.startswith("disks.") for path in paths(found))


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"hw_cdrom_bus": "sata", "hw_vif_model": "e1000", "color": "green"}, []),
        ({"hw_cdrom_bus": "sata", "hw_vif_model": "virtio"}, ["imageRef.properties.hw_vif_model"]),
        ({"hw_vif_model": "e1000"}, ["imageRef.properties.hw_cdrom_bus", "disks.disk.config.bus", "disks.disk.config.device", "disks.disk.config.device_name"]),
    ],
)
def test_image_properties_count_if_nova_knows_them(properties: dict[str, str], expected: list[str]) -> None:
    fleet = built(asked(image="cd"))
    changed = catalogue(images={"cd": {**WHOLE["images"]["cd"], "properties": properties}})
    assert paths(differences(asked(image="cd"), fleet, changed)) == expected


SUM, OTHER_SUM = "sha256:" + "0" * 64, "sha256:" + "1" * 64
SUMS, OTHER_SUMS = "sha256:https://example.org/SUMS", "sha256:https://example.org/OTHER"


@pytest.mark.parametrize(
    ("was", "is_now", "is_drift"),
    [
        ({"checksum": SUM}, {"checksum": OTHER_SUM}, True),
        ({"checksum": SUM}, {"checksum": SUM.upper().replace("SHA", "sha"), "source": "https://mirror.example.org/d.qcow2"}, False),
        ({"checksum": SUMS}, {"checksum": SUMS}, False),
        ({"checksum": SUMS}, {"checksum": SUMS, "source": "https://example.org/e.qcow2"}, True),
        ({"checksum": SUMS}, {"checksum": OTHER_SUMS}, True),
        ({"checksum": SUMS}, {"checksum": SUM}, False),  # nobody knows
        ({"checksum": SUMS}, {"checksum": SUM, "source": "https://example.org/e.qcow2"}, True),
    ],
)
def test_an_image_is_its_content(was: dict[str, str], is_now: dict[str, str], is_drift: bool) -> None:
    image = WHOLE["images"]["debian"]
    fleet = built(asked(), catalogue=catalogue(images={"debian": {**image, **was}}))
    found = differences(asked(), fleet, catalogue(images={"debian": {**image, **is_now}}))
    assert paths(found) == (["imageRef"] if is_drift else [])


def test_a_key_is_its_material_and_is_shown_by_its_fingerprint() -> None:
    fleet = built(asked(key_name="ops"))
    assert differences(asked(key_name="ops"), fleet, catalogue(keypairs={"ops": {"public_key": f"{PUBLIC_KEY} new comment"}})) == []
    (found,) = differences(asked(key_name="ops"), fleet, catalogue(keypairs={"ops": {"public_key": OTHER_KEY}}))
    assert found["path"] == "key_name.public_key"
    assert found["wanted"].startswith("SHA256:") and found["wanted"] != found["actual"]


def test_an_automatic_address_is_no_drift_and_a_subnet_s_other_attributes_are() -> None:
    fleet = built(asked(networks=[{"name": "lan"}]))
    subnet = {**LAN["subnets"][0], "gateway_ip": "192.0.2.254", "dns_nameservers": ["192.0.2.4"], "host_routes": []}
    found = differences(asked(networks=[{"name": "lan"}]), fleet, catalogue(networks={"lan": {**LAN, "bridge": "br9", "mtu": 9000, "subnets": [subnet]}}))
    assert paths(found) == [
        "networks[0].binding.name",
        "networks[0].mtu",
        *(f"networks[0].fixed_ips.192.0.2.3.{name}" for name in ("gateway_ip", "dns_nameservers", "host_routes")),
    ]


def test_the_address_that_a_guest_makes_is_compared_with_its_mac_address() -> None:
    subnets = [*LAN["subnets"], {"cidr": "2001:db8:2::/64", "ipv6_address_mode": "slaac"}]
    of = catalogue(networks={"lan": {**LAN, "subnets": subnets}})
    for networks in ([{"name": "lan"}], [{"name": "lan", "fixed_ip": "192.0.2.77"}]):
        fleet = built(asked(networks=networks), catalogue=of)
        assert differences(asked(networks=networks), fleet, of) == []
        port = fleet["hosts"]["h1"]["state"]["instances"][0]["ports"][0]
        port["mac_address"] = "fa:16:3e:00:00:99"
        assert "networks[0].fixed_ips.made_of_mac_address" in paths(differences(asked(networks=networks), fleet, of))


def test_a_subnet_whose_guests_ask_a_dhcp_server_from_now_on_is_drift() -> None:
    fleet = built(asked(networks=[{"name": "lan"}]))
    now = catalogue(networks={"lan": {**LAN, "subnets": [{**LAN["subnets"][0], "dhcp": True}, *LAN["subnets"][1:]]}})
    [path] = paths(differences(asked(networks=[{"name": "lan"}]), fleet, now))
    assert path.startswith("networks[0].fixed_ips.") and path.endswith(".address_mode")


def test_a_subnet_whose_guests_are_answered_by_their_hosts_from_now_on_is_drift() -> None:
    asking = {**LAN["subnets"][0], "dhcp": True}
    fleet = built(asked(networks=[{"name": "lan"}]), catalogue=catalogue(networks={"lan": {**LAN, "subnets": [asking]}}))
    now = catalogue(networks={"lan": {**LAN, "subnets": [{**asking, "dhcp_server": True}]}})
    [path] = paths(differences(asked(networks=[{"name": "lan"}]), fleet, now))
    assert path.startswith("networks[0].fixed_ips.") and path.endswith(".served")
    assert differences(asked(networks=[{"name": "lan"}]), built(asked(networks=[{"name": "lan"}]), catalogue=now), now) == []


def test_a_port_in_place_of_an_automatic_one_is_drift() -> None:
    fleet = built(asked(networks=[{"name": "lan"}]))
    assert "networks[0].port" in paths(differences(asked(networks=[{"port": KEPT}]), fleet))


def test_another_host_or_zone_is_drift() -> None:
    fleet = built(asked())
    elsewhere = copy.deepcopy(fleet)
    elsewhere["hosts"]["h2"] = copy.deepcopy(fleet["hosts"]["h1"])
    elsewhere["hosts"]["h2"]["state"].update(name="h2", node="n2", instances=[])
    elsewhere["aggregates"].append({"name": "az2", "hosts": ["h2"], "metadata": {"availability_zone": "az2"}})
    assert paths(differences(asked(availability_zone="az2"), elsewhere)) == ["availability_zone"]
    assert paths(differences(asked(availability_zone="az2:h2"), elsewhere)) == ["availability_zone", "availability_zone.host"]
    assert paths(differences(asked(availability_zone="az2::n2"), elsewhere)) == ["availability_zone.node"]
    assert paths(differences(asked(host="h2", hypervisor_hostname="n2"), elsewhere)) == ["host", "hypervisor_hostname"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"power_state": "running"}, []),
        ({"power_state": "blocked"}, []),
        ({"power_state": "shutdown"}, [("power_state", "shutdown", "rerun")]),
        ({"power_state": "crashed"}, [("power_state", "crashed", "rerun")]),
        ({"power_state": "paused", "power_reason": "I/O error"}, [("power_state", "paused (I/O error)", "manual")]),
        ({"power_state": "suspended"}, [("power_state", "suspended", "manual")]),
        ({"missing_files": ["/i/disk"]}, [("missing_files", None, "manual")]),
        ({"missing_files": ["/i/disk.config"]}, [("missing_files", None, "manual")]),
        (
            {"power_state": "shutdown", "missing_files": ["/i/disk", "/i/disk.config"]},
            [("power_state", "shutdown", "rerun"), ("missing_files", None, "manual"), ("missing_files", None, "rerun")],
        ),
        ({"vm_state": "building", "power_state": "shutdown", "missing_files": ["/i/disk"]}, []),
        (
            {"drift": [{"path": "libvirt.vcpus", "wanted": 1, "remedy": "manual"}]},
            [("libvirt.vcpus", None, "manual")],
        ),
    ],
)
def test_what_the_host_says_of_the_server(state: dict[str, t.Any], expected: list[tuple[str, object, str]]) -> None:
    fleet = built(asked())
    fleet["hosts"]["h1"]["state"]["instances"][0].update(state)
    assert [(item["path"], item["actual"], item["remedy"]) for item in differences(asked(), fleet)] == expected


def test_a_migration_in_progress_is_told() -> None:
    fleet = built(asked())
    target = copy.deepcopy(fleet["hosts"]["h1"])
    target["state"]["name"] = "h2"
    target["state"]["instances"][0].update(host="h2", migrating=True, power_state="paused")
    fleet["hosts"]["h2"] = target
    assert [(item["path"], item["actual"], item["remedy"]) for item in differences(asked(), fleet)] == [("migration", "to host h2", "manual")]
