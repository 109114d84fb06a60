# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs that lose their controller, or the connection to a host, at each step; the next run puts it right, and nothing is there twice."""

from __future__ import annotations

import os
import pathlib
import random
import shutil
import signal
import subprocess
import time
import typing as t

import pytest
from integration.conftest import STATE, Fleet, server

from .conftest import IS_LONG, SEED
from .table import steps

HERE = pathlib.Path(__file__).resolve().parent
HALT = "/run/kvmfleet-halt"
CODE = STATE / "halting"
FAULTS = ("controller_killed", "ssh_cut")
# The image of a run is in the caches after the first one: fetch and publication meet their faults by module calls. So do take-overs and adoptions.
PLAYED = [(transition, step) for transition, phase, step in steps() if transition in ("claim", "build", "start", "delete") and phase != "adopting"]
HALT_S = 180.0  # the longest way to a step


class Halt:
    """The step before which the first module that comes to it halts, on whatever hypervisor."""

    def __init__(self, fleet: Fleet, step: str) -> None:
        self._fleet = fleet
        self._step = step
        for host in fleet.hosts.values():
            host.run("sh", "-c", f"rm -rf {HALT}; mkdir {HALT}; mkfifo {HALT}/go; echo {step} > {HALT}/step")

    def reached_on(self, process: subprocess.Popen[str]) -> str:
        """The hypervisor on which a module of this run has come to the step."""
        deadline = time.monotonic() + HALT_S
        while True:
            for name, host in self._fleet.hosts.items():
                if host.run("sh", "-c", f"test ! -e {HALT}/reached || echo yes"):
                    return name
            assert process.poll() is None, f"the run ended before {self._step}: {process.communicate()[0][-2000:]}"
            assert time.monotonic() < deadline, f"no module came to {self._step}"
            time.sleep(0.1)

    def go_on(self, host: str) -> None:
        """Let the module go on, and wait until it has ended."""
        self._fleet.hosts[host].run("sh", "-c", f"echo > {HALT}/go; pid=$(cat {HALT}/reached); while [ -e /proc/$pid ]; do sleep 0.1; done")

    def forget(self) -> None:
        """Nothing halts any more."""
        for host in self._fleet.hosts.values():
            host.run("rm", "-rf", HALT)


@pytest.fixture
def interpreter() -> str:
    """A Python of the hypervisors that halts where it is told to."""
    CODE.mkdir(exist_ok=True)
    shutil.copy(HERE / "halting" / "usercustomize.py", CODE)
    program = CODE / "python3"
    program.write_text(f'#!/bin/sh\nPYTHONDONTWRITEBYTECODE=1 PYTHONPATH={CODE}:$PYTHONPATH exec /usr/bin/python3 "$@"\n')
    program.chmod(0o755)
    return str(program)


def begun(fleet: Fleet, playbook: str, interpreter: str, **variables: t.Any) -> subprocess.Popen[str]:
    """A run under way, in a session of its own."""
    argv, environment = fleet.command(playbook, {**variables, "ansible_python_interpreter": interpreter})
    return subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def prepare(fleet: Fleet, transition: str) -> None:
    """A server where the transition needs one; for a start it is off."""
    if transition in ("start", "delete"):
        made = fleet.create(server("web"))
        assert made.code == 0, made.output
        if transition == "start":
            found = made.server("web")
            fleet.hosts[found["host"]].run("virsh", "-q", "destroy", found["domain"])


def meets(fleet: Fleet, fault: str, halt: Halt, process: subprocess.Popen[str]) -> str:
    """The run meets its fault at the step, and the module there goes on to its end; the hypervisor's name."""
    host = halt.reached_on(process)
    if fault == "controller_killed":
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    else:
        fleet.testbed("cut", host)
        try:
            output = process.communicate(timeout=HALT_S)[0]
            assert process.returncode != 0, output
            assert "Traceback" not in output, output
            assert f"{host} was lost" in output or "unreachable" in output.lower(), output
        finally:
            fleet.testbed("heal", host)
    halt.go_on(host)
    halt.forget()
    return host


def choice(config: pytest.Config) -> list[tuple[str, str, str]]:
    """(transition, step, fault): all, or one step for each fault."""
    whole = [(transition, step, fault) for fault in FAULTS for transition, step in PLAYED]
    if IS_LONG:
        return whole
    draw = random.Random(config.stash[SEED])
    return [(*draw.choice(PLAYED), fault) for fault in FAULTS]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "meeting" in metafunc.fixturenames:
        found = choice(metafunc.config)
        metafunc.parametrize("meeting", found, ids=[f"{transition}.{step}-{fault}" for transition, step, fault in found])


def test_a_run_that_is_cut_off_at_a_step_is_put_right_by_the_next(fleet: Fleet, interpreter: str, meeting: tuple[str, str, str]) -> None:
    transition, step, fault = meeting
    prepare(fleet, transition)
    halt = Halt(fleet, f"{transition}.{step}")
    if transition == "delete":
        process = begun(fleet, "kvmfleet.compute.delete_server", interpreter, compute_delete_names=["web"])
    else:
        process = begun(fleet, "kvmfleet.compute.create_server", interpreter, compute_servers=[server("web")])
    host = meets(fleet, fault, halt, process)
    assert fleet.where("web-") in ([], [host])
    if transition != "delete":
        again = fleet.create(server("web"))
        assert again.code == 0, again.output
        assert again.server("web")["state"] == "ACTIVE"
        assert len(fleet.where("web-")) == 1
    # The run that was cut off may have deleted it.
    gone = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["web"], "compute_delete_missing": "ignore"})
    assert gone.code == 0, gone.output
    assert fleet.where("web-") == []
    assert all(found.folders() == set() for found in fleet.hosts.values())


def test_a_full_file_system_fails_a_build_that_leaves_nothing(fleet: Fleet) -> None:
    there = {"availability_zone": "az1:h1"}
    assert fleet.create(server("first", **there)).code == 0, "the image is not in the cache"
    host = fleet.hosts["h1"]
    before = (host.folders(), host.domains("--all"))
    fleet.testbed("fill", "h1")
    try:
        play = fleet.create(server("web", **there))
        assert play.code == 2, play.output
        assert "No space left" in play.server("web")["error"]["message"]
        assert (host.folders(), host.domains("--all")) == before
    finally:
        fleet.testbed("drain", "h1")
    assert fleet.create(server("web", **there)).server("web")["state"] == "ACTIVE"
