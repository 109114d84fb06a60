"""What a guest is made of: domain XML, config drive, network data."""

from __future__ import annotations

import base64
import json
import typing as t
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest import config_drive
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.network_data import network_data
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance
from ansible_collections.kvmfleet.compute.tests.unit import make

PORT = make.port(
    mtu=1450,
    tag="front",
    fixed_ips=[
        make.fixed_ip(cidr="192.0.2.0/25", dns_nameservers=["192.0.2.2"]),
        make.fixed_ip(
            ip_address="2001:db8::5",
            version=6,
            cidr="2001:db8::/64",
            gateway_ip=None,
            host_routes=[{"destination": "2001:db8:1::/48", "nexthop": "2001:db8::9"}],
        ),
    ],
)
DISKS = [make.root_disk(), make.disk(), make.config_disk()]


def instance(properties: dict[str, t.Any] | None = None, **changes: t.Any) -> Instance:
    keypair = {"name": "ops", "type": "ssh", "public_key": "ssh-ed25519 AAAA"}
    whole = {"image": make.image(properties=properties or {}), "keypair": keypair, "launch_index": 3, "disks": DISKS, "ports": [PORT], **changes}
    return make.web(display_name="web & <db>", **whole)


def render(of: Instance, virt_type: str = "qemu", machine_type: str | None = None) -> ET.Element:
    record = make.record(of, machine_type=machine_type)
    return make.rendered(record, virt_type=virt_type)


def attributes(root: ET.Element, path: str) -> dict[str, str]:
    """The attributes of the one element at a path."""
    (element,) = root.findall(path)
    return dict(element.attrib)


def test_disks_stand_as_they_were_decided() -> None:
    xml = render(instance())
    assert [e.get("file") for e in xml.findall("devices/disk/source")] == [f"/instances/{make.UUID}/{name}" for name in ("disk", "disk.eph0", "disk.config")]
    assert [(e.get("dev"), e.get("bus")) for e in xml.findall("devices/disk/target")] == [("vda", "virtio"), ("vdb", "virtio"), ("vdc", "virtio")]
    assert [e.get("type") for e in xml.findall("devices/disk/driver")] == ["qcow2", "raw", "raw"]
    assert [disk.find("readonly") is not None for disk in xml.findall("devices/disk")] == [False, False, True]
    assert [[e.get("order") for e in disk.findall("boot")] for disk in xml.findall("devices/disk")] == [["1"], [], []]
    assert xml.findtext("title") == "web & <db>"
    assert xml.findtext("memory") == str(1024 * 1024)


def test_a_cdrom_and_its_controller() -> None:
    xml = render(instance(disks=[make.root_disk(bus="scsi", device_name="sda"), make.config_disk(device="cdrom", bus="sata", device_name="sdb")]))
    assert [disk.get("device") for disk in xml.findall("devices/disk")] == ["disk", "cdrom"]
    assert attributes(xml, "devices/controller") == {"type": "scsi", "model": "virtio-scsi"}
    assert render(instance()).find("devices/controller") is None


def test_a_disk_whose_file_leads_out_of_the_folder_is_refused() -> None:
    for name in ("../disk", "/etc/passwd", "..", ""):
        with pytest.raises(ServerError, match="is not the name of a file"):
            render(instance(disks=[make.root_disk(file=name)]))


def test_image_properties_reach_the_domain() -> None:
    properties = {
        "hw_machine_type": "q35",
        "hw_firmware_type": "uefi",
        "hw_vif_model": "e1000",
        "hw_video_model": "virtio",
        "hw_qemu_guest_agent": "yes",
        "os_type": "windows",
    }
    xml = render(instance(properties))
    assert attributes(xml, "os") == {"firmware": "efi"}
    assert attributes(xml, "os/type") == {"arch": "x86_64", "machine": "q35"}
    assert attributes(xml, "devices/interface/model") == {"type": "e1000"}
    assert attributes(xml, "devices/video/model") == {"type": "virtio"}
    assert attributes(xml, "devices/channel/target")["name"] == "org.qemu.guest_agent.0"
    assert attributes(xml, "clock")["offset"] == "localtime"


def test_a_rebuilt_domain_keeps_its_machine_type() -> None:
    assert attributes(render(instance({"hw_machine_type": "q35"}), machine_type="pc-q35-7.2"), "os/type")["machine"] == "pc-q35-7.2"


def test_the_topology_is_the_one_that_was_chosen() -> None:
    assert attributes(render(instance(topology={"sockets": 2, "cores": 1, "threads": 1})), "cpu/topology") == {"sockets": "2", "cores": "1", "threads": "1"}
    assert render(instance(topology=None)).find("cpu") is None
    assert attributes(render(instance(topology=None), virt_type="kvm"), "cpu") == {"mode": "host-model"}


def test_a_port_stands_on_what_its_binding_names() -> None:
    xml = render(instance(ports=[PORT, make.port(binding=make.libvirt_network())]))
    sources = [dict(e.attrib) for e in xml.findall("devices/interface/source")]
    assert sources == [{"bridge": "br0"}, {"network": "default"}]
    assert [e.get("type") for e in xml.findall("devices/interface")] == ["bridge", "network"]
    assert [dict(e.attrib) for e in xml.findall("devices/interface/mtu")] == [{"size": "1450"}]


def test_config_drive_has_what_nova_writes() -> None:
    user_data = base64.b64encode(b"\x00binary\xff").decode()
    tree = config_drive.files(instance(), user_data=user_data, admin_pass="pw", random_seed="c2VlZA==")
    meta = json.loads(tree["openstack/latest/meta_data.json"])
    assert meta["uuid"] == make.UUID
    assert (meta["hostname"], meta["name"], meta["launch_index"], meta["admin_pass"]) == ("web", "web & <db>", 3, "pw")
    assert meta["public_keys"] == {"ops": "ssh-ed25519 AAAA"}
    assert meta["devices"][0]["tags"] == ["front"]
    assert tree["openstack/latest/user_data"] == b"\x00binary\xff"
    assert "openstack/2013-04-04/vendor_data.json" not in tree
    assert "openstack/2015-10-15/network_data.json" in tree
    without = config_drive.files(instance(), user_data=None, admin_pass=None, random_seed="")
    assert "openstack/latest/user_data" not in without
    assert "admin_pass" not in json.loads(without["openstack/latest/meta_data.json"])


def test_network_data_of_two_address_families() -> None:
    data = network_data([PORT])
    assert data["links"] == [{"id": "tap11111111-22", "vif_id": PORT["id"], "type": "bridge", "mtu": 1450, "ethernet_mac_address": "fa:16:3e:00:00:01"}]
    four, six = data["networks"]
    assert (four["id"], four["type"], four["netmask"]) == ("network0", "ipv4", "255.255.255.128")
    assert four["routes"] == [{"network": "0.0.0.0", "netmask": "0.0.0.0", "gateway": "192.0.2.1"}]
    assert (six["type"], six["routes"][0]["gateway"]) == ("ipv6", "2001:db8::9")
    assert data["services"] == [{"type": "dns", "address": "192.0.2.2"}]
