# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the kernel's rules of a port are there, by what iptables and ebtables list."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_rules import (
    chains_of_frames,
    chains_of_packets,
    filters_frames,
    filters_packets,
)

PACKETS = """-P INPUT ACCEPT
-P FORWARD ACCEPT
-P OUTPUT ACCEPT
-N FI-tap1
-N FO-tap1
-N HI-tap1
-N libvirt-host-in
-N libvirt-in
-N libvirt-in-post
-N libvirt-out
-A INPUT -j libvirt-host-in
-A FORWARD -j libvirt-in
-A FORWARD -j libvirt-out
-A FORWARD -j libvirt-in-post
-A FI-tap1 -j DROP
-A FO-tap1 -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -j RETURN
-A FO-tap1 -j DROP
-A HI-tap1 -j DROP
-A libvirt-host-in -m physdev --physdev-in tap1 -g HI-tap1
-A libvirt-in -m physdev --physdev-in tap1 -g FI-tap1
-A libvirt-in-post -m physdev --physdev-in tap1 -j ACCEPT
-A libvirt-out -m physdev --physdev-out tap1 --physdev-is-bridged -g FO-tap1
"""
FRAMES = """Bridge table: nat

Bridge chain: PREROUTING, entries: 1, policy: ACCEPT
-i tap1 -j libvirt-I-tap1

Bridge chain: OUTPUT, entries: 0, policy: ACCEPT

Bridge chain: POSTROUTING, entries: 1, policy: ACCEPT
-o tap1 -j libvirt-O-tap1

Bridge chain: libvirt-I-tap1, entries: 1, policy: ACCEPT
-j DROP

Bridge chain: libvirt-O-tap1, entries: 1, policy: ACCEPT
-j DROP
"""


def without(text: str, line: str) -> str:
    assert f"{line}\n" in text
    return text.replace(f"{line}\n", "")


def test_a_tap_with_all_its_rules_is_filtered() -> None:
    assert filters_packets(chains_of_packets(PACKETS), "tap1") and filters_frames(chains_of_frames(FRAMES), "tap1")
    # Another one, whose name begins so.
    assert not filters_packets(chains_of_packets(PACKETS), "tap") and not filters_frames(chains_of_frames(FRAMES), "tap")


@pytest.mark.parametrize(
    "line",
    [
        "-A FORWARD -j libvirt-in",
        "-A FORWARD -j libvirt-out",
        "-A INPUT -j libvirt-host-in",
        "-A FI-tap1 -j DROP",
        "-A libvirt-in -m physdev --physdev-in tap1 -g FI-tap1",
        "-A libvirt-out -m physdev --physdev-out tap1 --physdev-is-bridged -g FO-tap1",
    ],
)
def test_a_tap_lacks_its_rules_for_packets_wherever_the_way_to_them_ends(line: str) -> None:
    assert not filters_packets(chains_of_packets(without(PACKETS, line)), "tap1")


@pytest.mark.parametrize("line", ["-i tap1 -j libvirt-I-tap1", "-o tap1 -j libvirt-O-tap1"])
def test_a_tap_lacks_its_rules_for_frames_without_the_way_to_them(line: str) -> None:
    assert not filters_frames(chains_of_frames(without(FRAMES, line)), "tap1")


def test_emptied_chains_filter_nothing() -> None:
    assert not filters_frames(chains_of_frames(without(FRAMES, "-j DROP")), "tap1")
    assert not filters_packets(chains_of_packets("-P FORWARD ACCEPT\n-N FI-tap1\n"), "tap1")
