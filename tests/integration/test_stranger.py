# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An address that somebody outside the fleet uses, of whom no host's facts tell: found by asking on the wire."""

from __future__ import annotations

import typing as t

import pytest

from tests.integration.conftest import NET4, NET6, Fleet, server

MAC = "0a:00:00:00:00:66"
IPV4, IPV6 = f"{NET4}.2.66", f"{NET6}1:2:66"


@pytest.fixture
def stranger(fleet: Fleet) -> t.Iterator[str]:
    """A machine of its own behind the bridge of h2, with an IPv4 and an IPv6 address; its MAC address."""
    run = fleet.hosts["h2"].run
    run("ip", "netns", "add", "stranger")
    try:
        run("ip", "link", "add", "stranger0", "type", "veth", "peer", "name", "eth0", "address", MAC, "netns", "stranger")
        run("ip", "link", "set", "stranger0", "master", "br-ext", "up")
        run("ip", "-n", "stranger", "address", "add", f"{IPV4}/16", "dev", "eth0")
        run("ip", "-n", "stranger", "address", "add", f"{IPV6}/64", "dev", "eth0", "nodad")
        run("ip", "-n", "stranger", "link", "set", "eth0", "up")
        yield MAC
    finally:
        run("ip", "netns", "delete", "stranger")


@pytest.mark.parametrize("taken", [IPV4, IPV6], ids=["IPv4", "IPv6"])
def test_an_address_that_a_stranger_uses_is_given_to_no_guest_and_another_one_is(fleet: Fleet, stranger: str, taken: str) -> None:
    network = {"name": "dual", "fixed_ip": taken}
    asked = [server("web", networks=[network], availability_zone="az1:h1"), server("db", networks=[{"name": "dual"}], availability_zone="az1:h1")]
    play = fleet.create(*asked, compute_probe_addresses=True)
    assert play.code != 0
    web, db = play.server("web"), play.server("db")
    assert (web["state"], db["state"]) == ("ERROR", "ACTIVE")
    assert web["error"]["error_class"] == "FixedIpAlreadyInUse"
    assert f"{taken} is in use outside the fleet, {stranger} answers for it on br-ext" in web["error"]["message"]
    assert fleet.where("web") == []
