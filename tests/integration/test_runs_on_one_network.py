# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Eight controllers that create, and then delete, servers on one VXLAN network at the same time."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from .at_once import at_once
from .conftest import NET4, Fleet, server, ssh
from .host_networks import differences, of_host
from .test_nothing_left import have_filtered
from .test_vxlan import NETWORKS, TUNNELS, flooded, links

RUNS = 8
ZONES = ("az1:h1", "az2:h2", "az1:h3")
TUNNEL_ENDS = {f"h{number}": f"{NET4}.0.{10 + number}" for number in (1, 2, 3)}
FIVE = "kvmfleet:vxlan 5"
VARIABLES: dict[str, t.Any] = {"compute_networks": {name: NETWORKS[name] for name in ("lan", "five")}, **TUNNELS}
# The controller reaches the first one, which reaches the others.
FIRST, FIRST_ADDRESS = "race-0", f"{NET4}.9.30"


def asked(number: int) -> dict[str, t.Any]:
    way_in = [{"name": "lan", "fixed_ip": FIRST_ADDRESS}] if number == 0 else []
    return server(f"race-{number}", availability_zone=ZONES[number % len(ZONES)], networks=[*way_in, {"name": "five"}])


@pytest.mark.campaign
def test_the_network_is_whole_with_the_last_of_them_and_gone_with_the_last(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    for host in fleet.hosts.values():
        have_filtered(host)
    before = {name: of_host(host) for name, host in fleet.hosts.items()}
    requests = [asked(number) for number in range(RUNS)]
    created = at_once(tmp_path / "create", "kvmfleet.compute.create_server", [{"compute_servers": [request], **VARIABLES} for request in requests])
    assert [play.code for play in created] == [0] * RUNS, "\n".join(play.output[-3000:] for play in created if play.code)
    made = {request["name"]: play.server(request["name"]) for request, play in zip(requests, created, strict=True)}
    for name, host in fleet.hosts.items():
        assert host.domains() == {server["domain"] for server in made.values() if server["host"] == name}
        # One link and one bridge, and the other two hosts are sent what is for everybody.
        assert sorted(link.kind for link in links(host) if link.alias == FIVE) == ["bridge", "vxlan"]
        assert flooded(host, FIVE) == {address for other, address in TUNNEL_ENDS.items() if other != name}
    addresses = {t.cast(str, server["addresses"]["five"][0]["addr"]) for server in made.values()}
    assert len(addresses) == RUNS
    login = fleet.create(requests[0], compute_wait_for="ssh", compute_wait_timeout_s=500, **VARIABLES)
    assert (login.code, login.changed()) == (0, 0), login.output
    waiting = "; ".join(f"until busybox ping -c 1 -W 2 {address} > /dev/null; do :; done; echo {address}" for address in sorted(addresses))
    assert set(ssh(FIRST_ADDRESS, waiting).split()) == addresses
    gone = at_once(tmp_path / "delete", "kvmfleet.compute.delete_server", [{"compute_delete_names": [name], **VARIABLES} for name in made])
    assert [play.code for play in gone] == [0] * RUNS, "\n".join(play.output[-3000:] for play in gone if play.code)
    assert differences(before, {name: of_host(host) for name, host in fleet.hosts.items()}) == []
