# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The network devices of a host in a dict, for the host side's unit tests: it does what the commands say, and refuses what a kernel refuses."""

from __future__ import annotations

import collections.abc

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.devices import ANY, Device
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.kernel import KernelLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import is_our_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.plan import Command

LONGEST = 15


class Killed(Exception):
    """The process that ran the commands is no more."""


def device(name: str, kind: str = "", **changes: object) -> Device:
    plain = Device(name, kind, "52:54:00:00:00:01", None, True, None, 1500, None, None, None, None)
    return plain._replace(**changes)  # type: ignore[arg-type]


class FakeKernel:
    """``there``: its devices; ``floods``: flood lists by device; ``log``: the commands that were run; ``killed_after``: how many more are."""

    def __init__(self, *devices: Device) -> None:
        self.there = {found.name: found for found in (device("eth0"), *devices)}
        self.floods: dict[str, set[str]] = {}
        self.apart: set[str] = set()
        self.namespaces: set[str] = set()
        self.within: dict[str, list[str]] = {}  # what was done in each namespace
        self.log: list[Command] = []
        self.killed_after: int | None = None

    def has_ours(self) -> bool:
        return any(map(is_our_name, self.there))

    def devices(self) -> dict[str, Device]:
        return dict(self.there)

    def flood_list(self, device: str) -> set[str]:
        return set(self.floods[device])

    def run(self, wanted: collections.abc.Iterable[Command]) -> None:
        for command in wanted:
            self.live()
            self.log.append(command)
            self._run(command)

    def live(self) -> None:
        """The process comes one step further, or not."""
        if self.killed_after is not None:
            if self.killed_after == 0:
                raise Killed
            self.killed_after -= 1

    def _run(self, command: Command) -> None:
        if command[0] == "sysctl":
            self.apart.update(word.split("/")[3] for word in command if word.startswith("net/"))
        elif command[:2] == ["bridge", "fdb"]:
            self._flood(command)
        elif command[:3] == ["ip", "link", "add"]:
            self._add(command[3:])
        elif command[:2] == ["ip", "netns"]:
            self._namespace(*command[2:])
        elif command[:2] == ["ip", "-n"]:
            self.within[command[2]].append(" ".join(command[3:]))
        elif command[0] == "nsenter":
            self.within[command[1].rpartition("/")[2]].append(" ".join(command[2:]))
        elif command[:4] == ["ip", "link", "delete", "dev"]:
            self._delete(command[4])
        elif command[:4] == ["ip", "link", "set", "dev"]:
            self._set(command[4], command[5:])
        else:
            raise AssertionError(command)

    def _flood(self, command: Command) -> None:
        _bridge, _fdb, change, mac, _dev, name, _dst, peer = command
        assert mac == ANY
        if (change == "append") == (peer in self.floods[name]):
            raise ServerError("ProcessExecutionError", f"bridge: {change} {peer}")
        (self.floods[name].add if change == "append" else self.floods[name].remove)(peer)

    def _namespace(self, change: str, name: str) -> None:
        if (change == "add") == (name in self.namespaces):
            raise ServerError("ProcessExecutionError", f"ip: {change} {name}")
        (self.namespaces.add if change == "add" else self.namespaces.remove)(name)
        self.within[name] = []

    def _add(self, words: list[str]) -> None:
        if "peer" in words:
            assert words[-2] == "netns" and words[-1] in self.namespaces
            words = words[: words.index("peer")]
        at = words.index("type")
        given = {words[index]: words[index + 1] for index in range(0, at, 2)}
        kind, rest = words[at + 1], [word for word in words[at + 2 :] if word != "learning"]
        details = {rest[index]: rest[index + 1] for index in range(0, len(rest), 2)}
        made = device(
            given["name"],
            kind,
            mac_address=given["address"],
            is_up=False,
            mtu=int(given.get("mtu", 1500)),
            parent=given.get("link"),
            number=int(details["id"]) if "id" in details else None,
            port=int(details["dstport"]) if "dstport" in details else None,
            local=details.get("local"),
        )
        same = [other for other in self.there.values() if other.kind == kind and made.number and (other.number, other.parent) == (made.number, made.parent)]
        if made.name in self.there or same or len(made.name) > LONGEST:
            raise ServerError("ProcessExecutionError", "ip: RTNETLINK answers: File exists")
        assert made.parent is None or made.parent in self.there
        self.there[made.name] = made
        if kind == "vxlan":
            self.floods[made.name] = set()

    def _delete(self, name: str) -> None:
        del self.there[name]
        self.floods.pop(name, None)
        self.apart.discard(name)
        self.there = {other: found._replace(master=None) if found.master == name else found for other, found in self.there.items()}

    def _set(self, name: str, words: list[str]) -> None:
        found = self.there[name]
        if words == ["up"]:
            # From here on the host would take part in what guests say to each other.
            assert name in self.apart
            self.there[name] = found._replace(is_up=True)
        elif words[0] == "mtu":
            self.there[name] = found._replace(mtu=int(words[1]))
        elif words[0] == "alias":
            self.there[name] = found._replace(alias=words[1])
        elif words[0] == "master":
            assert self.there[words[1]].kind == "bridge"
            self.there[name] = found._replace(master=words[1])
        else:
            raise AssertionError(words)


def has_devices(fake: FakeKernel) -> KernelLike:
    """For the type checker: the fake has what the host side needs."""
    return fake
