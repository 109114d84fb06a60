# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sysfs says of bridges and their ports."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network import bridges


@pytest.fixture
def sysfs(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    monkeypatch.setattr(bridges, "SYSFS", str(tmp_path))
    return tmp_path


def add(sysfs: pathlib.Path, name: str, mtu: int, *, on: str | None = None, tap: bool = False) -> None:
    device = sysfs / name
    device.mkdir()
    (device / "mtu").write_text(f"{mtu}\n")
    (device / "flags").write_text("0x1003\n")
    if on:
        (sysfs / on / "brif" / name).mkdir(parents=True)
    else:
        (device / "bridge").mkdir()
    if tap:
        (device / "tun_flags").write_text("0x1002\n")


def test_what_a_bridge_does_with_a_port_s_frames_is_told_in_words(sysfs: pathlib.Path) -> None:
    add(sysfs, "br0", 1500)
    for number, state in enumerate(("disabled", "listening", "learning", "forwarding", "blocking", None)):
        add(sysfs, f"tap{number}", 1500, on="br0")
        (sysfs / f"tap{number}" / "brport").mkdir()
        (sysfs / f"tap{number}" / "brport" / "state").write_text(f"{number}\n")
        assert bridges.port_state(f"tap{number}") == state
    assert bridges.port_state("br0") is None


def test_a_bridge_s_ports_are_told_without_the_taps_of_guests(sysfs: pathlib.Path) -> None:
    add(sysfs, "br0", 1400)
    add(sysfs, "eth0", 9000, on="br0")
    add(sysfs, "bond0", 1500, on="br0")
    add(sysfs, "tap0", 1400, on="br0", tap=True)
    add(sysfs, "br1", 1400)
    add(sysfs, "tap1", 1400, on="br1", tap=True)
    assert bridges.bridges() == [
        {"name": "br0", "up": True, "mtu": 1400, "port_mtu": 1500, "tap_mtu": 1400},
        {"name": "br1", "up": True, "mtu": 1400, "port_mtu": None, "tap_mtu": 1400},
    ]
    assert (bridges.mtu_of("tap0"), bridges.mtu_of("gone")) == (1400, None)
