# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several controllers that change the members of one security group at the same time, and news that come late."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from .at_once import at_once
from .conftest import ROOT, Fleet, server

GROUPS = {"web": {"rules": [{"direction": "ingress", "ethertype": "IPv4", "protocol": "icmp", "remote_group": "web"}]}}
VARIABLES: dict[str, t.Any] = {"compute_security_groups": GROUPS}
WHERE = {"first": "az1:h1", "second": "az2:h2", "third": "az1:h3"}
KEPT = "/var/lib/kvmfleet/security_groups.json"


def asked(name: str, zone: str) -> dict[str, t.Any]:
    return server(name, availability_zone=zone, security_groups=[{"name": "web"}])


def members(fleet: Fleet) -> dict[str, set[str]]:
    """Whom each host's rules let in, by the kernel's sets."""
    return {
        name: {entry.split(",")[0] for of, entries in host.ip_sets().items() if of.endswith(("-ia", "-ip")) for entry in entries}
        for name, host in fleet.hosts.items()
    }


@pytest.mark.campaign
def test_every_host_knows_all_members_whoever_came_first_and_believes_no_older_news(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    stays = fleet.create(asked("stays", "az1:h1"), **VARIABLES)
    assert stays.code == 0, stays.output
    created = at_once(tmp_path / "create", "kvmfleet.compute.create_server", [{"compute_servers": [asked(*item)], **VARIABLES} for item in WHERE.items()])
    assert [play.code for play in created] == [0, 0, 0], "\n".join(play.output for play in created)
    made = [stays.server("stays"), *(play.server(name) for play, name in zip(created, WHERE, strict=True))]
    address = {server["name"]: t.cast(str, server["addresses"]["lan"][0]["addr"]) for server in made}
    everybody = set(address.values())
    assert members(fleet) == dict.fromkeys(fleet.hosts, everybody)

    # What the second host is said to have said: before its last word, which counts; the same word again; and a later one.
    kept = json.loads(fleet.hosts["h1"].run("cat", KEPT))["wanted"]
    ((group, said),) = kept.items()
    number, addresses = said["h2"]
    assert addresses == [f"{address['second']}/32"] or addresses == [address["second"]], said
    for later, expected in ((-1, everybody), (0, everybody), (1, everybody - {address["second"]})):
        reports = [{"host": "h2", "number": number + later, "groups": {group: []}}]
        told = fleet.play(str(ROOT / "tests/integration/tell_members.yml"), {"reports": reports})
        assert told.code == 0, told.output
        assert members(fleet)["h1"] == expected, later
    # A host itself is believed again.
    mended = fleet.play("kvmfleet.compute.security_groups", VARIABLES)
    assert mended.code == 0 and members(fleet)["h1"] == everybody, mended.output

    deleted = at_once(tmp_path / "delete", "kvmfleet.compute.delete_server", [{"compute_delete_names": [name]} for name in WHERE])
    assert [play.code for play in deleted] == [0, 0, 0], "\n".join(play.output for play in deleted)
    assert members(fleet) == {"h1": {address["stays"]}, "h2": set(), "h3": set()}


def with_port(port: int) -> dict[str, t.Any]:
    rule = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_range_min": port, "port_range_max": port, "remote_ip_prefix": "192.0.2.0/24"}
    return {"compute_security_groups": {"web": {"rules": [rule]}}}


def ports(fleet: Fleet) -> list[set[str]]:
    """What the rules of each host let in, by the kernel's sets."""
    return [{entry for name, entries in host.ip_sets().items() if name.endswith("-ip") for entry in entries} for host in fleet.hosts.values()]


def let_in(port: int) -> set[str]:
    return {f"192.0.2.0/24,tcp:{port}"}


@pytest.mark.campaign
def test_every_host_keeps_the_rules_of_the_same_run(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    made = fleet.create(*(asked(*item) for item in WHERE.items()), **with_port(1000))
    assert made.code == 0 and ports(fleet) == [let_in(1000)] * 3, made.output
    for number in range(1, 4):
        edits = (1000 + number, 2000 + number)
        plays = at_once(tmp_path / str(number), "kvmfleet.compute.security_groups", [with_port(port) for port in edits])
        found = ports(fleet)
        assert found in [[let_in(port)] * 3 for port in edits], found
        won = edits.index(next(port for port in edits if found[0] == let_in(port)))
        assert plays[won].code == 0, plays[won].output
        late = plays[1 - won]
        # It was first on every host, or it is told where it was not.
        assert late.code == 0 or "security group web keeps the rules that another run has brought meanwhile" in late.told(), late.output
        # Who edits after both is later than both.
        after = fleet.play("kvmfleet.compute.security_groups", with_port(edits[1 - won]))
        assert after.code == 0 and ports(fleet) == [let_in(edits[1 - won])] * 3, after.output
    both = [with_port(port)["compute_security_groups"] for port in (3001, 3002)]
    told = fleet.play(str(ROOT / "tests/integration/tell_rules.yml"), {"both": both})
    assert told.code == 0 and ports(fleet) in [[let_in(port)] * 3 for port in (3001, 3002)], (ports(fleet), told.output)
    older = fleet.create(*(asked(*item) for item in WHERE.items()), **with_port(1))
    assert (older.code, older.changed()) == (0, 0), older.output
    assert "security group web has other rules on h1, h2, h3 than in the catalogue of this run" in older.told(), older.output
