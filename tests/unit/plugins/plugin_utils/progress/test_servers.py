# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far servers are, told from the files of real transitions, which a real shell looks at."""

from __future__ import annotations

import os
import pathlib
import subprocess

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Step, Work
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.build import Build
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.guest import start_paused
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage import table
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.progress.servers import DISKS, STARTED, STARTING, UNDONE, Look, ServerProgress, stage_of
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab, PlainDisk


def shell(command: str) -> str:
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


class Killed(BaseException):
    """As a process ends that is killed."""


class Watched(Lab):
    """A host that is looked at after each step of a build."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        disk = PlainDisk()
        monkeypatch.setitem(table.KINDS, "plain", disk)
        super().__init__(folder, disk)
        self.dies_after: Step | None = None
        self.told: list[tuple[str, list[str]]] = []  # the step, and the lines after it
        monkeypatch.setattr(Build, "steps", tuple(map(self._watched, Build.steps)))
        monkeypatch.setattr(Build, "lasting", tuple(map(self._watched, Build.lasting)))

    def watch(self, *names: str, wait_for: str = "active") -> None:
        uuids = {self.web(number)["uuid"]: name for number, name in enumerate(names)}
        self.progress = ServerProgress("h1", uuids, state_path=str(self.state), instances_path=str(self.instances), wait_for=wait_for)

    def look(self, step: str) -> None:
        lines = self.progress.lines(shell(self.progress.command()), 0.0)
        if lines:
            self.told.append((step, lines))

    def _watched(self, step: Step) -> Step:
        def run(work: Work) -> None:
            step(work)
            if step is start_paused:
                # As QEMU does.
                pathlib.Path(work.files.console_log).touch()
            self.look(step.__name__)
            if step is self.dies_after:
                raise Killed

        return run


@pytest.fixture
def host(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Watched:
    return Watched(tmp_path, monkeypatch)


def test_a_build_is_told_stage_by_stage_and_each_stage_once(host: Watched) -> None:
    host.watch("web", wait_for="cloud_init")
    host.claim(host.web())
    host.look("claimed")
    assert host.build(host.web())[0]["outcome"] == "built"
    host.look("built")
    assert host.told == [
        ("note_files", ["h1: web: creating disks"]),
        ("start_paused", ["h1: web: starting"]),
        ("close_journal", ["h1: web: started, waiting for cloud-init"]),
    ]


def test_a_build_that_is_undone_is_told_as_that(host: Watched) -> None:
    host.watch("web")
    host.claim(host.web())
    host.links.up = False
    assert host.build(host.web())[0]["outcome"] == "failed"
    host.look("undone")
    assert [lines for _step, lines in host.told] == [["h1: web: creating disks"], ["h1: web: starting"], ["h1: web: failed and undone"]]


def test_what_a_dead_run_has_left_is_no_stage_of_this_one(host: Watched) -> None:
    host.watch("web")
    host.claim(host.web())
    host.dies_after = start_paused
    with pytest.raises(Killed):
        host.build(host.web())
    host.dies_after = None
    uuid = host.web()["uuid"]
    left = [host.state / "journal" / uuid, host.folder(host.web()) / "console.log", host.state / "locks" / uuid]
    for path in left:
        # It was an hour ago.
        os.utime(path, times=(path.stat().st_atime - 3600, path.stat().st_mtime - 3600))
    host.pass_time(10**5)
    host.told.clear()
    host.watch("web")
    order, builder = make.order(host.web(), action="finish"), host.builder(make.run(id="run-2"))
    assert host.claim(order, builder=builder)[0]["error"] is None
    host.look("waits for its turn")
    assert host.told == []
    assert host.build(order, builder=builder)[0]["outcome"] == "built"
    assert [lines for _step, lines in host.told] == [["h1: web: creating disks"], ["h1: web: starting"], ["h1: web: started"]]


def test_servers_that_come_to_a_stage_together_have_one_line(host: Watched) -> None:
    names = [f"web-{number}" for number in range(5)]
    for count, said in ((2, "web-0 and web-1"), (3, "web-0, web-1 and web-2"), (5, "5 servers")):
        host.watch(*names[:count])
        uuids = [host.web(number)["uuid"] for number in range(5)]
        assert host.progress.lines("".join(f"folder {uuid}\njournal {uuid}\n" for uuid in uuids), 0.0) == [f"h1: {said}: creating disks"]


def test_who_is_further_is_said_first(host: Watched) -> None:
    host.watch("one", "two", "three")
    one, two, three = (host.web(number)["uuid"] for number in range(3))
    answer = f"folder {one}\nfolder {two}\nfolder {three}\njournal {one}\njournal {two}\nconsole {two}\nconsole {three}\n"
    assert host.progress.lines(answer, 0.0) == ["h1: three: started", "h1: two: starting", "h1: one: creating disks"]
    assert host.progress.lines(answer, 2.0) == []


@pytest.mark.parametrize("answer", ["", "folder", "journal \n", "sudo: a password is required\n", "folder ../../etc\njournal a b\r\n", "\x1b[2J\x00"])
def test_an_answer_that_is_none_says_nothing(host: Watched, answer: str) -> None:
    host.watch("web")
    assert host.progress.lines(answer, 0.0) == []


def test_neither_a_name_nor_a_host_moves_the_cursor(host: Watched) -> None:
    uuid = host.web()["uuid"]
    progress = ServerProgress("h\x1b[2J1", {uuid: "we\nb\r"}, state_path="/s", instances_path="/i", wait_for="active")
    assert progress.lines(f"journal {uuid}\r\n", 0.0) == ["h?[2J1: we?b?: creating disks"]


def test_paths_are_no_commands(tmp_path: pathlib.Path) -> None:
    bad = f"{tmp_path}/it's; touch {tmp_path}/bad; echo '"
    progress = ServerProgress("h1", {"u": "web"}, state_path=bad, instances_path=bad, wait_for="active")
    assert shell(progress.command()) == ""
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("look", "before", "stage"),
    [
        # Between two parts of one look a build begins, closes its journal, or is undone.
        (Look([], [], []), None, None),
        (Look([], ["u"], []), None, DISKS),
        (Look([], ["u"], ["u"]), DISKS, STARTING),
        (Look(["u"], [], ["u"]), STARTING, STARTED),
        (Look(["u"], [], []), STARTING, STARTING),
        (Look([], [], ["u"]), STARTING, UNDONE),
        (Look([], [], []), STARTED, STARTED),
    ],
)
def test_what_changes_during_a_look_is_no_other_stage(look: Look, before: str | None, stage: str | None) -> None:
    assert stage_of("u", look, before) == stage
