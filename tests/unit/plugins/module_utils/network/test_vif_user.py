# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports without privileges: what libvirt is told of them, and what a host needs for them."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import parse_interfaces
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ports, user_backends
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.segment import segments
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import HostNetworks
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.fake_hypervisor import FakeHypervisor
from ansible_collections.kvmfleet.compute.tests.unit.fake_links import FakeLinks, live

PORT = make.port(binding=make.user(ssh_port=20007), port_security_enabled=False, mtu=1400)
HEADER = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
BINDING, VIF = PORT["binding"], vif_of(PORT["binding"])


SLIRP = make.port(binding=make.user("slirp"), port_security_enabled=False)


def host(no_passt: str | None) -> HostNetworks:
    return t.cast(HostNetworks, {"bridges": [], "libvirt": [], "user_backends": {"passt": no_passt, "slirp": None}})


def test_the_xml_has_the_address_and_a_port_of_the_host_s_loopback_that_leads_to_ssh() -> None:
    element = VIF.element({**PORT, "fixed_ips": [make.fixed_ip(ip_address="192.0.2.9", cidr="192.0.2.0/24")]}, "virtio")
    found = {child.tag: child.attrib for child in element}
    assert element.get("type") == "user"
    assert found == {
        "mac": {"address": "fa:16:3e:00:00:01"},
        "model": {"type": "virtio"},
        "backend": {"type": "passt"},
        "ip": {"address": "192.0.2.9", "family": "ipv4", "prefix": "24"},
        "portForward": {"proto": "tcp", "address": "127.0.0.1"},
    }
    forwarded = element.find("portForward/range")
    assert forwarded is not None and forwarded.attrib == {"start": "20007", "to": "22"}


def test_slirp_is_told_the_network_and_needs_no_port_of_the_host() -> None:
    element = VIF.element({**SLIRP, "fixed_ips": [make.fixed_ip(ip_address="192.0.2.9", cidr="192.0.2.0/24")]}, "virtio")
    assert {child.tag: child.attrib for child in element} == {
        "mac": {"address": "fa:16:3e:00:00:01"},
        "model": {"type": "virtio"},
        "ip": {"address": "192.0.2.0", "family": "ipv4", "prefix": "24"},
    }


def test_no_domain_is_made_without_a_port_of_the_host() -> None:
    with pytest.raises(ServerError, match="chosen no port"):
        VIF.element(make.port(binding=make.user()), "virtio")


def test_what_a_host_lacks() -> None:
    assert VIF.missing(BINDING, host(None)) is None
    assert VIF.missing(BINDING, host("passt is not installed on the host")) == "passt is not installed on the host"
    assert VIF.missing(BINDING, make.networks()) == "it is not known whether the host has passt"
    assert VIF.missing(SLIRP["binding"], host("passt is not installed on the host")) is None
    assert VIF.too_small(BINDING, 9000, host(None)) is None


@pytest.fixture
def tools(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The only folder with tools."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(commands, "ADMINISTRATORS", ())
    return tmp_path


@pytest.fixture
def routes(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """What the kernel says of its routes: a default one by a gateway."""
    path = tmp_path / "route"
    path.write_text(HEADER + "eth0 00000000 010200C0 0003 0 0 0 00000000 0 0 0\n")
    monkeypatch.setattr(user_backends, "ROUTES", str(path))
    return path


def test_libvirt_and_the_tool_and_a_way_out_are_needed(tools: pathlib.Path, routes: pathlib.Path) -> None:
    hypervisor = FakeHypervisor()
    unknown = "the host's libvirt does not name passt in its domain capabilities"
    assert user_backends.missing(hypervisor) == {"passt": unknown, "slirp": None}
    hypervisor.backends = ["default", "passt"]
    assert user_backends.missing(hypervisor)["passt"] == "passt is not installed on the host"
    (tools / "passt").write_text("#!/bin/sh\n")
    (tools / "passt").chmod(0o755)
    assert user_backends.missing(hypervisor) == {"passt": None, "slirp": None}
    hypervisor.backends = ["default"]
    assert user_backends.missing(hypervisor) == {"passt": unknown, "slirp": None}
    hypervisor.backends = ["passt"]
    assert user_backends.missing(hypervisor) == {"passt": None, "slirp": "the host's QEMU has no slirp"}


@pytest.mark.parametrize("route", ["", "eth0 00000000 00000000 0001 0 0 0 00000000 0 0 0\n", "eth0 00000000 010200C0 0003 0 0 0 000000FF 0 0 0\n"])
def test_passt_leads_nobody_to_guests_where_there_is_no_gateway(tools: pathlib.Path, routes: pathlib.Path, route: str) -> None:
    hypervisor = FakeHypervisor()
    hypervisor.backends = ["default", "passt"]
    (tools / "passt").write_text("#!/bin/sh\n")
    (tools / "passt").chmod(0o755)
    routes.write_text(HEADER + route)
    assert user_backends.missing(hypervisor)["passt"] == "the host has no default route with a gateway, without which passt leads nobody to its guests"


def test_a_libvirt_that_refuses_to_tell_is_no_reason_to_read_nothing_of_its_host() -> None:
    hypervisor = FakeHypervisor()
    hypervisor.fail("user_backends", HypervisorError("no emulator"))
    assert set(user_backends.missing(hypervisor).values()) == {"the host's libvirt can't tell its domain capabilities: no emulator"}
    hypervisor.fail("user_backends", HypervisorError("gone", lost=True))
    with pytest.raises(HypervisorError, match="gone"):
        user_backends.missing(hypervisor)


def test_nobody_is_asked_whether_an_address_is_in_use_that_only_its_guest_knows() -> None:
    asked: list[str] = []

    def who_has(device: str, _addresses: object) -> dict[str, str]:
        asked.append(device)
        return {}

    ports.check_unused([PORT, make.port()], make.networks(), who_has)
    assert asked == ["br0"]


def test_nothing_of_the_host_is_looked_at() -> None:
    interface = {**live(type="user", source={}), "device": None}
    assert ports.check_plugged([PORT], [t.cast(t.Any, interface)], FakeLinks()) == []
    with pytest.raises(ServerError, match="the guest has no interface fa:16:3e:00:00:01"):
        ports.check_plugged([PORT], [], FakeLinks())


def test_it_is_noticed_if_somebody_connects_the_guest_otherwise() -> None:
    (own,) = parse_interfaces("<domain><devices><interface type='user'><mac address='fa:16:3e:00:00:01'/></interface></devices></domain>")
    assert [values[1:] for values in VIF.compared(PORT, own) if values[1] != values[2]] == []
    (other,) = parse_interfaces("<domain><devices><interface type='bridge'><mac address='fa:16:3e:00:00:01'/></interface></devices></domain>")
    assert list(VIF.compared(PORT, other)) == [("type", "user", "bridge")]


def test_two_networks_never_meet() -> None:
    assert not segments("a", {"type": "user", "name": "a"}) & segments("b", {"type": "user", "name": "b"})
    assert VIF.device(BINDING, host(None)) is None
