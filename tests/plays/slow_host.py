# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose module does as it is told, and goes on when the test says so."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t

UUID = "6f70656e-7374-6163-6b20-342065766572"
# What a build of the server does, as far as it can be seen from outside, in two parts.
BEGIN = f"touch locks/{UUID} journal/{UUID}; mkdir instances/{UUID}; wait_for 1\n"
START = f"touch instances/{UUID}/console.log; rm journal/{UUID}; wait_for 2\n"
OUTCOME = {"uuid": UUID, "display_name": "web", "outcome": "built", "stage": "build", "changed": True, "error": None, "seconds": {}}
SERVER_ANSWER = {"changed": True, "servers": [OUTCOME]}


def host(folder: pathlib.Path, name: str, work: str, answer: object) -> dict[str, t.Any]:
    """The variables of a host whose module does this work for a shell, in a folder of the host's, waits until it may go on, and answers."""
    own = folder / name
    for path in (own / "journal", own / "locks", own / "instances", own / ".partial"):
        path.mkdir(parents=True)
    for number in (1, 2):
        os.mkfifo(own / f"go.{number}")
    script = own / "interpreter"
    script.write_text(f"#!/bin/sh\nwait_for() {{ timeout 100 cat {own}/go.$1 >/dev/null; }}\ncd {own}\n{work}\ncat <<'END'\n{json.dumps(answer)}\nEND\n")
    script.chmod(0o755)
    return {"ansible_connection": "local", "ansible_python_interpreter": str(script), "state": str(own)}


def go_on(folder: pathlib.Path, name: str, number: int = 1) -> None:
    """The host's module goes on, from where it waits for the first or the second time."""
    os.close(os.open(folder / name / f"go.{number}", os.O_WRONLY))


def server_task(**changes: t.Any) -> dict[str, t.Any]:
    """A task that builds the server."""
    paths = {"state_path": "{{ state }}", "instances_path": "{{ state }}/instances"}
    return {"kvmfleet.compute.server": {"servers": [{"uuid": UUID, "display_name": "web"}], **paths, **changes}, "register": "found"}
