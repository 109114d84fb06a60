# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The races' form (KVMFLEET_RACES=short or all), their seed, what the ledger is in, and the figures at the end."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import random
import typing as t

import pytest
from integration import conftest as of_integration
from store import postgres

testbed = of_integration.testbed
IS_LONG = os.environ.get("KVMFLEET_RACES", "short") == "all"
SEED = os.environ.get("KVMFLEET_RACES_SEED") or str(random.SystemRandom().randrange(10**6))
ROUNDS = [("sqlite", number) for number in range(10 if IS_LONG else 2)] + [("postgresql", number) for number in range(10 if IS_LONG else 1)]
FIGURES = pytest.StashKey[list[dict[str, t.Any]]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[FIGURES] = []


def pytest_report_header(config: pytest.Config) -> str:
    return f"races: {len(ROUNDS)} rounds, KVMFLEET_RACES_SEED={SEED}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.write_line(json.dumps({"seed": int(SEED), "rounds": config.stash[FIGURES]}))


@pytest.fixture(scope="session")
def registrar(request: pytest.FixtureRequest, testbed: None, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[dict[str, t.Any]]:
    """The role's variables for the ledger's store, and hosts that were never enrolled: the first round's runs do it."""
    fleet = of_integration.Fleet(tmp_path_factory.mktemp("fleet"))
    with contextlib.ExitStack() as ending:
        variables = {"compute_registrar_dsn": ending.enter_context(postgres.server()).dsn} if request.param == "postgresql" else {}
        fleet.wipe()
        yield variables
        fleet.wipe()


@pytest.fixture
def fleet(registrar: dict[str, t.Any], tmp_path: pathlib.Path) -> t.Iterator[of_integration.Fleet]:
    """Without servers; from the second round on with a registrar."""
    made = of_integration.Fleet(tmp_path)
    yield made
    made.remove_servers()
