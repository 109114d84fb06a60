# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""delete_server over two local hosts that both say that they have the server; each writes down which modules it was given."""

from __future__ import annotations

import pathlib

from ansible_collections.kvmfleet.compute.tests.plays import local_play

SERVER = {"uuid": "u1", "display_name": "db"}
ANSWER = {"changed": True, "servers": [SERVER]}


def deleted(folder: pathlib.Path, **variables: object) -> tuple[int, str, set[str]]:
    """(exit code, output, the hosts on which something was deleted)."""
    tasks = [{"ansible.builtin.import_role": {"name": "kvmfleet.compute.delete_server"}, "vars": variables}]
    done = local_play.run(folder, tasks, {"h1": ANSWER, "h2": ANSWER})
    return done.returncode, done.stdout + done.stderr, {host for host in ("h1", "h2") if "AnsiballZ_server.py" in local_play.modules(folder, host)}


def test_of_two_servers_of_one_name_none_is_deleted_and_both_hosts_are_named(tmp_path: pathlib.Path) -> None:
    code, output, hosts = deleted(tmp_path, compute_delete_names=["db"])
    assert code != 0 and hosts == set()
    assert "db (u1) on host h1;" in output and "db (u1) on host h2;" in output


def test_id_and_host_together_remove_one_of_two(tmp_path: pathlib.Path) -> None:
    code, output, hosts = deleted(tmp_path, compute_delete_ids=["u1"], compute_delete_host="h2")
    assert (code, hosts) == (0, {"h2"}), output


def test_a_host_without_ids_is_refused(tmp_path: pathlib.Path) -> None:
    code, output, hosts = deleted(tmp_path, compute_delete_names=["db"], compute_delete_host="h2")
    assert code != 0 and hosts == set() and "compute_delete_ids must say" in output


def test_a_host_of_the_fleet_that_the_play_leaves_out_is_named(tmp_path: pathlib.Path) -> None:
    epoch = {"number": 2, "id": "e", "fleet": "f", "store": "none", "registrar": "", "is_carried": True, "hosts": ["h1", "h2", "h3"], "replaces": [["h1"]]}
    held = {"epoch": epoch, "highest_ticket": 0, "clock": {"boot_id": "b", "seconds": 1}}
    tasks = [{"ansible.builtin.import_role": {"name": "kvmfleet.compute.delete_server"}, "vars": {"compute_delete_names": ["db"]}}]
    done = local_play.run(tmp_path, tasks, {key: {**ANSWER, "held": held} for key in ("h1", "h2")})
    assert done.returncode != 0 and "the play leaves out h3 of the fleet's hosts by epoch 2" in " ".join(done.stdout.split())
    assert "AnsiballZ_server.py" not in local_play.modules(tmp_path, "h1")


def test_a_play_that_is_smaller_than_declared_deletes_nothing(tmp_path: pathlib.Path) -> None:
    code, output, hosts = deleted(tmp_path, compute_delete_names=["db"], compute_fleet_size=3)
    assert code != 0 and hosts == set() and "says that the fleet has 3 hosts, and this play has 2" in " ".join(output.split())


def test_names_may_be_text_as_a_survey_gives_it(tmp_path: pathlib.Path) -> None:
    for number, names in enumerate(("db", " db \n", "- db", '["db"]')):
        folder = tmp_path / str(number)
        folder.mkdir()
        code, output, hosts = deleted(folder, compute_delete_names=names, compute_delete_ids="u1", compute_delete_host="h2", compute_delete_tags="")
        assert (code, hosts) == (0, {"h2"}), output


def test_answers_that_are_none_select_nothing(tmp_path: pathlib.Path) -> None:
    nothing = {"compute_delete_names": "", "compute_delete_ids": None, "compute_delete_tags": [], "compute_delete_group": None}
    code, output, hosts = deleted(tmp_path, **nothing)
    assert code != 0 and hosts == set() and "Nothing is selected" in output
