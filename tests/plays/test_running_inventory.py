# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The running inventory is the user's: no server takes the name of what is there."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import result, rounds
from ansible_collections.kvmfleet.compute.tests.plays import local_play
from ansible_collections.kvmfleet.compute.tests.unit import make


@pytest.mark.parametrize(
    "name", ["localhost", "LocalHost", "127.0.0.1", "::1", "prod-db.example.org", "hypervisors", "kvmfleet_servers", "web:2222", "[::2]:22"]
)
def test_a_name_that_is_taken_breaks_a_rule(name: str) -> None:
    names = make.inventory_names(groups=["all", "hypervisors"], **{"prod-db.example.org": None})
    assert "compute_inventory_prefix" in (names.rule(name, "u1") or "")


@pytest.mark.parametrize("name", ["web", "web-1.example.org", "2001:db8::1x"])
def test_a_name_of_its_own_breaks_none(name: str) -> None:
    assert make.inventory_names(groups=["all"], h1=None).rule(name, None) is None


def test_the_host_with_the_id_of_the_server_is_the_server() -> None:
    names = make.inventory_names(web="u1")
    assert (names.rule("web", "u1"), bool(names.rule("web", "u2")), bool(names.rule("web", None))) == (None, True, True)


def test_a_prefix_keeps_them_apart() -> None:
    names = make.inventory_names("vm-", web=None)
    assert (names.rule("web", None), names.name("web")) == (None, "vm-web")
    assert make.inventory_names("vm-", **{"vm-web": None}).rule("web", None)


def test_a_round_never_logs_in_to_a_name_that_is_taken() -> None:
    placed = [make.placed(make.instance(name, ports=[make.port()]), action="none") for name in ("localhost", "web", "again")]
    state = rounds.first(placed, [], run=make.run(), max_attempts=3, group_members={}, cached_images={})
    outcomes = {"h1": {name: make.outcome(name, "unchanged", "build") for name in ("localhost", "web", "again")}}
    options = {"login_group": "web_servers", "login_user": "guest", "login_private_key_file": None}
    logins = result.summary(rounds.conduct(state, outcomes), False, make.inventory_names(again="again"), options)["logins"]
    groups = ["kvmfleet_servers", "web_servers"]
    variables = {"kvmfleet_host": "h1", "ansible_host": make.port()["fixed_ips"][0]["ip_address"], "ansible_user": "guest"}
    # A host that is there, with this server's id, keeps its variables.
    again = {"name": "again", "groups": groups, "kvmfleet_id": "again"}
    assert sorted(logins, key=lambda login: login["name"]) == [again, {**again, "name": "web", "kvmfleet_id": "web", **variables}]


def test_a_round_logs_in_by_the_port_that_the_host_has_chosen() -> None:
    made = {"passt": make.user(), "slirp": make.user("slirp")}
    placed = [make.placed(make.instance(name, ports=[make.port(binding=binding)]), action="build") for name, binding in made.items()]
    state = rounds.first(placed, [], run=make.run(), max_attempts=3, group_members={}, cached_images={})
    state = rounds.conduct(state, {"h1": {name: make.outcome(name, "claimed", "claim") for name in made}})
    outcomes = {name: make.outcome(name, "built", "build") for name in made}
    outcomes["passt"]["ssh_ports"] = {make.port()["id"]: 20007}
    options = {"login_group": None, "login_user": None, "login_private_key_file": None}
    found = result.summary(rounds.conduct(state, {"h1": outcomes}), False, make.inventory_names(), options)
    (login,) = found["logins"]
    assert login == {
        "name": "passt",
        "groups": ["kvmfleet_servers"],
        "kvmfleet_id": "passt",
        "kvmfleet_host": "h1",
        "ansible_host": "127.0.0.1",
        "ansible_port": 20007,
    }
    assert [line.split()[4] for line in found["table"][1:]] == ["127.0.0.1:20007", make.port()["fixed_ips"][0]["ip_address"]]
    assert {row["name"]: row["addresses"]["lan"][0]["ssh_port"] for row in found["report"]} == {"passt": 20007, "slirp": None}


def test_a_server_at_a_port_is_logged_in_to_through_its_hypervisor(tmp_path: pathlib.Path) -> None:
    login = {"groups": ["kvmfleet_servers"], "kvmfleet_host": "h1"}
    logins = [
        {**login, "name": "far", "kvmfleet_id": "u1", "ansible_host": "127.0.0.1", "ansible_port": 20007},
        {**login, "name": "near", "kvmfleet_id": "u2", "ansible_host": "192.0.2.66"},
    ]
    facts = {"logins": logins, "lost": [], "table": [], "msg": ""}
    tasks: list[dict[str, t.Any]] = [
        {"ansible.builtin.include_role": {"name": "kvmfleet.compute.create_server", "tasks_from": "result"}, "vars": {"__create_server_conducted": facts}},
        {
            "ansible.builtin.assert": {
                "that": [
                    "hostvars['far'].ansible_ssh_common_args is search('ProxyCommand=ssh .* 192.0.2.1.* -o HostKeyAlias=u1$')",
                    "hostvars['far'].ansible_port == 20007",
                    "hostvars['near'].ansible_ssh_common_args is not defined",
                ]
            }
        },
    ]
    done = local_play.run(tmp_path, tasks, {"h1": {}}, {"h1": {"ansible_host": "192.0.2.1", "ansible_connection": "ssh"}})
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_variables_of_a_host_that_is_there_stay(tmp_path: pathlib.Path) -> None:
    login = {"groups": ["kvmfleet_servers"], "kvmfleet_id": "u1"}
    address = {"ansible_host": "192.0.2.66", "ansible_user": "guest", "kvmfleet_host": "h1"}
    logins = [{**login, "name": "h1"}, {**login, "name": "new", **address}]
    facts = {"logins": logins, "lost": [], "table": [], "msg": ""}
    tasks: list[dict[str, t.Any]] = [
        {"ansible.builtin.include_role": {"name": "kvmfleet.compute.create_server", "tasks_from": "result"}, "vars": {"__create_server_conducted": facts}},
        {
            "ansible.builtin.assert": {
                "that": [
                    "hostvars['h1'].ansible_host == '192.0.2.1'",
                    "hostvars['h1'].ansible_user == 'me'",
                    "hostvars['new'].ansible_host == '192.0.2.66'",
                    "hostvars['new'].ansible_user == 'guest'",
                    "groups['kvmfleet_servers'] | sort == ['h1', 'new']",
                ]
            }
        },
    ]
    own = {"h1": {"ansible_host": "192.0.2.1", "ansible_user": "me", "kvmfleet_id": "u1"}}
    done = local_play.run(tmp_path, tasks, {"h1": {}}, own)
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_became_of_the_servers_is_told_line_by_line(tmp_path: pathlib.Path) -> None:
    facts = {"logins": [], "lost": ["web: NoValidHost: no valid host of 1"], "table": ["SERVER  STATE", "web     ERROR"], "msg": "1 server: 1 ERROR"}
    tasks: list[dict[str, t.Any]] = [
        {
            "block": [
                {
                    "ansible.builtin.include_role": {"name": "kvmfleet.compute.create_server", "tasks_from": "result"},
                    "vars": {"__create_server_conducted": facts},
                }
            ],
            "rescue": [
                {
                    "ansible.builtin.assert": {"that": "ansible_failed_result.msg.splitlines() == told"},
                    "vars": {"told": ["1 server: 1 ERROR:", *facts["table"], "", *facts["lost"]]},
                }
            ],
        }
    ]
    done = local_play.run(tmp_path, tasks, {"h1": {}})
    assert done.returncode == 0 and "rescued=1" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("via", ["direct", "hypervisor"])
def test_servers_behind_their_hypervisor_are_logged_in_to_through_it(tmp_path: pathlib.Path, via: str) -> None:
    logins = [{"name": "new", "groups": ["kvmfleet_servers"], "kvmfleet_id": "u1", "ansible_host": "192.0.2.66", "kvmfleet_host": "h1"}]
    logins.append({"name": "h1", "groups": ["kvmfleet_servers"], "kvmfleet_id": "u2"})
    variables = {"__create_server_conducted": {"logins": logins, "lost": [], "table": [], "msg": ""}, "compute_login_via": via}
    through = "-o 'ProxyCommand=ssh -o BatchMode=yes -W '\"'\"'[%h]:%p'\"'\"' -l ops 198.51.100.1'"
    expected = through if via == "hypervisor" else "none"
    tasks: list[dict[str, t.Any]] = [
        {"ansible.builtin.include_role": {"name": "kvmfleet.compute.create_server", "tasks_from": "result"}, "vars": variables},
        {"ansible.builtin.assert": {"that": ["hostvars['new'].ansible_ssh_common_args | default('none') == expected"]}, "vars": {"expected": expected}},
        {"ansible.builtin.assert": {"that": ["hostvars['h1'].ansible_ssh_common_args is not defined"]}},
    ]
    own = {"h1": {"ansible_host": "198.51.100.1", "ansible_user": "ops", "kvmfleet_id": "u2", "ansible_connection": "ssh"}}
    done = local_play.run(tmp_path, tasks, {"h1": {}}, own)
    assert done.returncode == 0, done.stdout + done.stderr


def test_validation_refuses_localhost_and_takes_it_with_a_prefix(tmp_path: pathlib.Path) -> None:
    catalogue = {
        "compute_flavors": {"small": {"vcpus": 1, "memory_mb": 64, "root_gb": 1}},
        "compute_images": {"debian": {"source": "https://example.org/d", "checksum": "sha256:" + "0" * 64}},
    }
    request = {"name": "localhost", "flavor": "small", "image": "debian", "networks": "none"}
    validate = "kvmfleet.compute.server_validate"
    tasks = [
        {validate: {"servers": [request], "inventory_prefix": "vm-"}},
        {validate: {"servers": [request]}, "register": "refused", "failed_when": False},
        {"ansible.builtin.assert": {"that": "refused.errors | map(attribute='error_class') | list == ['InventoryNameTaken']"}},
    ]
    done = local_play.run(tmp_path, tasks, {"h1": {}}, {"h1": catalogue})
    assert done.returncode == 0, done.stdout + done.stderr
