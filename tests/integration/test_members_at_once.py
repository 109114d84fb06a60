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
