# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What guests reach of each other on one host and on two, by TCP, UDP and ICMP of both IP versions, and what becomes of connections when that changes."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from .conftest import NET4, ROOT, Fleet, Play, server, ssh

VERSIONS = {"4": "IPv4", "6": "IPv6"}
ICMP = {"IPv4": "icmp", "IPv6": "icmpv6"}
# Of both IP versions. A port has a server on every guest, so that what does not come through was stopped on its way.
TCP, UDP, OTHER_TCP, OTHER_UDP = 5000, 5001, 5002, 5003
# Where connections go to, by what allows them: a rule that stays, one that is removed, and being a member of a group. To each number comes the IP version.
KEPT, OF_RULE, OF_GROUP = 5010, 5020, 5030
SSH_IN = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": f"{NET4}.0.1/32"}
GIVE_UP_S = 10


def rules(direction: str, protocol: str | None, port: int | None = None, group: str | None = None, more: int = 0) -> list[dict[str, t.Any]]:
    """The same of each IP version; ``more``: for so many ports more."""
    ports = {} if port is None else {"port_range_min": port, "port_range_max": port + more}
    remote = {} if group is None else {"remote_group": group}
    return [
        {"direction": direction, "ethertype": ethertype, "protocol": ICMP[ethertype] if protocol == "icmp" else protocol, **ports, **remote}
        for ethertype in VERSIONS.values()
    ]


def all_three(direction: str, group: str | None = None) -> list[dict[str, t.Any]]:
    return [*rules(direction, "tcp", TCP, group), *rules(direction, "udp", UDP, group), *rules(direction, "icmp", group=group)]


GROUPS: dict[str, t.Any] = {
    "service": {"rules": [SSH_IN, *all_three("ingress", "clients"), *rules("ingress", "tcp", KEPT, more=9), *rules("ingress", "tcp", OF_GROUP, "clients", 9)]},
    "clients": {"rules": rules("ingress", None)},
    "quiet": {"rules": [SSH_IN, *all_three("ingress", "service"), *rules("egress", "tcp", TCP), *rules("egress", "udp", UDP)]},
}
WHERE = {"served": ("az1:h1", "service"), "near": ("az1:h1", "quiet"), "far": ("az2:h2", "clients")}
ASKED = [server(name, availability_zone=zone, networks=[{"name": "dual"}], security_groups=[{"name": group}]) for name, (zone, group) in WHERE.items()]


class Guests(t.NamedTuple):
    fleet: Fleet
    made: dict[str, dict[str, t.Any]]  # by name

    def address(self, name: str, version: str = "4") -> str:
        return next(t.cast(str, ip["addr"]) for ip in self.made[name]["addresses"]["dual"] if str(ip["version"]) == version)

    def run(self, name: str, command: str) -> str:
        return ssh(self.address(name), command)


@pytest.fixture(scope="module")
def guests(testbed: None, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Guests]:
    """Two on one host and one on another, each with servers for what the others ask."""
    fleet = Fleet(tmp_path_factory.mktemp("guests"))
    fleet.remove_servers()
    fleet.free_reservations()
    play = fleet.create(*ASKED, compute_security_groups=GROUPS, compute_wait_for="ssh", compute_wait_timeout_s=500)
    assert play.code == 0, play.output
    made = Guests(fleet, {name: play.server(name) for name in WHERE})
    for name in WHERE:
        made.run(name, " ".join(f"setsid busybox nc -ll -p {port} -e /bin/true < /dev/null > /dev/null 2>&1 &" for port in (TCP, OTHER_TCP)))
    yield made
    fleet.remove_servers()


def tries(guests: Guests, target: str) -> dict[str, str]:
    """Commands by what they try, which end well if the target answers; the refusal of a UDP port that nobody has opened is an answer, too."""
    found = {}
    for version in VERSIONS:
        ip = guests.address(target, version)
        trace = {"4": "traceroute", "6": "traceroute6"}[version]
        found |= {f"TCP {port} IPv{version}": f"busybox nc -w {GIVE_UP_S} {ip} {port} < /dev/null > /dev/null 2>&1" for port in (TCP, OTHER_TCP)}
        # It counts the port up with each try, and makes one. Of answers to another's tries it takes those for the same port.
        found |= {
            f"UDP {port} IPv{version}": f"busybox {trace} -n -q 1 -f 1 -m 1 -w {GIVE_UP_S} -p {port - 1} {ip} 2> /dev/null | grep -q '^ 1  {ip}  .* ms'"
            for port in (UDP, OTHER_UDP)
        }
        found[f"ICMP IPv{version}"] = f"busybox ping -{version} -c 1 -W {GIVE_UP_S} {ip} > /dev/null 2>&1"
    return found


Found = set[tuple[str, str, str]]


def reached(guests: Guests, name: str, expected: Found) -> Found:
    """What comes through from a guest to the others.

    What is expected is tried three times at the most: a busy guest is late, and tells only so many errors in a second.
    """
    found: Found = set()
    for _time in range(3):
        found |= reached_at_once(guests, name)
        if {item for item in expected if item[0] == name} <= found:
            break
    return found


def reached_at_once(guests: Guests, name: str) -> Found:
    """What comes through: its name, theirs, and what it is; all is tried at the same time."""
    asked = {f"{target}/{what}": command for target in WHERE if target != name for what, command in tries(guests, target).items()}
    said = guests.run(name, " ".join([*(f"({command} && echo '{what}') &" for what, command in asked.items()), "wait"]))
    return {(name, *t.cast("tuple[str, str]", tuple(line.split("/")))) for line in said.splitlines()}


def test_what_groups_allow_comes_through_and_nothing_else(guests: Guests) -> None:
    both = [f"IPv{version}" for version in VERSIONS]
    udp, tcp, icmp = ([f"{what} {version}" for version in both] for what in (f"UDP {UDP}", f"TCP {TCP}", "ICMP"))
    others = [f"{what} {version}" for what in (f"UDP {OTHER_UDP}", f"TCP {OTHER_TCP}") for version in both]
    expected = {
        # On one host: what the other's group lets in of this one's group; and nothing, where it lets in members of another.
        ("served", "near"): {*tcp, *udp, *icmp},
        ("near", "served"): set(),
        # Between hosts: the same by a group whose members are elsewhere, and nobody else.
        ("far", "served"): {*tcp, *udp, *icmp},
        ("far", "near"): set(),
        # All is let in there; out goes what the own group lets out.
        ("served", "far"): {*tcp, *udp, *icmp, *others},
        ("near", "far"): {*tcp, *udp},
    }
    wanted = {(*pair, what) for pair, all_of_it in expected.items() for what in all_of_it}
    found = set().union(*(reached(guests, name, wanted) for name in WHERE))
    assert {pair: {what for *ends, what in found if tuple(ends) == pair} for pair in itertools.permutations(WHERE, 2)} == expected


Counts = dict[tuple[int, str], int]


def lines(guests: Guests) -> Counts:
    """How many lines have come in of each connection, a while later: as soon as those that are to go on have some more than now."""
    kept = [f"/run/{KEPT + int(version)}" for version in VERSIONS]
    connections = list(itertools.product((KEPT, OF_RULE, OF_GROUP), VERSIONS))
    waiting = [f'n=$(($(busybox wc -l < {file}) + 5)); until [ "$(busybox wc -l < {file})" -ge "$n" ]; do sleep 1; done' for file in kept]
    counting = [f"busybox wc -l < /run/{port + int(version)}" for port, version in connections]
    said = guests.run("served", "; ".join([*waiting, *counting]))
    return dict(zip(connections, map(int, said.split()), strict=True))


@pytest.mark.campaign
def test_connections_end_with_what_allows_them_and_others_lose_no_byte(guests: Guests) -> None:
    def applied(*more: dict[str, t.Any]) -> Play:
        groups = {**GROUPS, "service": {"rules": [*GROUPS["service"]["rules"], *more]}}
        play = guests.fleet.play("kvmfleet.compute.security_groups", {"compute_security_groups": groups})
        assert play.code == 0, play.output
        return play

    def going_on() -> set[int]:
        """What allows the connections that go on; of both IP versions it is the same."""
        before, after = lines(guests), lines(guests)
        found = {key: after[key] > before[key] for key in before}
        assert all(found[port, "4"] == found[port, "6"] for port, _version in found), found
        return {port for port, _version in found if found[port, "4"]}

    applied(*rules("ingress", "tcp", OF_RULE, more=9))
    connections = list(itertools.product((KEPT, OF_RULE, OF_GROUP), VERSIONS))
    numbers = [port + int(version) for port, version in connections]
    # Whose input ends would end the connection.
    guests.run("served", " ".join(f"(busybox sleep 9999 | busybox nc -l -p {number} > /run/{number}) < /dev/null > /dev/null 2>&1 &" for number in numbers))
    counting = "i=0; while i=$((i + 1)); do echo $i; busybox usleep 500000; done"
    ends = zip((guests.address("served", version) for _port, version in connections), numbers, strict=True)
    guests.run("far", " ".join(f"(({counting}) | busybox nc {ip} {number}) < /dev/null > /dev/null 2>&1 &" for ip, number in ends))
    assert going_on() == {KEPT, OF_RULE, OF_GROUP}
    assert applied().changed() == 1
    assert going_on() == {KEPT, OF_GROUP}
    told = guests.fleet.play(str(ROOT / "tests/integration/leaving.yml"), {"leaving": [guests.made["far"]["id"]]})
    assert told.code == 0, told.output
    assert going_on() == {KEPT}
    # Each is one connection: who listens takes no other.
    in_order = " && ".join(f"busybox awk '$1 != NR {{exit 1}}' /run/{KEPT + int(version)}" for version in VERSIONS)
    assert guests.run("served", f"{in_order} && echo whole").strip() == "whole"
