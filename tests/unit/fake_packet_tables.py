# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of nftables of a host in a dict, for the host side's unit tests: all of a script is done or nothing, and refused is what a kernel refuses."""

from __future__ import annotations

import copy
import re

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_tables import PacketTablesLike


class FakePacketTables:
    """``there``: the rules by family and chain; ``jumps``: the chain of each device, by family.

    ``lacking``: why the host has none; ``errors``: the first is what every script ends with; ``asked``: how often somebody has looked.
    """

    def __init__(self) -> None:
        self.there: dict[str, dict[str, list[str]]] = {}
        self.jumps: dict[str, dict[str, str]] = {}
        self.lacking: str | None = None
        self.errors: list[ServerError] = []
        self.asked = 0

    def missing(self) -> str | None:
        return self.lacking

    def loaded(self) -> dict[str, set[str]]:
        assert self.lacking is None
        self.asked += 1
        return {family: set(chains) for family, chains in self.there.items()}

    def load(self, script: str) -> None:
        assert self.lacking is None
        for error in self.errors:
            raise error
        before = copy.deepcopy((self.there, self.jumps))
        try:
            for line in script.splitlines():
                self._run(line)
            for family, jumps in self.jumps.items():
                assert set(jumps.values()) <= set(self.there[family]), "a jump to a chain that is not there"
        except KeyError as error:
            self.there, self.jumps = before
            raise ServerError("ProcessExecutionError", f"nft: No such file or directory: {error}", reschedule=True) from error

    def flush(self) -> None:
        """``nft flush ruleset``."""
        self.there, self.jumps = {}, {}

    def _run(self, line: str) -> None:
        verb, kind, family, table, *rest = line.split(maxsplit=4)
        assert table == "kvmfleet"
        named = rest[0].split(maxsplit=1) if rest else []
        if (verb, kind) == ("add", "table"):
            self.there.setdefault(family, {})
            self.jumps.setdefault(family, {})
        elif (verb, kind) == ("delete", "table"):
            del self.there[family], self.jumps[family]
        elif kind == "element":
            self._element(verb, family, rest[0])
        elif kind == "map":
            assert family in self.there
        elif (verb, kind) == ("add", "chain"):
            self.there[family].setdefault(named[0], [])
        elif (verb, kind) == ("flush", "chain"):
            self.there[family][named[0]].clear()
        elif (verb, kind) == ("delete", "chain"):
            del self.there[family][named[0]]
        elif (verb, kind) == ("add", "rule"):
            self.there[family][named[0]].append(named[1])
        else:
            raise AssertionError(line)

    def _element(self, verb: str, family: str, text: str) -> None:
        found = re.fullmatch(r'sources { "([^"]+)" : jump (\S+) }', text)
        assert found, text
        device, chain = found.groups()
        if verb == "add":
            if self.jumps[family].setdefault(device, chain) != chain:
                raise KeyError(device)
        else:
            del self.jumps[family][device]


def has_packet_tables(fake: FakePacketTables) -> PacketTablesLike:
    """For the type checker: the fake has what the host side needs."""
    return fake
