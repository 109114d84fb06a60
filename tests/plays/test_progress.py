# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines are shown while a module runs, on the standard error; asking never changes how it runs, nor how long."""

from __future__ import annotations

import json
import os
import pathlib
import select
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.plays import local_play, slow_host
from ansible_collections.kvmfleet.compute.tests.plays.slow_host import BEGIN, SERVER_ANSWER, START, UUID, host, server_task

DIGEST = "a" * 64
IMAGE_ROW = {"id": "i", "name": "debian-12", "needs_staging": False, "changed": True, "seconds": 9.0, "error": None}


def has_ended(pid: int) -> bool:
    """True if a process has ended, or does so soon: a signal takes its time on a busy machine."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 60)[0])
    finally:
        os.close(descriptor)


class Play:
    """A play over such hosts that goes on while its lines are read."""

    def __init__(self, folder: pathlib.Path, task: dict[str, t.Any], hosts: dict[str, dict[str, t.Any]], *arguments: str) -> None:
        self.folder = folder
        (folder / "inventory.yml").write_text(json.dumps({"all": {"hosts": hosts}}))
        told = {"ansible.builtin.debug": {"msg": "{{ 'the task was cut off' if found is failed else 'the task has ended' }}"}}
        (folder / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [task, told]}]))
        self._seen: list[str] = []
        self._process = local_play.begun(folder, "-i", "inventory.yml", "play.yml", *arguments)

    def line(self, words: str) -> str:
        """The next line of the standard error with these words; it fails if the play ends without one."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._seen.append(line)
            if words in line:
                return line.strip()
        raise AssertionError("".join(self._seen))

    def end(self) -> tuple[int, str, str]:
        """(exit code, standard output, standard error)"""
        out, errors = self._process.communicate(timeout=200)
        return self._process.returncode, out, "".join(self._seen) + errors


SILENT = [{"progress": "{{ 'no' if quiet else '' }}"}, {"no_log": "{{ quiet }}"}, {"check_mode": "{{ quiet }}"}]


@pytest.mark.parametrize("change", SILENT, ids=lambda change: next(iter(change)))
def test_servers_are_told_while_they_are_built_and_nothing_of_a_host_that_must_be_silent(tmp_path: pathlib.Path, change: dict[str, str]) -> None:
    hosts = {name: {**host(tmp_path, name, BEGIN + START, SERVER_ANSWER), "quiet": name == "h2"} for name in ("h1", "h2")}
    play = Play(tmp_path, server_task(**change) if "progress" in change else {**server_task(), **change}, hosts)
    # The module waits until its line is there.
    assert play.line("h1: ") == "h1: web: creating disks"
    slow_host.go_on(tmp_path, "h1")
    assert play.line("h1: ") == "h1: web: started"
    slow_host.go_on(tmp_path, "h1", 2)
    for number in (1, 2):
        slow_host.go_on(tmp_path, "h2", number)
    code, out, errors = play.end()
    assert code == 0, out + errors
    assert out.count("the task has ended") == 2
    assert "creating" not in out and "h2: " not in errors


def test_images_are_told_while_they_come(tmp_path: pathlib.Path) -> None:
    file = f".partial/sha256-{DIGEST}"
    grow = f"printf 1000000000 > {file}.lock; (while [ -e {file}.lock ]; do echo 1 >> {file}; sleep 0.1; done) & wait_for 1; rm {file}.lock\n"
    image = {"id": "i", "name": "debian-12", "source": "https://user:swordfish@example.org/d", "checksum": f"sha256:{DIGEST}"}
    task = {"kvmfleet.compute.image": {"images": [image], "cache_path": "{{ state }}"}, "register": "found"}
    play = Play(tmp_path, task, {"h1": host(tmp_path, "h1", grow, {"changed": True, "images": [IMAGE_ROW]})})
    line = play.line("h1: ")
    assert line.startswith("h1: image debian-12: 0 % of 1.0 GB, 0 kB/s, ") and line.endswith(" left")
    slow_host.go_on(tmp_path, "h1")
    code, out, errors = play.end()
    assert code == 0, out + errors
    assert "swordfish" not in line + errors


ASKED = 'case "$*" in *"folder %s"*)'


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("echo $$ > hung; echo > go.1; exec sleep 1000", id="never"),
        pytest.param("echo > go.1; exit 1", id="refused"),
        pytest.param(f"printf 'journal {UUID}\\000\\377\\n'; echo > go.1; kill -9 $$", id="rubbish"),
    ],
)
def test_a_host_that_does_not_answer_the_question_runs_its_module_all_the_same(tmp_path: pathlib.Path, answer: str) -> None:
    variables = host(tmp_path, "h1", BEGIN, SERVER_ANSWER)
    shell = tmp_path / "h1" / "shell"
    # The module goes on when the question is there, so that it ends while that is open.
    shell.write_text(f'#!/bin/sh\n{ASKED} cd {tmp_path}/h1; {answer};; esac\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    play = Play(tmp_path, server_task(), {"h1": {**variables, "ansible_shell_executable": str(shell)}})
    code, out, errors = play.end()
    assert code == 0, out + errors
    assert "the task has ended" in out and "changed=1" in out
    assert "h1: " not in errors and "Traceback" not in out + errors
    hung = tmp_path / "h1" / "hung"
    if hung.exists():
        assert has_ended(int(hung.read_text()))


def test_the_time_out_of_a_task_cuts_it_off_as_ever(tmp_path: pathlib.Path) -> None:
    # Long enough for a first look on a machine that is busy.
    task = {**server_task(), "timeout": 15, "ignore_errors": True}
    play = Play(tmp_path, task, {"h1": host(tmp_path, "h1", BEGIN, SERVER_ANSWER)})
    assert play.line("h1: ") == "h1: web: creating disks"
    code, out, errors = play.end()
    assert code == 0, out + errors
    assert "the task was cut off" in out, out
