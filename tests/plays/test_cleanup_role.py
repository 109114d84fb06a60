# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role cleanup over two local hosts; each writes down which modules it was given."""

from __future__ import annotations

import pathlib

from ansible_collections.kvmfleet.compute.tests.plays import local_play

UUID = "6f70656e-7374-4163-8b20-342065766572"
FOUND = {"kind": "journal", "id": UUID, "path": "/j", "bytes": 1, "why": "it is due"}
CLEAN = {"changed": False, "removed": [], "left": [], "domains": ["d1"], "msg": ["Nothing is left of runs that have ended."]}
DUE = {**CLEAN, "changed": True, "removed": [FOUND], "msg": ["removed: journal /j (1 bytes): it is due"]}


def cleaned(folder: pathlib.Path, first: object, second: object, *arguments: str, **variables: object) -> tuple[int, str, list[int]]:
    """(exit code, output, how often each host was asked)."""
    tasks = [{"ansible.builtin.import_role": {"name": "kvmfleet.compute.cleanup"}, "vars": variables}]
    done = local_play.run(folder, tasks, {"h1": first, "h2": second}, None, *arguments)
    return done.returncode, done.stdout + done.stderr, [len(local_play.modules(folder, host)) for host in ("h1", "h2")]


def test_a_host_on_which_nothing_is_due_says_so_and_is_asked_once(tmp_path: pathlib.Path) -> None:
    code, output, asked = cleaned(tmp_path, CLEAN, {**CLEAN, "domains": "odd"})
    assert (code, asked) == (0, [1, 1]), output
    assert output.count("Nothing is left of runs that have ended.") == 2


def test_what_is_due_is_removed_and_said(tmp_path: pathlib.Path) -> None:
    code, output, asked = cleaned(tmp_path, DUE, {**CLEAN, "domains": [{"odd": 1}, UUID]}, "-vvv")
    assert (code, asked) == (0, [2, 1]), output
    assert "removed: journal /j" in output
    assert "changed=1" in output


def test_a_folder_is_given_up_only_if_every_host_was_seen(tmp_path: pathlib.Path) -> None:
    code, output, asked = cleaned(tmp_path, DUE, CLEAN, "--limit", "h1", compute_cleanup_folders=[UUID])
    assert (code != 0, asked) == (True, [1, 0]), output
    assert "does not see" in output
    code, output, asked = cleaned(tmp_path, DUE, {"failed": True, "msg": "no libvirt"}, compute_cleanup_folders=[UUID])
    assert (code != 0, asked) == (True, [2, 1]), output
    assert "does not see" in output
