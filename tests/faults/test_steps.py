# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every step meets its faults; after each, and after the next run, the host itself is asked."""

from __future__ import annotations

import random
import typing as t

import pytest

from .conftest import IS_LONG
from .hypervisor import Answer, Census, Hypervisor
from .neighbour import Neighbour
from .points import Point, Points
from .scenarios import Fault, Scenario
from .table import Case

MOST_POINTS = 4  # of a case in the long form


class Bench(t.NamedTuple):
    """What a case needs."""

    hypervisor: Hypervisor
    points: Points
    neighbour: Neighbour


@pytest.fixture
def bench(hypervisor: Hypervisor, points: Points, neighbour: Neighbour) -> Bench:
    return Bench(hypervisor, points, neighbour)


def check_words(answer: Answer) -> None:
    """Each outcome has an error if it needs one, and no traceback."""
    for outcome in (answer.result or {}).get("servers", []):
        error = outcome["error"] or {}
        assert "exception" not in error, error
        assert bool(error) == (outcome["outcome"] in ("refused", "failed", "unknown")), outcome
    for image in (answer.result or {}).get("images", []):
        assert "exception" not in (image["error"] or {}), image


def check_report(answer: Answer, scenario: Scenario, before: Census, after: Census) -> None:
    """What the call says is true. A call that was killed says nothing: then the conductor calls its servers unknown."""
    check_words(answer)
    for outcome in (answer.result or {}).get("servers", []):
        what, uuid = outcome["outcome"], outcome["uuid"]
        error = outcome["error"]
        domain = after.domains.get(uuid)
        if what in ("refused", "failed") and scenario.action == "build" and scenario.state != "absent":
            assert not after.beside(before), f"{what}, and yet there is {after.beside(before)}: {error}"
        elif what in ("refused", "failed"):
            assert domain is not None, f"{what}, and the server is gone: {error}"
        elif what in ("built", "started"):
            assert domain is not None and domain["power_state"] == "running", f"{what}, and the domain is {domain}"
        elif what == "claimed":
            assert domain is not None, "claimed, and there is no domain"
        elif what == "deleted":
            assert domain is None, f"deleted, and the domain is {domain}"


def meet(bench: Bench, case: Case, point: Point) -> None:
    """One step meets one fault at one point."""
    host, (kind, index) = bench.hypervisor, point
    scenario = bench.points.scenario(case)
    empty = host.census()
    scenario.prepare()
    step = f"{case.transition}.{case.step}"
    fault = {"step": step, "what": case.fault.what, "kind": kind, "index": index, "lasting": case.fault.lasting}
    if case.fault.name == "rebooted":
        reboot(bench, scenario, fault)
    elif case.fault.name == "controller_killed":
        leave_alone(scenario, fault)
    else:
        answer = scenario.call(fault)
        assert answer.struck, f"the call did not come to {kind} {index} of {step}: {answer.seen.get(step)}"
        check_report(answer, scenario, empty, host.census())
    scenario.check_written()
    scenario.heal()
    scenario.remove()
    left = host.census().beside(empty)
    assert not left, f"after the next run and a deletion there is still {left}"
    bench.neighbour.check_untouched()


def reboot(bench: Bench, scenario: Scenario, fault: Fault) -> None:
    """At this point the host loses power, and comes up again: nothing runs until a run starts it."""
    call = scenario.begin(fault)
    assert call.wait_until_reached() is None, "the call ended before its fault"
    bench.hypervisor.reboot()
    assert call.answer().result is None
    bench.neighbour.comes_back()


def leave_alone(scenario: Scenario, fault: Fault) -> None:
    """Nobody listens to the call any more, and it goes on; another run comes meanwhile."""
    call = scenario.begin(fault)
    assert call.wait_until_reached() is None, "the call ended before its fault"
    other = scenario.another_run()
    if scenario.holds_the_host:
        call.go_on()  # whoever comes waits for it
    for answer in other:
        check_words(answer)
    if not scenario.holds_the_host:
        call.go_on()
    call.answer()


def test_a_step_holds(bench: Bench, faults: list[Case], draw: random.Random, record_property: t.Callable[[str, object], None]) -> None:
    rules = [(case, bench.points.senseless(case)) for case in faults]
    case = next((case for case, rule in rules if rule is None), None)
    if case is None:
        pytest.skip(str(rules[0][1]))
    points = bench.points.some(case, MOST_POINTS if IS_LONG else 1, draw)
    record_property("points", len(points))
    for point in points:
        try:
            meet(bench, case, point)
        except BaseException as error:
            bench.hypervisor.census(kept=[bench.neighbour.uuid])
            error.add_note(f"{case} at {point}")
            raise


def test_the_neighbour_reads_what_it_wrote(neighbour: Neighbour) -> None:
    neighbour.check_reads()
