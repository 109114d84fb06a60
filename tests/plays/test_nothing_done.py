# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has not done is never a success: each packaged playbook with each mistake says in one sentence what is wrong, and fails."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.plays import local_play

WEB = {"uuid": "11111111-1111-4111-8111-111111111111", "display_name": "web-1"}
# Whatever a host is asked, it has this server.
HOSTS: dict[str, object] = {"h1": {"changed": False, "servers": [WEB]}, "h2": {"changed": False, "servers": []}}
SERVERS = {"compute_servers": [{"name": "web", "flavor": "m1.small", "image": "debian", "networks": "none"}]}
NO_HOST = "no host of the inventory matches hypervisor (compute_hosts); did you mean hypervisors? (groups there: hypervisors)"
NO_TAG = "--tags web: no task here has a tag, so nothing would be done; run it without --tags"
WHOLE = "--limit h1: names, addresses, quotas and group members are counted over the whole fleet; run without --limit"
WRONG_HOSTS = {"compute_hosts": "hypervisor"}
PLAYBOOKS = ("create_server", "plan", "fleet", "delete_server", "cleanup", "prepare_host", "list", "registrar", "server_console", "reap")


class Mistake(t.NamedTuple):
    """A playbook, what is wrong with its call, and the words that say so."""

    playbook: str
    variables: dict[str, t.Any]
    arguments: tuple[str, ...]
    words: str


MISTAKES = [
    *(Mistake(playbook, WRONG_HOSTS, (), NO_HOST) for playbook in PLAYBOOKS),
    *(Mistake(playbook, {}, ("--tags", "web"), NO_TAG) for playbook in ("create_server", "validate", "delete_server")),
    *(Mistake(playbook, SERVERS, ("--limit", "h1"), WHOLE) for playbook in ("create_server", "plan", "delete_server")),
    Mistake("create_server", {"compute_hosts": "h1"}, (), "the play (compute_hosts) leaves out h2 of the group hypervisors"),
    Mistake("validate", SERVERS, ("--limit", "h1"), "--limit h1 leaves nothing of what this playbook runs on, localhost, so nothing would be done"),
    Mistake("plan", {"compute_fleet_file": "f"}, ("--limit", "h1"), "--limit h1 leaves nothing of what this playbook runs on, localhost,"),
    Mistake("cleanup", {"compute_hosts": "h2"}, ("--limit", "h1"), "--limit h1 leaves nothing of what this playbook runs on, h2,"),
    Mistake("validate", {"compute_servers": []}, (), "nothing is asked for: compute_servers is an empty list"),
    Mistake("validate", {}, (), "nothing is asked for: neither compute_servers (servers) nor compute_servers_file (servers_file) nor"),
    Mistake("validate", {**SERVERS, "compute_servers_file": "x"}, (), "are both set; give one of them"),
    Mistake("create_server", {"compute_servers": []}, (), "nothing is asked for: compute_servers is an empty list"),
    Mistake("validate", {**SERVERS, "compute_project": ""}, (), 'compute_project: \\"\\": must not be empty'),
    Mistake("delete_server", {"compute_delete_names": ["web-1"], "compute_project": ""}, (), 'compute_project: \\"\\": must not be empty'),
    Mistake("delete_server", {}, (), "Nothing is selected: set compute_delete_names"),
    Mistake("delete_server", {"compute_delete_names": ["wbe-1"]}, (), "no server has the name wbe-1; did you mean web-1?"),
    Mistake("delete_server", {"compute_delete_names": ["web-1", "wbe-2"]}, (), "no server has the name wbe-2; did you mean web-1?"),
    Mistake("delete_server", {"compute_delete_ids": ["x"]}, (), "no server has the id x; there are web-1"),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.playbook}-{mistake.words[:24]}")
def test_a_mistake_is_one_sentence_and_no_success(tmp_path: pathlib.Path, mistake: Mistake) -> None:
    done = local_play.packaged(tmp_path, mistake.playbook, HOSTS, mistake.variables, *mistake.arguments)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and mistake.words in output, output
    assert "Traceback" not in output
    assert all("AnsiballZ_server.py" not in local_play.modules(tmp_path, host) for host in HOSTS)


def test_without_an_inventory_the_sentence_asks_for_one(tmp_path: pathlib.Path) -> None:
    done = local_play.ansible_playbook(tmp_path, "kvmfleet.compute.create_server", "-e", json.dumps(SERVERS))
    assert done.returncode != 0 and "the inventory has no host, so there is none that matches hypervisors; give an inventory with -i" in done.stderr


def test_what_is_not_there_may_be_ignored_and_is_said(tmp_path: pathlib.Path) -> None:
    done = local_play.packaged(tmp_path, "delete_server", HOSTS, {"compute_delete_names": ["web-1", "wbe-2"], "compute_delete_missing": "ignore"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no server has the name wbe-2" in done.stdout
    assert "AnsiballZ_server.py" in local_play.modules(tmp_path, "h1") and "AnsiballZ_server.py" not in local_play.modules(tmp_path, "h2")


@pytest.mark.parametrize("arguments", [("--limit", "h1"), ("--tags", "all"), ("--skip-tags", "slow")])
def test_what_leaves_something_to_do_is_done(tmp_path: pathlib.Path, arguments: tuple[str, ...]) -> None:
    found = {"changed": False, "removed": [], "left": [], "domains": [], "msg": "there is nothing to remove"}
    done = local_play.packaged(tmp_path, "cleanup", {"h1": found, "h2": found}, {}, *arguments)
    assert done.returncode == 0 and "there is nothing to remove" in done.stdout, done.stdout + done.stderr


def test_the_syntax_can_be_checked_without_an_inventory(tmp_path: pathlib.Path) -> None:
    assert local_play.ansible_playbook(tmp_path, "kvmfleet.compute.create_server", "--syntax-check").returncode == 0
