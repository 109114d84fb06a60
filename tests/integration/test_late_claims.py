# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that wakes up when what it had reserved has run out: the host refuses its claims."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import subprocess
import typing as t

from .conftest import TESTBED, Fleet, server

HERE = pathlib.Path(__file__).parent
# Longer than a claim takes to come to a host, even on a busy machine; and then longer than that.
GRANTED_S, HELD_S = 15, 20


@contextlib.contextmanager
def claims_held_up(fleet: Fleet) -> t.Iterator[None]:
    """Every host's lock of claims is held by another process for longer than anything is granted."""
    holding = [
        subprocess.Popen(
            [str(TESTBED / "exec"), name, "sh", "-c", f"exec 9>>/var/lib/kvmfleet/locks/host; flock 9; echo held; sleep {HELD_S}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in fleet.hosts
    ]
    for holder in holding:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
    yield
    for holder in holding:
        holder.communicate()


def test_a_claim_that_comes_too_late_is_refused_and_reserved_again_for_the_next_host(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    assert fleet.create(server("first")).code == 0
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    variables = {"compute_servers": [server("late")], "compute_reservation_timeout_s": GRANTED_S, "gate": str(gate)}
    argv, environment = fleet.command(str(HERE / "late_claim.yml"), variables)
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        # Opened when the run opens its end: the hosts are read, which takes their locks too.
        opened = os.open(gate, os.O_WRONLY)
        with claims_held_up(fleet):
            os.close(opened)
            assert process.stdout is not None
            output = process.stdout.read()
        assert process.wait() == 0, output
    (made,) = json.loads((tmp_path / "result.json").read_text())["servers"]
    (attempt,) = made["attempts"]
    assert (attempt["stage"], "claimed too late" in attempt["error"]) == ("claim", True), made
    assert made["host"] != attempt["host"]
    assert fleet.where("late") == [made["host"]]
