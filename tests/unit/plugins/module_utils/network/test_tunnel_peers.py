# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the other hosts of a VXLAN network are, by what hosts have said, in whichever order."""

from __future__ import annotations

import json
import typing as t

import hypothesis
import pytest
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.peers import NoTunnelReport, Peers, networks_of, read_peers, read_report
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import TunnelReport
from ansible_collections.kvmfleet.compute.tests.unit import make


def report(host: str, number: int, address: str | None, *networks: str) -> TunnelReport:
    return read_report({"host": host, "number": number, "address": address, "networks": list(networks)})


def having(*networks: str) -> Peers:
    peers = Peers()
    peers.have(networks)
    return peers


def test_a_host_says_which_networks_its_servers_are_on() -> None:
    ports = [make.port(binding={"type": "vxlan", "name": name}) for name in ("10", "9", "9")]
    ports += [make.port(), make.port(binding={"type": "vlan", "name": "physnet1:7"})]
    assert networks_of([make.record(make.web(ports=ports))]) == ["9", "10"]
    assert having("10", "9").report("h1", "192.0.2.1", 5) == {"host": "h1", "number": 5, "address": "192.0.2.1", "networks": ["9", "10"]}


def test_the_number_grows_though_the_clock_goes_back() -> None:
    kept = Peers()
    assert [kept.report("h1", None, now)["number"] for now in (100, 50, 1000)] == [100, 101, 1000]


def test_who_has_a_network_is_sent_to_until_it_says_that_it_has_it_no_more() -> None:
    peers = having("5")
    peers.take([report("h2", 1, "192.0.2.2", "5", "6"), report("h3", 1, "192.0.2.3", "6")])
    assert peers.addresses("5") == {"192.0.2.2"} and peers.addresses("6") == set()
    peers.take([report("h2", 2, "192.0.2.2")])
    assert peers.addresses("5") == set()
    peers.take([report("h2", 1, "192.0.2.2", "5")])
    assert peers.addresses("5") == set(), "what is older counts no more"


def test_what_is_not_here_any_more_is_forgotten_and_who_is_not_of_the_fleet() -> None:
    peers = having("5")
    peers.take([report("h2", 1, "192.0.2.2", "5"), report("h3", 1, "192.0.2.3", "5")])
    peers.keep_only(["h2"])
    assert peers.addresses("5") == {"192.0.2.2"}
    peers.have([])
    peers.have(["5"])
    assert peers.addresses("5") == set()


REPORTS = st.lists(
    st.builds(
        lambda host, number, networks: report(host, number, f"192.0.2.{ord(host[1])}", *sorted(networks)),
        st.sampled_from(["h2", "h3"]),
        st.integers(1, 5),
        st.sets(st.sampled_from(["5", "6"])),
    ),
    max_size=8,
    unique_by=lambda item: (item["host"], item["number"]),
)


@hypothesis.given(reports=REPORTS, data=st.data())
def test_the_order_does_not_matter(reports: list[TunnelReport], data: st.DataObject) -> None:
    one, other = having("5", "6"), having("5", "6")
    one.take(reports)
    for item in data.draw(st.permutations(reports)):
        other.take([item])
    assert one == other


def test_what_is_kept_is_read_again() -> None:
    peers = having("5")
    peers.take([report("h2", 1, "192.0.2.2", "5"), report("h3", 1, None)])
    assert read_peers(json.loads(json.dumps(peers.as_dict()))) == peers
    with pytest.raises(ValueError, match="version 9"):
        read_peers({**peers.as_dict(), "version": 9})


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {},
        {"host": "h", "number": 1, "address": "x; reboot", "networks": []},
        {"host": "h", "number": 1, "address": None, "networks": ["0"]},
        {"host": "h", "number": 1, "address": None, "networks": [2**24]},
        {"host": "h", "number": "y", "address": None, "networks": []},
        {"host": "h", "number": 1, "address": None, "networks": None},
    ],
)
def test_what_is_no_report_never_goes_into_the_kernel(given: t.Any) -> None:
    with pytest.raises(NoTunnelReport):
        read_report(given)
