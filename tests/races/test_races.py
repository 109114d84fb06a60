# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs at once, over and over: what must be unique or counted over the fleet is, whoever is killed meanwhile."""

from __future__ import annotations

import pathlib
import random
import time
import typing as t

import pytest
from integration.conftest import Fleet, Play

from .conftest import FIGURES, IS_LONG, ROUNDS, SEED
from .runs import MOST_PER_HOST, SERVERS_OF_RUN, Moment, at_once, quotas, requests
from .there import There, servers, violations

RUNS = 8 if IS_LONG else 4
CLAIM_S = 20
SLACK_S = 10  # what the registrar waits longer, in case that its clock is set
TASKS = 18  # of a run, about


class Races:
    """One round on an empty fleet."""

    def __init__(self, fleet: Fleet, folder: pathlib.Path, registrar: dict[str, t.Any]) -> None:
        self._fleet = fleet
        self._folder = folder
        self._registrar = registrar
        self.seconds: list[float] = []

    def run(
        self, name: str, asked: list[list[dict[str, t.Any]]], quota: int, moments: dict[int, Moment] | None = None, **variables: t.Any
    ) -> tuple[list[Play], list[There]]:
        """What runs at once have left, and what is on the hosts then: nothing that may not be."""
        begun = time.monotonic()
        plays = at_once(self._folder / name, asked, {**self._registrar, "compute_quotas": quotas(quota), **variables}, moments or {})
        self.seconds.append(round(time.monotonic() - begun, 1))
        for host in self._fleet.hosts.values():
            host.wait_for_modules()
        there = servers(self._fleet)
        found = violations(there, quota, MOST_PER_HOST)
        assert not found, "\n".join(found)
        return plays, there


@pytest.fixture
def races(fleet: Fleet, tmp_path: pathlib.Path, registrar: dict[str, t.Any]) -> Races:
    return Races(fleet, tmp_path, registrar)


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> list[dict[str, t.Any]]:
    return request.config.stash[FIGURES]


def of_kind(is_killing: bool) -> t.Any:
    """Every second round has runs that are killed."""
    return pytest.mark.parametrize(("registrar", "number"), [(store, number) for store, number in ROUNDS if number % 2 == is_killing], indirect=["registrar"])


@of_kind(is_killing=False)
def test_all_get_what_fits_and_nobody_gets_anything_twice(races: Races, number: int, figures: list[dict[str, t.Any]], request: pytest.FixtureRequest) -> None:
    draw = random.Random(f"{SEED} {number}")
    every = RUNS * SERVERS_OF_RUN
    plays, there = races.run("at-once", [requests(run, draw) for run in range(RUNS)], every - 1)
    outcomes = {server["name"]: server["state"] for play in plays for server in play.result["servers"]}
    refused = sorted(name for name, state in outcomes.items() if state != "ACTIVE")
    figures.append({"test": request.node.name, "runs": RUNS, "there": len(there), "refused": refused, "seconds": races.seconds})
    late = [play for play in plays if not play.result["servers"]]
    if late:
        # It came so late that its facts showed that not all of its servers fit: that is the api's to refuse, all of them.
        assert all("TooManyInstances" in play.output for play in late)
        assert (len(late), refused) == (1, [])
        assert len(there) == every - SERVERS_OF_RUN
        return
    assert len(refused) == 1, [play.output[-3000:] for play in plays if play.code]
    assert sorted(server.name.rpartition("/")[2] for server in there) == sorted(outcomes.keys() - set(refused))


@of_kind(is_killing=True)
def test_whoever_is_killed_leaves_nothing_twice_and_nothing_for_ever(
    races: Races, number: int, figures: list[dict[str, t.Any]], request: pytest.FixtureRequest
) -> None:
    draw = random.Random(f"{SEED} {number}")
    asked = [requests(run, draw) for run in range(RUNS - 1)]
    # The last run is the first one, started twice.
    asked.append(asked[0])
    every = (RUNS - 1) * SERVERS_OF_RUN
    killed = draw.sample(range(RUNS), draw.randint(1, RUNS - 1))
    moments = {run: Moment(draw.randint(1, TASKS), draw.uniform(0, 2)) for run in killed}
    plays, there = races.run("killed", asked, every - 1, moments, compute_reservation_timeout_s=CLAIM_S)
    left = len(there)
    # Only the clock ends a dead run's reservations.
    time.sleep(CLAIM_S + SLACK_S + 1)
    again, there = races.run("again", asked, every)
    figures.append(
        {
            "test": request.node.name,
            "runs": RUNS,
            "killed": sum(play.code < 0 for play in plays),
            "there_then": left,
            "there": len(there),
            "seconds": races.seconds,
        }
    )
    wanted = sorted({server["name"] for servers_of_run in asked for server in servers_of_run})
    assert sorted(server.name.rpartition("/")[2] for server in there) == wanted, [play.output[-3000:] for play in again if play.code]
    assert [str(server) for server in there if not server.is_running] == []
