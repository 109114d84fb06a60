# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of a playbook at once, each by a controller of its own."""

from __future__ import annotations

import json
import pathlib
import subprocess
import typing as t

from .conftest import STATE, Fleet, Play

MOST_S = 1500


def at_once(folder: pathlib.Path, playbook: str, asked: list[dict[str, t.Any]]) -> list[Play]:
    """What runs with these variables leave that are begun at the same time."""
    processes = []
    for number, variables in enumerate(asked):
        own = folder / f"run-{number}"
        own.mkdir(parents=True)
        argv, environment = Fleet(own).command(playbook, variables)
        # Its own connections, as another machine has them.
        environment["ANSIBLE_SSH_CONTROL_PATH_DIR"] = str(STATE / "cp" / str(number))
        output = (own / "output.txt").open("w")
        processes.append((own, output, subprocess.Popen(argv, env=environment, stdout=output, stderr=subprocess.STDOUT)))
    plays = []
    for own, output, process in processes:
        code = process.wait(MOST_S)
        output.close()
        result = own / "result.json"
        plays.append(Play(code, (own / "output.txt").read_text(), json.loads(result.read_text()) if result.exists() else {"servers": []}))
    return plays
