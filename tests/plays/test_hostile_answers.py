# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that answers with orders to Ansible: a play over a local host whose interpreter prints what it likes, whatever module it is given."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import host_answer
from ansible_collections.kvmfleet.compute.tests.plays import local_play

MODULES: dict[str, dict[str, t.Any]] = {
    "host_info": {},
    "server_info": {},
    "port": {"servers": []},
    "server": {"servers": []},
    "image": {"images": []},
}
ORDERS: dict[str, t.Any] = {
    "ansible_facts": {"compute_result_file": "/home/ops/.bashrc", "ansible_host": "192.0.2.66"},
    "ansible_stats": {"data": {"kvmfleet": {"servers": []}}, "per_host": False, "aggregate": True},
    "add_host": {"host_name": "intruder", "groups": ["hypervisors"], "host_vars": {}},
}
ANSWER = {"changed": False, "host": {"node": "h"}, "servers": [], "images": [], "consoles": {}, **ORDERS}


def test_an_answer_gives_no_orders_to_ansible(tmp_path: pathlib.Path) -> None:
    calls = [{f"kvmfleet.compute.{name}": args, "register": f"of_{name}"} for name, args in MODULES.items()]
    checks = [
        "compute_result_file is not defined",
        "ansible_host | default('h1') != '192.0.2.66'",
        "groups['all'] == ['h1']",
        "groups['hypervisors'] is not defined",
        "of_host_info.host.node == 'h'",
        *(f"of_{name}[order] is not defined" for name in MODULES),
    ]
    done = local_play.run(
        tmp_path, [*calls, {"ansible.builtin.assert": {"that": checks}, "loop": list(ORDERS), "loop_control": {"loop_var": "order"}}], {"h1": ANSWER}
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("order", sorted(host_answer.ORDERS))
def test_every_order_is_dropped_and_the_rest_is_kept(order: str) -> None:
    assert host_answer.own_answer({order: {"a": 1}, "host": {}, "changed": True}, {}) == {"host": {}, "changed": True}


def test_the_interpreter_that_ansible_has_found_stays() -> None:
    found = {"discovered_interpreter_python": "/usr/bin/python3"}
    assert host_answer.own_answer({"ansible_facts": {**found, "compute_user": "root"}}, found) == {"ansible_facts": found}
