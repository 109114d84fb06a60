# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eight calls of modules at once on one host, forged ones among them: its capacity is never exceeded, and nothing is there twice."""

from __future__ import annotations

import collections
import copy
import random
import typing as t
import uuid as uuid_library

import pytest

from .conftest import IS_LONG
from .hypervisor import Answer, Call, Hypervisor
from .images import Images
from .servers import Server
from .test_steps import check_words

ROUNDS = 50 if IS_LONG else 5
ROOM = 5  # servers: two more than are there when the calls come


class Fleet:
    """The servers of one host, as far as the test knows of them, with room for so many."""

    def __init__(self, host: Hypervisor, images: Images, draw: random.Random) -> None:
        self.host = host
        self.draw = draw
        self._image = images.bootless
        self._taken = len(host.census().domains)
        self._ratio = (self._taken + ROOM) / int(host.run("nproc"))
        self.known: list[Server] = []

    def new(self, name: str | None = None) -> Server:
        server = Server(self.host, self._image, name or f"s{uuid_library.uuid4().hex[:6]}")
        self.known.append(server)
        return server

    def _begin(self, server: Server, state: str, action: str = "build") -> Call:
        return server.begin(state, action, cpu_allocation_ratio=self._ratio)

    def forged(self, of: Server) -> Server:
        """A server that has what another one has: its uuid, its name, its MAC address or its address."""
        forged = self.new()
        what = self.draw.choice(["uuid", "display_name", "mac_address", "fixed_ips"])
        if what in ("uuid", "display_name"):
            forged.instance = {**forged.instance, what: of.instance[what]}
        else:
            port = {**copy.deepcopy(forged.instance["ports"][0]), what: of.instance["ports"][0][what]}
            forged.instance = {**forged.instance, "ports": [port]}
        return forged

    def calls(self) -> list[Call]:
        """Eight at once: more claims than there is room for, two of them forged, and what else a host is asked to do; what they meet is for the host to say."""
        there, new = list(self.known), [self.new() for _count in range(3)]
        asked = [(server, "claimed", "build") for server in new]
        asked += [(self.forged(self.draw.choice([*new, *there])), self.draw.choice(["claimed", "active"]), "build") for _count in range(2)]
        twice = copy.copy(self.draw.choice(new))
        twice.run = {**twice.run, "id": str(uuid_library.uuid4())}
        asked += [(twice, "claimed", "build"), (there[0], "active", "start")]
        asked.append((self.draw.choice(there), *self.draw.choice([("active", "build"), ("active", "start"), ("absent", "none")])))
        self.draw.shuffle(asked)
        return [self._begin(*one) for one in asked]

    def reports(self) -> list[dict[str, t.Any]]:
        """The records of all servers, as the host reports them."""
        result = self.host.call("server_info").result
        assert result is not None
        return list(result["servers"])

    def check(self, answers: list[Answer]) -> None:
        """Nothing twice, nothing beyond the room, and what was said is so."""
        domains, records = self.host.census().domains, self.reports()
        assert len(domains) <= self._taken + ROOM, f"{len(domains)} domains, and there was room for {self._taken + ROOM}"
        things: collections.Counter[object] = collections.Counter(mac for domain in domains.values() for mac in domain["macs"])
        things.update((record["project_id"], record["display_name"]) for record in records)
        things.update(ip["ip_address"] for record in records for port in record["ports"] for ip in port["fixed_ips"])
        assert [thing for thing, count in things.items() if count > 1] == []
        for answer in answers:
            check_words(answer)
            assert answer.result is not None
            assert answer.result.get("servers"), answer.result

    def remove(self) -> None:
        for server in self.known:
            server.well("absent")


@pytest.mark.parametrize("number", range(ROUNDS))
def test_eight_calls_at_once_keep_within_the_room_and_make_nothing_twice(hypervisor: Hypervisor, images: Images, draw: random.Random, number: int) -> None:
    empty = hypervisor.census()
    fleet = Fleet(hypervisor, images, draw)
    try:
        for server in [fleet.new() for _count in range(3)]:
            server.made()
        fleet.known[0].switch_off()
        fleet.check([call.answer() for call in fleet.calls()])
        fleet.remove()
        left = hypervisor.census().beside(empty)
        assert not left, f"after the deletion of all there is still {left}"
    finally:
        hypervisor.census(kept=list(empty.domains))
