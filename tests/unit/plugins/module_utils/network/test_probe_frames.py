# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames that ask for an address, byte by byte, and what counts as an answer."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.probe_frames import Answer, answer, question

OURS, THEIRS = bytes.fromhex("525400000001"), bytes.fromhex("0a0000000002")


def test_an_ipv4_address_is_asked_for_by_an_arp_probe_that_claims_nothing() -> None:
    frame = question(OURS, "192.0.2.7")
    assert frame[:14] == b"\xff" * 6 + OURS + b"\x08\x06"
    assert frame[14:22] == bytes.fromhex("0001080006040001")
    assert frame[22:] == OURS + bytes(4) + bytes(6) + bytes([192, 0, 2, 7])


def test_an_ipv6_address_is_asked_for_as_by_duplicate_address_detection() -> None:
    frame = question(OURS, "2001:db8::12:3456")
    group = bytes.fromhex("ff0200000000000000000001ff123456")
    assert frame[:14] == bytes.fromhex("3333ff123456") + OURS + b"\x86\xdd"
    header, message = frame[14:54], frame[54:]
    assert struct.unpack("!IHBB", header[:8]) == (6 << 28, 24, 58, 255)
    assert (header[8:24], header[24:]) == (bytes(16), group)
    assert message[0] == 135 and message[8:] == bytes.fromhex("20010db8000000000000000000123456")
    words = struct.unpack("!32H", header[8:] + struct.pack("!II", 24, 58) + message)
    assert sum(words) % 0xFFFF == 0, "with its checksum the sum is all ones (RFC 1071)"


def arp(operation: int, sender: bytes) -> bytes:
    return OURS + THEIRS + b"\x08\x06" + bytes.fromhex("000108000604") + struct.pack("!H", operation) + THEIRS + sender + OURS + bytes(4)


def advertisement(target: bytes, kind: int = 136, next_header: int = 58) -> bytes:
    message = bytes([kind, 0, 0, 0]) + bytes(4) + target
    return b"\x33\x33\x00\x00\x00\x01" + THEIRS + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(message), next_header, 255) + bytes(32) + message


@pytest.mark.parametrize("operation", [1, 2])
def test_who_sends_arp_from_an_address_has_it(operation: int) -> None:
    assert answer(arp(operation, bytes([192, 0, 2, 7]))) == Answer("192.0.2.7", "0a:00:00:00:00:02")


def test_who_advertises_an_address_has_it() -> None:
    assert answer(advertisement(bytes.fromhex("20010db8000000000000000000000007"))) == Answer("2001:db8::7", "0a:00:00:00:00:02")


@pytest.mark.parametrize(
    "frame",
    [arp(1, bytes(4)), advertisement(bytes(16), kind=135), advertisement(bytes(16), next_header=17), advertisement(bytes(16))[:70], arp(2, b"abcd")[:30], b""],
    ids=["probe of another", "solicitation", "UDP", "cut off", "cut off ARP", "nothing"],
)
def test_other_frames_say_nothing(frame: bytes) -> None:
    assert answer(frame) is None


@given(st.binary(max_size=120))
def test_whatever_comes_by_is_read_without_an_error(rest: bytes) -> None:
    for ethertype in (b"\x08\x06", b"\x86\xdd", b"\x08\x00"):
        answer(bytes(12) + ethertype + rest)


@given(st.ip_addresses())
def test_no_question_is_an_answer(address: object) -> None:
    assert answer(question(OURS, str(address))) is None
