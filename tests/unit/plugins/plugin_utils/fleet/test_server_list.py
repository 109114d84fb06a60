# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of servers: by project, and never wider than a terminal."""

from __future__ import annotations

import typing as t

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.server_list import WIDTH, server_list
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet
from ansible_collections.kvmfleet.compute.tests.unit import make


def fleet(*servers: dict[str, t.Any], name: str = "h1", **hosts: t.Any) -> Fleet:
    records = []
    for number, changes in enumerate(servers):
        of_record = {key: changes.pop(key) for key in ("vm_state", "power_state", "migrating") if key in changes}
        ports = [make.port(fixed_ips=[make.fixed_ip(ip_address=address) for address in changes.pop("addresses", ["192.0.2.5"])])]
        records.append({**make.fleet_record(make.web(uuid=f"u{number}", ports=ports, **changes), name), **of_record})
    entries: t.Any = {name: {"status": "ok", "error": None, "state": make.host(name, instances=records)}, **hosts}
    return {"version": 1, "hosts": entries, "aggregates": []}


def test_a_table_for_each_project() -> None:
    found = server_list(
        fleet(
            {"display_name": "web-2", "project_id": "ci", "addresses": []},
            {"display_name": "web-1", "project_id": "ci", "power_state": "shutdown", "addresses": ["192.0.2.5", "2001:db8::5"]},
            {"display_name": "db", "vm_state": "building", "power_state": "shutdown"},
            {"display_name": "moving", "migrating": True},
        )
    )
    assert found["lines"] == [
        "project ci: 2 servers",
        "  SERVER  STATE    HOST  ADDRESS",
        "  web-1   SHUTOFF  h1    192.0.2.5 +1",
        "  web-2   ACTIVE   h1    -",
        "project p: 1 server",
        "  SERVER  STATE  HOST  ADDRESS",
        "  db      BUILD  h1    192.0.2.5",
    ]


def test_hosts_that_could_not_be_read_are_named() -> None:
    lost: t.Any = {"status": "failed", "error": "no \x1b[31mlibvirt", "state": None}
    assert server_list(fleet(h2=lost)) == {"lines": ["There is no server on the 1 hosts that were read."], "unread": ["h2: no ?[31mlibvirt"]}


TEXT = st.text(max_size=300)


@given(TEXT, TEXT, st.text(min_size=1, max_size=100))
def test_no_line_is_too_wide_or_moves_the_cursor(name: str, project: str, host: str) -> None:
    long = "2001:0db8:1111:2222:3333:4444:5555:6666"
    lines = server_list(fleet({"display_name": name, "project_id": project, "addresses": [long, long]}, name=host))["lines"]
    assert all(len(line) <= WIDTH and line.isprintable() for line in lines)
    assert f"{long} +1" in lines[-1]
