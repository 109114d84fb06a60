"""A hypervisor in a dict, for the host side's unit tests: it keeps the XML that it is given, and fails where a test asks it to."""

from __future__ import annotations

import collections
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import parse_domain, parse_hardware, parse_interfaces
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError
from ansible_collections.kvmfleet.compute.plugins.module_utils.filter_parser import parse_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network_parser import CONFIG, LIVE, DhcpSubnet, parse_dhcp
from ansible_collections.kvmfleet.compute.plugins.module_utils.record import NAMESPACE, TAG, to_element
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, HypervisorHost, Interface, LibvirtNetwork, NetworkFilter, Record

HOST: HypervisorHost = {
    "node": "h1",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "hypervisor_type": "QEMU",
    "hypervisor_version": 7002000,
    "libvirt_version": 9000000,
    "arch": "x86_64",
    "vcpus": 4,
    "memory_mb": 8192,
    "cpu_info": {"arch": "x86_64", "model": "qemu64", "vendor": "AMD", "topology": {"sockets": 1, "cores": 4, "threads": 1}, "features": ["aes"]},
    "guests": [{"arch": "x86_64", "os_type": "hvm", "virt_types": ["qemu"]}, {"arch": "aarch64", "os_type": "hvm", "virt_types": ["kvm"]}],
}


class FakeHypervisor:
    """``calls``: what was called, in order; ``fail(method, error)``: the next call of a method raises, or a later one; ``lose``: it takes effect and raises;
    ``hang``: it is never answered, and nothing is sent any more."""

    def __init__(self) -> None:
        self.xml: dict[str, str] = {}
        self.live_xml: dict[str, str] = {}  # of domains whose guest has something else than is defined
        self.states: dict[str, str] = {}
        self.nets: dict[str, LibvirtNetwork] = {}
        self.net_xml: dict[tuple[str, str], str] = {}  # (network, live or config)
        self.backends: list[str] = []
        self.network_filters: dict[str, str] = {}
        self.unbound: set[str] = set()  # taps whose frames go through no filter
        self.calls: list[str] = []
        self.after_resume = "running"
        self.lost: str | None = None
        self._hanging: str | None = None
        self._failing: dict[str, list[Exception | None]] = collections.defaultdict(list)
        self._losing: dict[str, list[Exception]] = collections.defaultdict(list)

    def fail(self, method: str, error: Exception | None = None, *, after: int = 0) -> None:
        self._failing[method] += [*[None] * after, error or HypervisorError(f"{method} refused")]

    def lose(self, method: str, error: Exception | None = None) -> None:
        self._losing[method].append(error or HypervisorError("libvirt went away", lost=True))

    def hang(self, method: str) -> None:
        self._hanging = method

    def _call(self, method: str) -> None:
        if self.lost:
            raise HypervisorError(self.lost, lost=True, sent=False)
        self.calls.append(method)
        if method == self._hanging:
            self.lost = "libvirt has not answered"
            raise HypervisorError(self.lost, lost=True)
        error = self._failing[method].pop(0) if self._failing[method] else None
        if error:
            raise error

    def _done(self, method: str) -> None:
        if self._losing[method]:
            raise self._losing[method].pop(0)

    def add(self, xml: str, power_state: str = "shutdown") -> None:
        """A domain that is there before the test begins."""
        uuid = parse_domain(xml, power_state)["uuid"]
        self.xml[uuid], self.states[uuid] = xml, power_state

    def record(self, uuid: str) -> Record:
        record = parse_domain(self.xml[uuid], "")["record"]
        assert record is not None
        return record

    def host(self) -> HypervisorHost:
        self._call("host")
        return HOST

    def networks(self) -> list[LibvirtNetwork]:
        self._call("networks")
        return [{**network} for network in self.nets.values()]

    def user_backends(self) -> list[str]:
        self._call("user_backends")
        return self.backends

    def start_network(self, name: str) -> None:
        self._call("start_network")
        self.nets[name]["active"] = True

    def dhcp_subnets(self, network: str) -> list[DhcpSubnet]:
        self._call("dhcp_subnets")
        return [subnet for layer in (CONFIG, LIVE) for subnet in parse_dhcp(self.net_xml.get((network, layer), "<network/>"), layer)]

    def add_dhcp_host(self, network: str, subnet: DhcpSubnet, xml: str) -> None:
        self._call("add_dhcp_host")
        root, dhcp = self._dhcp(network, subnet)
        dhcp.append(ET.fromstring(xml))
        self.net_xml[network, subnet.layer] = ET.tostring(root, encoding="unicode")

    def remove_dhcp_host(self, network: str, subnet: DhcpSubnet, xml: str) -> None:
        self._call("remove_dhcp_host")
        root, dhcp = self._dhcp(network, subnet)
        (found,) = [host for host in dhcp.findall("host") if host.attrib == ET.fromstring(xml).attrib]
        dhcp.remove(found)
        self.net_xml[network, subnet.layer] = ET.tostring(root, encoding="unicode")

    def _dhcp(self, network: str, subnet: DhcpSubnet) -> tuple[ET.Element, ET.Element]:
        root = ET.fromstring(self.net_xml[network, subnet.layer])
        dhcp = root.findall("ip")[subnet.position].find("dhcp")
        assert dhcp is not None
        return root, dhcp

    def filters(self) -> list[NetworkFilter]:
        self._call("filters")
        return [parse_filter(xml) for _name, xml in sorted(self.network_filters.items())]

    def define_filter(self, xml: str) -> None:
        self._call("define_filter")
        self.network_filters[parse_filter(xml)["name"]] = xml

    def undefine_filter(self, name: str) -> None:
        self._call("undefine_filter")
        del self.network_filters[name]

    def bound_filter(self, device: str) -> str | None:
        self._call("bound_filter")
        if device in self.unbound:
            return None
        interfaces = [interface for xml in self.xml.values() for interface in ET.fromstring(xml).findall("devices/interface")]
        names = [element.get("filter") for found in interfaces if found.find(f"target[@dev='{device}']") is not None for element in found.findall("filterref")]
        return next(iter(names), None)

    def domains(self, *, live: bool = False) -> list[Domain]:
        self._call("domains")
        found = [parse_domain(xml, self.states[uuid]) for uuid, xml in self.xml.items()]
        for domain in found:
            if live and domain["power_state"] in ("running", "paused"):
                domain["live"] = parse_hardware(self.live_xml.get(domain["uuid"], self.xml[domain["uuid"]]))
        return found

    def disk_capacity(self, _uuid: str, _path: str) -> int | None:
        self._call("disk_capacity")
        return 5 * 2**30

    def find(self, uuid: str) -> Domain | None:
        self._call("find")
        return parse_domain(self.xml[uuid], self.states[uuid]) if uuid in self.xml else None

    def power_state(self, uuid: str) -> str:
        self._call("power_state")
        return self.states[uuid]

    def define(self, xml: str) -> None:
        self._call("define")
        uuid = parse_domain(xml, "")["uuid"]
        self.states.setdefault(uuid, "shutdown")
        self.xml[uuid] = xml
        self._done("define")

    def start_paused(self, uuid: str) -> None:
        self._call("start_paused")
        self.states[uuid] = "paused"
        self._done("start_paused")

    def resume(self, uuid: str) -> None:
        self._call("resume")
        self.states[uuid] = self.after_resume
        self._done("resume")

    def destroy(self, uuid: str) -> None:
        self._call("destroy")
        self.states[uuid] = "shutdown"

    def undefine(self, uuid: str) -> None:
        self._call("undefine")
        del self.xml[uuid]
        self._done("undefine")

    def set_record(self, uuid: str, record: Record) -> None:
        self._call("set_record")
        root = ET.fromstring(self.xml[uuid])
        metadata = root.find("metadata")
        assert metadata is not None
        for old in metadata.findall(f"{{{NAMESPACE}}}{TAG}"):
            metadata.remove(old)
        metadata.append(to_element(record))
        self.xml[uuid] = ET.tostring(root, encoding="unicode")
        self._done("set_record")

    def live_interfaces(self, uuid: str) -> list[Interface]:
        self._call("live_interfaces")
        return parse_interfaces(self.xml[uuid])


def is_a_hypervisor(fake: FakeHypervisor) -> HypervisorLike:
    """For the type checker: the fake has what the host side needs."""
    return fake
