# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of create_server at once, each by a controller of its own, and killed at a moment of theirs."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import random
import signal
import subprocess
import threading
import typing as t

from integration.conftest import STATE, Fleet, Play, server

GROUP = "races"
MOST_PER_HOST = 3
SERVERS_OF_RUN = 3
CATALOGUE = {"compute_server_groups": {GROUP: {"policy": "anti-affinity", "rules": {"max_server_per_host": MOST_PER_HOST}}}}


class Moment(t.NamedTuple):
    """When a run is killed: so many seconds after its task of this number has begun."""

    task: int
    seconds: float


def requests(number: int, draw: random.Random) -> list[dict[str, t.Any]]:
    """Three dual-stack servers of a run, one of them in the group of all runs, the others in any zone: runs that place alike meet on hosts already."""
    grouped = server(f"race-{number}-group", networks=[{"name": "dual"}], scheduler_hints={"group": GROUP})
    others = [
        server(f"race-{number}-{index}", networks=[{"name": "dual"}], availability_zone=draw.choice(["az1", "az2"])) for index in range(SERVERS_OF_RUN - 1)
    ]
    made = [grouped, *others]
    draw.shuffle(made)
    return made


def quotas(instances: int) -> dict[str, int]:
    return {"instances": instances, **dict.fromkeys(("cores", "ram", "ports", "server_groups", "server_group_members"), -1)}


class Run:
    """A process of ansible-playbook under way."""

    def __init__(self, folder: pathlib.Path, number: int, variables: dict[str, t.Any], moment: Moment | None) -> None:
        self._folder = folder / f"run-{number}"
        self._folder.mkdir(parents=True)
        argv, environment = Fleet(self._folder).command("kvmfleet.compute.create_server", {**CATALOGUE, **variables})
        # Its own connections, as another machine has them.
        environment["ANSIBLE_SSH_CONTROL_PATH_DIR"] = str(STATE / "cp" / str(number))
        self._process = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self._lines: list[str] = []
        self._moment = moment
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        """A task's header comes when it begins."""
        assert self._process.stdout
        begun = 0
        for line in self._process.stdout:
            self._lines.append(line)
            begun += line.startswith("TASK [")
            if self._moment and begun == self._moment.task:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(self._moment.seconds)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> Play:
        """What it left; the code is negative if it was killed."""
        self._process.wait()
        self._reader.join()
        output, result = "".join(self._lines), self._folder / "result.json"
        # Pytest keeps it for who looks into a violation.
        (self._folder / "output.txt").write_text(output)
        return Play(self._process.returncode, output, json.loads(result.read_text()) if result.exists() else {"servers": []})


def at_once(folder: pathlib.Path, asked: list[list[dict[str, t.Any]]], variables: dict[str, t.Any], moments: dict[int, Moment]) -> list[Play]:
    """A run for each list of requests, all at the same time; those with a moment are killed at it."""
    runs = [Run(folder, number, {**variables, "compute_servers": servers}, moments.get(number)) for number, servers in enumerate(asked)]
    return [run.end() for run in runs]
