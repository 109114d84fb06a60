# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A call that hangs costs its caller a limited time, and nobody else more than that."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils import watchdog
from ansible_collections.kvmfleet.compute.plugins.module_utils.watchdog import NoAnswer, Watchdog

LONG_S = 3600.0


def fail() -> None:
    raise KeyError("x")


def test_what_a_call_returns_or_raises_is_its_callers() -> None:
    calls = Watchdog()
    assert calls.call(lambda: [1], LONG_S, "late") == [1]
    with pytest.raises(KeyError, match="x"):
        calls.call(fail, LONG_S, "late")
    assert calls.gave_up is None


def test_one_caller_needs_one_thread() -> None:
    calls = Watchdog()
    assert len({calls.call(threading.get_ident, LONG_S, "late") for _number in range(20)}) == 1


def test_a_call_whose_time_is_over_was_begun_and_the_next_one_is_not() -> None:
    calls, end = Watchdog(), threading.Event()
    with pytest.raises(NoAnswer, match="late") as first:
        calls.call(end.wait, 0.01, "late")
    with pytest.raises(NoAnswer, match="late") as second:
        calls.call(fail, LONG_S, "later")
    end.set()
    assert (first.value.begun, second.value.begun) == (True, False)


def test_who_says_that_more_time_is_needed_waits_so_long_and_no_longer() -> None:
    end = threading.Event()

    asked = iter([0.01, 0.01, LONG_S])

    def longer() -> float:
        more_s = next(asked)
        if more_s == LONG_S:
            end.set()
        return more_s

    assert Watchdog().call(end.wait, 0.01, "late", longer)
    never, at_last = threading.Event(), iter([0.01, 0.0])
    with pytest.raises(NoAnswer, match="late"):
        Watchdog().call(never.wait, 0.01, "late", lambda: next(at_last))
    never.set()


def test_the_first_whose_time_is_over_ends_the_wait_of_all() -> None:
    calls, end = Watchdog(), threading.Event()
    together = threading.Barrier(31)
    errors: list[NoAnswer] = []

    def hang() -> None:
        together.wait()
        end.wait()

    def wait(limit_s: float) -> None:
        with pytest.raises(NoAnswer) as caught:
            calls.call(hang, limit_s, "late")
        errors.append(caught.value)

    threads = [threading.Thread(target=wait, args=(LONG_S,), daemon=True) for _number in range(30)]
    for thread in threads:
        thread.start()
    together.wait()
    with pytest.raises(NoAnswer):
        calls.call(end.wait, 0.01, "late")
    end.set()
    for thread in threads:
        thread.join()
    assert [(str(error), error.begun) for error in errors] == [("late", True)] * 30


def test_a_call_that_hangs_does_not_keep_the_process() -> None:
    code = (
        "import threading\n"
        "from ansible_collections.kvmfleet.compute.plugins.module_utils.watchdog import NoAnswer, Watchdog\n"
        "try:\n    Watchdog().call(threading.Event().wait, 0.01, 'late')\nexcept NoAnswer as error:\n    print(error)\n"
    )
    above = os.path.abspath(os.path.join(os.path.dirname(watchdog.__file__), *[os.pardir] * 5))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PYTHONPATH": above})
    assert (done.stdout, done.stderr, done.returncode) == ("late\n", "", 0)
