# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests that share a device of their hypervisor by macvtap, which only one hypervisor has."""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.integration.conftest import NET4, NUMBER, Fleet, server, ssh
from ansible_collections.kvmfleet.compute.tests.integration.test_security_groups import pings

CARD, OTHER_END = "card0", f"kvmfleet{NUMBER}-card"
GUESTS = {"one": f"{NET4}.8.10", "two": f"{NET4}.8.11"}
CATALOGUE: dict[str, t.Any] = {
    "compute_networks": {
        "card": {"macvtap": CARD, "mtu": 1400, "port_security_enabled": False, "subnets": [{"cidr": f"{NET4}.0.0/16", "gateway_ip": f"{NET4}.0.1"}]}
    }
}
ASKED = [server(name, networks=[{"name": "card", "fixed_ip": address}]) for name, address in GUESTS.items()]


def links(fleet: Fleet) -> set[str]:
    return {link["ifname"] for link in json.loads(fleet.hosts["h1"].run("ip", "-j", "link"))}


@pytest.fixture
def carded(fleet: Fleet) -> t.Iterator[Fleet]:
    """A network card of h1, which is in none of its bridges, and on the network of the testbed."""
    namespace = f"kvmfleet{NUMBER or ''}-h1"
    subprocess.run(["ip", "link", "add", OTHER_END, "type", "veth", "peer", "name", CARD, "netns", namespace], check=True)
    subprocess.run(["ip", "link", "set", OTHER_END, "master", f"kvmfleet-br{NUMBER}", "up"], check=True)
    fleet.hosts["h1"].run("ip", "link", "set", CARD, "up")
    yield fleet
    fleet.remove_servers()
    subprocess.run(["ip", "link", "del", OTHER_END], check=True)


@pytest.mark.campaign
def test_guests_reach_each_other_and_what_is_beyond_the_device_but_not_their_host(carded: Fleet) -> None:
    before = links(carded)
    h1 = carded.hosts["h1"]
    h1.run("ip", "link", "set", CARD, "down")
    refused = carded.create(*ASKED, **CATALOGUE)
    assert refused.code != 0 and f"network card: device {CARD} is down" in refused.told(), refused.output
    h1.run("ip", "link", "set", CARD, "up")
    play = carded.create(*ASKED, compute_wait_for="ssh", compute_wait_timeout_s=500, **CATALOGUE)
    assert play.code == 0, play.output
    # The others haven't got it.
    assert [play.server(name)["host"] for name in GUESTS] == ["h1", "h1"]
    assert pings(GUESTS["one"], GUESTS["two"])
    # By way of the device itself; another link of the host reaches them, as any machine does.
    h1.run("ip", "addr", "add", f"{NET4}.8.1/32", "dev", CARD)
    assert "100% packet loss" in h1.run("busybox", "ping", "-c", "1", "-W", "3", "-I", CARD, GUESTS["one"], check=False)
    told = json.loads(ssh(GUESTS["one"], "cat /mnt/openstack/latest/network_data.json"))["links"]
    assert [(link["type"], link["mtu"]) for link in told] == [("phy", 1400)]
    again = carded.create(*ASKED, **CATALOGUE)
    assert (again.code, again.changed()) == (0, 0), again.output
    assert [again.server(name)["drift"] for name in GUESTS] == [[], []]
    gone = carded.play("kvmfleet.compute.delete_server", {"compute_delete_names": list(GUESTS), **CATALOGUE})
    assert gone.code == 0, gone.output
    assert links(carded) == before
