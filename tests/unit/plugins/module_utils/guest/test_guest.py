"""What a guest is made of: domain XML, disks, config drive, network data."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.guest import config_drive
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.domain_xml import domain_element
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.network_data import network_data
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.disks import InstanceFiles

PORT = {
    "id": "11111111-2222-4333-8444-555555555555",
    "network_id": "n1",
    "network_name": "lan",
    "mac_address": "fa:16:3e:00:00:01",
    "bridge": "br0",
    "device": "tap11111111-22",
    "mtu": 1450,
    "tag": "front",
    "fixed_ips": [
        {"ip_address": "192.0.2.5", "version": 4, "cidr": "192.0.2.0/25", "gateway_ip": "192.0.2.1", "dns_nameservers": ["192.0.2.2"], "host_routes": []},
        {
            "ip_address": "2001:db8::5",
            "version": 6,
            "cidr": "2001:db8::/64",
            "gateway_ip": None,
            "dns_nameservers": [],
            "host_routes": [{"destination": "2001:db8:1::/48", "nexthop": "2001:db8::9"}],
        },
    ],
}


def instance(properties: dict | None = None, **fields: t.Any) -> dict[str, t.Any]:
    made = {
        "uuid": "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
        "display_name": "web & <db>",
        "domain_name": "web-aaaaaaaa",
        "hostname": "web",
        "project_id": "p",
        "launch_index": 3,
        "availability_zone": "az1",
        "metadata": {"k": "v"},
        "keypair": {"name": "ops", "type": "ssh", "public_key": "ssh-ed25519 AAAA"},
        "flavor": {"name": "small", "vcpus": 4, "memory_mb": 512, "root_gb": 5, "ephemeral_gb": 2, "swap": 64, "extra_specs": {}},
        "image": {"id": "i", "properties": properties or {}},
        "config_drive": True,
        "ports": [PORT],
    }
    return {**made, **fields}


def render(made: dict[str, t.Any], **options: t.Any) -> t.Any:
    disks = InstanceFiles("/instances", made["uuid"]).plan(made)
    given = {"disks": disks, "console_log": "/c.log", "virt_type": "qemu", "arch": "x86_64", **options}
    return domain_element(made, {"version": 1, "uuid": made["uuid"]}, **given)


def test_disks_in_the_order_of_their_names() -> None:
    xml = render(instance())
    found = [(d.find("source").get("file").rsplit("/", 1)[-1], d.find("target").get("dev"), d.find("driver").get("type")) for d in xml.findall("devices/disk")]
    assert found == [("disk", "vda", "qcow2"), ("disk.eph0", "vdb", "raw"), ("disk.swap", "vdc", "raw"), ("disk.config", "vdd", "raw")]
    assert xml.findall("devices/disk")[3].find("readonly") is not None
    assert xml.findtext("title") == "web & <db>"
    assert xml.findtext("memory") == str(512 * 1024)


def test_image_properties_reach_the_domain() -> None:
    xml = render(
        instance(
            {
                "hw_machine_type": "q35",
                "hw_firmware_type": "uefi",
                "hw_disk_bus": "scsi",
                "hw_cdrom_bus": "sata",
                "hw_vif_model": "e1000",
                "hw_video_model": "virtio",
                "hw_qemu_guest_agent": "yes",
            }
        )
    )
    assert xml.find("os").get("firmware") == "efi"
    assert xml.find("os/type").get("machine") == "q35"
    disks = xml.findall("devices/disk")
    assert [disk.find("target").get("bus") for disk in disks] == ["scsi", "scsi", "scsi", "sata"]
    assert disks[3].get("device") == "cdrom"
    assert xml.find("devices/controller").get("model") == "virtio-scsi"
    assert xml.find("devices/interface/model").get("type") == "e1000"
    assert xml.find("devices/channel/target").get("name") == "org.qemu.guest_agent.0"


def test_a_rebuilt_domain_keeps_its_machine_type() -> None:
    assert render(instance({"hw_machine_type": "q35"}), machine_type="pc-q35-7.2").find("os/type").get("machine") == "pc-q35-7.2"


@pytest.mark.parametrize(
    ("specs", "wanted"), [({}, None), ({"hw:cpu_sockets": "2"}, ("2", "2", "1")), ({"hw:cpu_threads": "2"}, ("2", "1", "2")), ({"hw:cpu_cores": "3"}, None)]
)
def test_cpu_topology_only_where_it_comes_out_even(specs: dict, wanted: t.Any) -> None:
    topology = render(instance(flavor={**instance()["flavor"], "extra_specs": specs})).find("cpu/topology")
    assert (tuple(topology.get(key) for key in ("sockets", "cores", "threads")) if topology is not None else None) == wanted


def test_config_drive_has_what_nova_writes() -> None:
    user_data = base64.b64encode(b"\x00binary\xff").decode()
    tree = config_drive.files(instance(), user_data=user_data, admin_pass="pw", random_seed="c2VlZA==")
    meta = json.loads(tree["openstack/latest/meta_data.json"])
    assert meta["uuid"] == instance()["uuid"]
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
