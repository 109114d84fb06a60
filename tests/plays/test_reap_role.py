# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role reap over local hosts; what each is given says whether it was to delete."""

from __future__ import annotations

import json
import pathlib
import re
import time
import typing as t

from ansible_collections.kvmfleet.compute.tests.plays import local_play

SERVER = {"uuid": "u1", "display_name": "ci-1", "project_id": "p", "owner": "ops", "job": "7", "expires_at": "2026-01-01T00:00:00Z", "why": None}
DUE = {"changed": True, "servers": [{**SERVER, "outcome": "deleted"}], "msg": ["would be deleted: ci-1"]}
NOTHING = {"changed": False, "servers": [], "msg": ["Nothing is due: the time of 2 servers that were asked for is not over."]}
SKIPPED = {
    "changed": False,
    "servers": [{**SERVER, "outcome": "skipped", "why": "the host's clock is +7200 s from the controller's"}],
    "msg": ["skipped: ci-1"],
}


def reap(folder: pathlib.Path, h1: object, h2: object, *arguments: str, **variables: object) -> tuple[int, str]:
    tasks = [{"ansible.builtin.import_role": {"name": "kvmfleet.compute.reap"}, "vars": variables}]
    done = local_play.run(folder, tasks, {"h1": h1, "h2": h2}, None, *arguments)
    return done.returncode, done.stdout + done.stderr


def arguments_of(folder: pathlib.Path, host: str) -> dict[str, t.Any]:
    """What the module of a host was given at last."""
    given = local_play.given(folder, host)[-1]
    match = re.search(r"ANSIBALLZ_PARAMS\s*=\s*'(.*)'|ANSIBALLZ_PARAMS = (.*)", given)
    text = next((line for line in given.splitlines() if "controller_time" in line), "")
    found = re.search(r'\{.*"ANSIBLE_MODULE_ARGS".*\}', text) or match
    assert found, given[:500]
    whole = found.group(0)
    arguments: dict[str, t.Any] = json.loads(whole[whole.index("{") :].encode().decode("unicode_escape").rstrip("'"))["ANSIBLE_MODULE_ARGS"]
    return arguments


def test_without_reap_apply_nothing_is_deleted_and_nothing_changed(tmp_path: pathlib.Path) -> None:
    code, output = reap(tmp_path, DUE, NOTHING)
    assert code == 0, output
    assert "Nothing was deleted; reap_apply: true deletes them." in output and "changed=0" in output
    assert output.count("Nothing is due") == 1


def test_reap_apply_deletes(tmp_path: pathlib.Path) -> None:
    code, output = reap(tmp_path, DUE, NOTHING, reap_apply=True)
    assert code == 0, output
    assert "reap_apply: true deletes them" not in output and "changed=1" in output


def test_a_host_whose_clock_is_wrong_fails_at_the_end_and_the_others_are_done(tmp_path: pathlib.Path) -> None:
    code, output = reap(tmp_path, SKIPPED, DUE, reap_apply=True)
    assert code != 0
    assert "1 servers were skipped: the host's clock is +7200 s from the controller's" in output
    assert "changed=1" in output


def test_the_host_is_told_the_controller_s_time_and_whether_it_may_delete(tmp_path: pathlib.Path) -> None:
    begin = time.time()
    for apply in (False, True):
        reap(tmp_path, NOTHING, NOTHING, reap_apply=apply, reap_job="7", reap_tags=["ci"], reap_older_than="2h")
        given = arguments_of(tmp_path, "h1")
        assert begin <= given["controller_time"] <= time.time()
        assert (given["job"], given["tags"], given["older_than"], given["_ansible_check_mode"]) == ("7", ["ci"], "2h", not apply)
        assert "owner" not in given
