# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever runs go on at the same time, and however their steps fall between each other: on the hosts no address, MAC address or name is there twice."""

from __future__ import annotations

import copy
import itertools
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement, Fleet, RequestedNetwork
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.allocation.run import Registrar, Run, fleet

HOSTS = ("h1", "h2", "h3")
SMALL = [make.subnet("192.0.2.0/28", gateway_ip="192.0.2.1"), make.subnet("2001:db8::/120")]
# The first two are one bridge by two names, and the last is on it too.
NETWORKS = [
    make.network(*SMALL, id="n1", name="lan"),
    make.network(*SMALL, id="n2", name="renamed"),
    make.network(*SMALL, id="n3", name="other", binding=make.bridge("br1")),
    make.network(*SMALL, id="n4", name="nat", binding=make.libvirt_network("over")),
]
OVER = {"bridges": [], "libvirt": [{"name": "over", "bridge": "br0", "active": True}]}
STEPS = ("begin", "read", "reserve", "claim", "settle", "reserve", "claim", "settle")
OUTCOMES = st.sampled_from(["claimed", "claimed", "claimed", "refused", "unknown and there", "unknown and not there"])
# The network, an address that is asked for, and one of few names.
SERVER = st.tuples(st.integers(0, len(NETWORKS) - 1), st.sampled_from([None, None, None, "192.0.2.2", "192.0.2.3"]), st.integers(0, 5))


class World:
    """The hosts, and runs that know of each other only by the facts that they have read and by the registrar."""

    def __init__(self) -> None:
        self.registrar = Registrar(*HOSTS)
        self.there: dict[str, dict[str, Instance]] = {host: {} for host in HOSTS}
        self.agreements: dict[int, Agreement] = {}
        self.runs: dict[int, Run] = {}

    def facts(self) -> Fleet:
        return fleet(
            *(
                make.host(name, instances=[make.fleet_record(instance, name) for instance in servers.values()], networks=OVER)
                for name, servers in self.there.items()
            )
        )

    def step(self, number: int, step: str, asked: list[tuple[int, str | None, int]], outcomes: list[str]) -> None:
        if step == "begin":
            self.agreements[number] = self.registrar.begin()
        elif step == "read":
            taken = {instance["display_name"] for servers in self.there.values() for instance in servers.values()}
            servers = [(self.instance(number, index, item), [self.wanted(item)]) for index, item in enumerate(asked)]
            # What validation has refused goes no further.
            new = [(instance, networks) for instance, networks in servers if instance["display_name"] not in taken and not self.is_taken(networks[0])]
            self.runs[number] = Run(self.registrar, self.facts(), new, agreement=self.agreements[number], macs=itertools.count(1))
        elif step == "reserve":
            self.runs[number].reserve()
        elif step == "claim":
            self.claim(self.runs[number], outcomes)
        else:
            self.runs[number].settle()

    @staticmethod
    def instance(number: int, index: int, item: tuple[int, str | None, int]) -> Instance:
        return make.instance(f"{number}.{index}", display_name=f"web-{item[2]}")

    @staticmethod
    def wanted(item: tuple[int, str | None, int]) -> RequestedNetwork:
        return make.requested_network(network=NETWORKS[item[0]], fixed_ip=item[1])

    def is_taken(self, wanted: RequestedNetwork) -> bool:
        return any(
            ip["ip_address"] == wanted["fixed_ip"]
            for servers in self.there.values()
            for instance in servers.values()
            for port in instance["ports"]
            for ip in port["fixed_ips"]
        )

    def claim(self, run: Run, outcomes: list[str]) -> None:
        told: dict[str, str] = {}
        placed = [run.placed(uuid) for uuids in run.round["placements"].values() for uuid in uuids] if run.round["stage"] == "claim" else []
        for server, outcome in zip(placed, itertools.cycle(outcomes), strict=False):
            told[server["instance"]["uuid"]] = outcome.split()[0]
            if outcome in ("claimed", "unknown and there"):
                self.there[server["host"]][server["instance"]["uuid"]] = copy.deepcopy(server["instance"])
        if placed:
            run.conduct(**told)

    def doubles(self) -> list[tuple[str, ...]]:
        """What is there twice where frames meet, or twice in the project."""
        held: Counter[tuple[str, ...]] = Counter()
        for servers in self.there.values():
            for instance in servers.values():
                held["name", instance["display_name"]] += 1
                for port in instance["ports"]:
                    bridge = "br0" if port["binding"]["type"] == "libvirt_network" else port["binding"]["name"]
                    held["MAC", bridge, port["mac_address"]] += 1
                    held.update(("address", bridge, ip["ip_address"]) for ip in port["fixed_ips"])
        return [key for key, count in held.items() if count > 1]


@given(
    st.lists(st.lists(SERVER, min_size=1, max_size=4), min_size=2, max_size=3),
    st.data(),
)
def test_nothing_is_there_twice(asked: list[list[tuple[int, str | None, int]]], data: st.DataObject) -> None:
    world = World()
    left = {number: list(STEPS) for number in range(len(asked))}
    outcomes = data.draw(st.lists(OUTCOMES, min_size=1, max_size=5))
    while left:
        number = data.draw(st.sampled_from(sorted(left)))
        world.step(number, left[number].pop(0), asked[number], outcomes)
        assert world.doubles() == []
        if not left[number]:
            del left[number]
