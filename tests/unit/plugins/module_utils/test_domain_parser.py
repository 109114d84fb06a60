"""What is read from a domain's XML, ours or foreign."""

from __future__ import annotations

import pathlib
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import parse_domain
from ansible_collections.kvmfleet.compute.plugins.module_utils.record import to_element
from ansible_collections.kvmfleet.compute.tests.unit import make

OLD = pathlib.Path(__file__).parent / "records" / "version_1.xml"
FOREIGN = """<domain type='kvm'><name>other</name><uuid>u</uuid><title>Other</title><memory unit='{unit}'>{size}</memory><vcpu>3</vcpu>
<os><type machine='pc'>hvm</type></os><devices>
<disk type='block'><source dev='/dev/sdb'/><target dev='vda'/></disk>
<disk type='file' device='cdrom'><target dev='sda'/><readonly/></disk>
<interface type='bridge'><mac address='52:54:00:AA:BB:CC'/><source bridge='br7'/><target dev='vnet0'/></interface>
<interface type='direct'><source dev='eth0' mode='bridge'/></interface>
</devices></domain>"""


def test_what_was_rendered_is_read_back() -> None:
    record = make.record(make.web(disks=[make.root_disk(), make.config_disk()], ports=[make.port()]))
    domain = parse_domain(ET.tostring(make.rendered(record), encoding="unicode"), "x")
    assert (domain["name"], domain["uuid"], domain["title"]) == ("web-aaaaaaaa", make.UUID, "web")
    assert (domain["vcpus"], domain["memory_mb"], domain["power_state"]) == (2, 1024, "x")
    assert domain["record"] == record
    assert [disk["path"] for disk in domain["disks"]] == [f"/instances/{make.UUID}/disk", f"/instances/{make.UUID}/disk.config"]
    nic = {"mac_address": "fa:16:3e:00:00:01", "type": "bridge", "source": {"bridge": "br0"}, "device": "tap11111111-22"}
    assert domain["interfaces"] == [{**nic, **dict.fromkeys(("mtu", "bandwidth", "queues", "virtualport", "interface_id", "vlan", "bus", "address"))}]


def test_a_foreign_domain_has_no_record_and_any_kind_of_device() -> None:
    domain = parse_domain(FOREIGN.format(unit="KiB", size=1024), "running")
    assert (domain["record"], domain["record_error"], domain["machine_type"]) == (None, None, "pc")
    assert domain["disks"] == [
        {"path": "/dev/sdb", "target": "vda", "device": "disk", "readonly": False, "bus": None, "address": None},
        {"path": None, "target": "sda", "device": "cdrom", "readonly": True, "bus": None, "address": None},
    ]
    assert [(nic["mac_address"], nic["type"], nic["device"]) for nic in domain["interfaces"]] == [
        ("52:54:00:aa:bb:cc", "bridge", "vnet0"),
        ("", "direct", None),
    ]


@pytest.mark.parametrize(("unit", "size", "memory_mb"), [("KiB", 1, 1), ("b", 2**20 + 1, 2), ("MiB", 7, 7), ("GiB", 2, 2048), ("MB", 1, 1)])
def test_memory_is_rounded_up_to_whole_mb(unit: str, size: int, memory_mb: int) -> None:
    assert parse_domain(FOREIGN.format(unit=unit, size=size), "running")["memory_mb"] == memory_mb


def test_a_record_that_cannot_be_read_is_named() -> None:
    element = to_element(make.record(version=9))
    xml = f"<domain><name>odd</name><metadata>{ET.tostring(element, encoding='unicode')}</metadata></domain>"
    domain = parse_domain(xml, "shutdown")
    assert domain["record"] is None
    assert domain["record_error"] == "instance record version 9: this collection reads versions 1 to 4"


def test_a_record_of_version_1_says_what_its_domain_was_built_with() -> None:
    domain = parse_domain(OLD.read_text(), "running")
    record = domain["record"]
    assert record is not None
    assert (record["version"], record["started"], record["folder"]) == (4, True, str(domain["disks"][0]["path"]).rsplit("/", 1)[0])
    assert [(disk["file"], disk["device_name"], disk["device"]) for disk in record["disks"]] == [
        (str(disk["path"]).rsplit("/", 1)[-1], disk["target"], disk["device"]) for disk in domain["disks"]
    ]
    assert [port["binding"] for port in record["ports"]] == [make.bridge(), make.libvirt_network()]
    assert [(port["mac_address"], port["device"]) for port in record["ports"]] == [(nic["mac_address"], nic["device"]) for nic in domain["interfaces"]]
    assert record["topology"] == {"sockets": 1, "cores": 2, "threads": 1}
    assert set(record) == set(make.record())


def test_a_record_of_version_1_is_rendered_as_it_was() -> None:
    old = ET.fromstring(OLD.read_text())
    record = parse_domain(OLD.read_text(), "running")["record"]
    assert record is not None
    new = make.rendered(record, "/var/lib/libvirt/kvmfleet/instances")
    for path in ("os", "cpu", "devices/disk", "devices/interface", "devices/controller"):
        wanted = [ET.canonicalize(ET.tostring(element, encoding="unicode"), strip_text=True) for element in old.findall(path)]
        assert wanted
        assert [ET.canonicalize(ET.tostring(element, encoding="unicode"), strip_text=True) for element in new.findall(path)] == wanted


def test_a_domain_with_the_record_of_another_is_foreign() -> None:
    copy = parse_domain(make.domain_xml(make.record(), uuid="cccccccc-bbbb-4ccc-8ddd-eeeeeeeeeeee", name="clone"), "shutdown")
    assert (copy["record"], copy["record_error"], copy["record_of"]) == (None, None, make.UUID)
    own = parse_domain(make.domain_xml(make.record(), uuid=make.UUID.upper()), "shutdown")
    assert (own["record"], own["record_of"]) == (make.record(), None)
