# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host offers ports: devices from sysfs, bridges from the tool ovs-vsctl."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import bridges, open_vswitch
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.offer import offer
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.network.test_switch_tables import BRIDGES, INTERFACES, PORTS


@pytest.fixture
def sysfs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    folder = tmp_path / "sysfs"
    folder.mkdir()
    monkeypatch.setattr(bridges, "SYSFS", str(folder))
    return folder


@pytest.fixture
def tools(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The only folder with tools."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(commands, "ADMINISTRATORS", ())
    return folder


def add(sysfs: pathlib.Path, name: str, mtu: int, *marks: str, kind: int = 1, port_of: str | None = None) -> None:
    device = sysfs / name
    device.mkdir()
    for file, text in (("mtu", str(mtu)), ("flags", "0x1003"), ("type", str(kind))):
        (device / file).write_text(f"{text}\n")
    for mark in marks:
        (device / mark).mkdir()
    if port_of:
        (device / "master").symlink_to(f"../{port_of}")


def install(tools: pathlib.Path, *lines: str) -> None:
    tool = tools / open_vswitch.TOOL
    tool.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    tool.chmod(0o755)


def test_guests_can_share_all_devices_but_those_of_other_guests(sysfs: pathlib.Path, tools: pathlib.Path) -> None:
    add(sysfs, "lo", 65536, kind=772)
    add(sysfs, "eth0", 9000, port_of="br0")
    add(sysfs, "eth1", 1500)
    add(sysfs, "tap0", 1500, "tun_flags")
    add(sysfs, "macvtap0", 1500, "macvtap")
    add(sysfs, "kvb-0123456789a", 1500)  # goes with the last server on its network
    (sysfs / "bonding_masters").write_text("")
    assert offer([], None, None)["devices"] == [
        {"name": "eth0", "up": True, "mtu": 9000, "port_of": "br0"},
        {"name": "eth1", "up": True, "mtu": 1500, "port_of": None},
    ]


def test_a_switch_s_bridges_have_the_mtu_of_their_ports_that_are_no_taps(sysfs: pathlib.Path, tools: pathlib.Path) -> None:
    add(sysfs, "eth0", 9000)
    add(sysfs, "eth1", 1600)
    add(sysfs, "tap0", 1400, "tun_flags")
    # It answers to nothing but the question that its version is known to understand.
    install(
        tools,
        'case "$*" in "--timeout=10 --no-wait --format=json -- --columns=name,ports list Bridge -- --columns=_uuid,tag,interfaces list Port '
        '-- --columns=_uuid,name,type,external_ids,error list Interface") ;; *) exit 1 ;; esac',
        f"echo '{BRIDGES}'",
        f"echo '{PORTS}'",
        f"echo '{INTERFACES}'",
    )
    found = offer([], "why", "no")
    assert found["switches"] == [{"name": "br-bare", "port_mtu": None}, {"name": "br-ovs", "port_mtu": 1600}]
    assert (found["no_switches"], found["unfiltered"]) == (None, "why")
    assert open_vswitch.switch_port("tap0") == {"bridge": "br-ovs", "vlan": 0, "interface_id": "abc", "domain_id": "def", "error": None}
    assert open_vswitch.switch_port("tap1") is None


def test_no_open_vswitch_is_none_and_one_that_does_not_answer_says_why(sysfs: pathlib.Path, tools: pathlib.Path) -> None:
    none = offer([], None, None)
    assert (none["switches"], none["no_switches"]) == ([], None)
    install(tools, "echo 'ovs-vsctl: database connection failed (No such file or directory)' >&2", "exit 1")
    broken = offer([], None, None)
    assert broken["switches"] == []
    assert str(broken["no_switches"]).endswith("ovs-vsctl: ovs-vsctl: database connection failed (No such file or directory)")
    install(tools, "echo something")
    assert str(offer([], None, None)["no_switches"]).startswith("what ovs-vsctl says can't be read")


def test_a_port_that_a_guest_has_left_is_removed_if_it_was_its_own(sysfs: pathlib.Path, tools: pathlib.Path) -> None:
    open_vswitch.remove_port("tap0", "def")  # without Open vSwitch there is none
    said = tools / "said"
    install(tools, f'case "$*" in *del-port*) echo "$*" >> {said}; exit ;; esac', f"echo '{BRIDGES}'", f"echo '{PORTS}'", f"echo '{INTERFACES}'")
    open_vswitch.remove_port("tap0", "another")
    open_vswitch.remove_port("tap1", "def")
    assert not said.exists()
    open_vswitch.remove_port("tap0", "def")
    assert said.read_text() == "--timeout=10 --if-exists del-port br-ovs tap0\n"
