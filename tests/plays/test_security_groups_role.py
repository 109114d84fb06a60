# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is told of the members of security groups, and what follows if somebody can't be, over local hosts that answer as they are told."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.all_group_rules import all_group_rules
from ansible_collections.kvmfleet.compute.tests.plays import local_play

WEB = "p/web"
APPLIED: dict[str, t.Any] = {"changes": [], "problems": []}


def answer(host: str, **changes: t.Any) -> dict[str, t.Any]:
    """What a host says to whatever it is asked."""
    report = {"host": host, "number": 1, "groups": {}}
    return {"changed": False, "servers": [], "report": report, "member_of": [], "wanted_groups": [WEB], **APPLIED, **changes}


HAS_DB = answer("h1", servers=[{"uuid": "u1", "display_name": "db"}], member_of=[WEB])
SILENT = {key: value for key, value in answer("h2").items() if key != "report"}


def deleted(folder: pathlib.Path, h2: object, *, h1: object = None, **variables: object) -> tuple[int, str, list[str]]:
    """(exit code, output without its line breaks, the modules that h1 was given from the deciding on)."""
    tasks = [{"ansible.builtin.import_role": {"name": "kvmfleet.compute.delete_server"}, "vars": {"compute_delete_names": ["db"], **variables}}]
    done = local_play.run(folder, tasks, {"h1": h1 or HAS_DB, "h2": h2})
    names = [name.removeprefix("AnsiballZ_").removesuffix(".py") for name in local_play.modules(folder, "h1")]
    return done.returncode, " ".join((done.stdout + done.stderr).replace("\\n", " ").split()), names[names.index("server_info") + 1 :]


def test_a_host_that_names_a_group_is_told_before_a_member_is_deleted(tmp_path: pathlib.Path) -> None:
    code, output, modules = deleted(tmp_path, answer("h2"))
    assert (code, modules) == (0, ["security_groups", "security_groups", "server"]), output
    assert '"leaving": ["u1"]' in local_play.given(tmp_path, "h1")[-3]


@pytest.mark.parametrize(("h1", "h2"), [(HAS_DB, answer("h2", wanted_groups=[])), ({**HAS_DB, "member_of": []}, answer("h2"))])
def test_nobody_is_told_where_no_rule_names_a_group_of_the_servers(tmp_path: pathlib.Path, h1: dict[str, t.Any], h2: object) -> None:
    code, output, modules = deleted(tmp_path, h2, h1={**h1, "wanted_groups": []} if h1["member_of"] else h1)
    assert (code, modules) == (0, ["server"]), output


@pytest.mark.parametrize("lacking", [SILENT, {key: value for key, value in answer("h2").items() if key != "changes"}])
def test_a_host_that_cannot_be_told_stops_the_delete_and_nobody_leaves(tmp_path: pathlib.Path, lacking: object) -> None:
    code, output, modules = deleted(tmp_path, lacking)
    assert code != 0 and "server" not in modules, output
    assert "could not be told to, or asked of: h2." in output and "Nothing was deleted." in output
    assert modules == ["security_groups"] * 4
    assert '"staying": ["u1"]' in local_play.given(tmp_path, "h1")[-2]


def test_who_says_so_deletes_all_the_same_and_reads_what_that_means(tmp_path: pathlib.Path) -> None:
    code, output, modules = deleted(tmp_path, SILENT, compute_unreachable_hosts="ignore")
    assert (code, modules) == (0, ["security_groups", "security_groups", "server"]), output
    assert "whoever gets one of their addresses next is let in" in output


def applied(folder: pathlib.Path, answers: dict[str, object], *arguments: str, **variables: object) -> tuple[int, str]:
    done = local_play.packaged(folder, "security_groups", answers, {"compute_security_groups": {"web": {}}, **variables}, *arguments)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def test_the_playbook_says_of_each_host_what_it_has_changed(tmp_path: pathlib.Path) -> None:
    changing = answer("h1", changed=True, changes=["network filter of security group web"])
    code, output = applied(tmp_path, {"h1": changing, "h2": answer("h2")})
    assert code == 0 and "changed=1" in output and "changed=0" in output, output
    assert output.count('"network filter of security group web"') == 1 and output.count('"nothing to do"') == 1
    given = local_play.given(tmp_path, "h2")[-1]
    assert '"operation": "apply"' in given and '"host": "h1"' in given and '"name": "web"' in given


def test_all_hosts_get_the_rules_with_a_number_that_is_later_than_that_of_any(tmp_path: pathlib.Path) -> None:
    web = next(group["id"] for group in all_group_rules({"web": {}}) if group["name"] == "web")
    known = {f"p/{web}": {"fleet": 3, "local": 1, "digest": "other"}}
    code, output = applied(tmp_path, {"h1": answer("h1", rules_numbers=known), "h2": answer("h2")})
    assert code == 0, output
    for host in ("h1", "h2"):
        given = local_play.given(tmp_path, host)[-1]
        assert given.count('"fleet": 4') == 1 and given.count('"fleet": 1') == 1, given


def test_what_could_not_be_made_fails_the_host(tmp_path: pathlib.Path) -> None:
    code, output = applied(tmp_path, {"h1": answer("h1", problems=["server db: it is not ours"]), "h2": answer("h2")})
    assert code != 0 and "server db: it is not ours" in output and "failed=0" in output


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        (None, "compute_security_groups must be set"),
        ({"web": {"rules": [{"direction": "up"}]}}, "compute_security_groups.web.rules[0].direction: must be one of"),
    ],
)
def test_wrong_groups_reach_no_host(tmp_path: pathlib.Path, groups: object, words: str) -> None:
    code, output = applied(tmp_path, {"h1": answer("h1")}, compute_security_groups=groups)
    assert code != 0 and words in output, output
    assert local_play.modules(tmp_path, "h1") == []
