# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The campaign's form (KVMFLEET_FAULTS=short or all), its seed, a hypervisor for each worker, and the count at the end."""

from __future__ import annotations

import collections
import os
import random
import typing as t

import pytest
from integration import conftest as of_integration

from .hypervisor import Hypervisor
from .images import Images
from .neighbour import Neighbour
from .points import Points
from .table import FAULTS, Case, cases, steps

testbed, fleet = of_integration.testbed, of_integration.fleet
IS_LONG = os.environ.get("KVMFLEET_FAULTS", "short") == "all"


def pytest_configure(config: pytest.Config) -> None:
    """One seed for all workers, printed."""
    seed = os.environ.setdefault("KVMFLEET_FAULTS_SEED", str(random.SystemRandom().randrange(10**6)))
    config.stash[SEED] = int(seed)


SEED = pytest.StashKey[int]()


def pytest_report_header(config: pytest.Config) -> str:
    return f"fault campaign: {'every step with every fault' if IS_LONG else 'every step with one fault'}, KVMFLEET_FAULTS_SEED={config.stash[SEED]}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """The long form has a test for every step with every fault. The short one has one for every step, with the faults in turn: the first that can be."""
    if "faults" not in metafunc.fixturenames:
        return
    if IS_LONG:
        metafunc.parametrize("faults", [[case] for case in cases()], ids=[str(case) for case in cases()])
        return
    seed, turned = metafunc.config.stash[SEED], []
    for number, step in enumerate(steps()):
        turned.append([Case(*step, FAULTS[(seed + number + more) % len(FAULTS)]) for more in range(len(FAULTS))])
    metafunc.parametrize("faults", turned, ids=[".".join(faults[0][:3]) for faults in turned])


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In a campaign of an hour a violation is said when it is found."""
    if report.failed and IS_LONG:
        print(f"\n{report.nodeid}\n" + "\n".join(line for line in report.longreprtext.splitlines() if line.startswith("E ")), flush=True)


@pytest.fixture
def draw(request: pytest.FixtureRequest) -> random.Random:
    """Chance that the seed and the test's name decide."""
    return random.Random(f"{request.config.stash[SEED]} {request.node.name}")


@pytest.fixture(scope="session")
def hypervisor(testbed: None, worker_id: str) -> t.Iterator[Hypervisor]:
    """The hypervisor of this worker, empty, and emptied again afterwards."""
    made = Hypervisor(f"h{int(worker_id.removeprefix('gw') or 0) + 1}" if worker_id != "master" else "h1")
    made.prepare()
    yield made
    made.wipe()
    made.end()


@pytest.fixture(scope="session")
def images(hypervisor: Hypervisor) -> Images:
    """The images of the campaign, two of them in the hypervisor's cache."""
    return Images(hypervisor)


@pytest.fixture(scope="session")
def points(hypervisor: Hypervisor, images: Images) -> Points:
    """At which points of a step a fault may strike."""
    return Points(hypervisor, images)


@pytest.fixture(scope="session")
def neighbour(hypervisor: Hypervisor, images: Images) -> Neighbour:
    """A guest that has written to its disk, and that no fault of another server may touch."""
    return Neighbour(hypervisor, images.micro)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Steps × faults, how many met each other, where none could be, and what was found."""
    met = {outcome: terminalreporter.getreports(outcome) for outcome in ("passed", "failed", "error", "skipped")}
    of_steps = {outcome: [report for report in reports if "test_steps" in report.nodeid] for outcome, reports in met.items()}
    points = sum(int(str(count)) for report in of_steps["passed"] for name, count in report.user_properties if name == "points")
    rules = collections.Counter(str(report.longrepr[2]).removeprefix("Skipped: ") for report in of_steps["skipped"] if isinstance(report.longrepr, tuple))
    violations = len(of_steps["failed"] + of_steps["error"])
    say = terminalreporter.write_line
    say(f"{len(steps())} steps × {len(FAULTS)} faults, seed {config.stash[SEED]}: {len(of_steps['passed'])} cases held at {points} points")
    say(f"{violations} violations")
    for rule, count in sorted(rules.items()):
        say(f"{count} cases cannot be: {rule}")
