# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks list and server_console over two local hosts; each writes down which modules it was given."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.kvmfleet.compute.tests.plays import local_play
from ansible_collections.kvmfleet.compute.tests.unit import make


def answer(*records: t.Any) -> dict[str, t.Any]:
    return {"host": {"vcpus": 8, "memory_mb": 8192, "disk_gb": 100, "instances": list(records)}}


def role(name: str, entry: str = "main", **variables: object) -> list[dict[str, t.Any]]:
    return [{"ansible.builtin.import_role": {"name": f"kvmfleet.compute.{name}", "tasks_from": entry}, "vars": variables}]


def test_every_server_is_in_the_list_and_a_host_that_could_not_be_read_fails_it(tmp_path: pathlib.Path) -> None:
    ports = [make.port(fixed_ips=[make.fixed_ip(), make.fixed_ip(ip_address="192.0.2.6")])]
    web = make.fleet_record(make.web(uuid="u1", display_name="web", ports=ports))
    lost = {"failed": True, "msg": "no libvirt"}
    done = local_play.run(tmp_path, role("create_server", "list"), {"h1": answer(web), "h2": lost})
    assert done.returncode != 0
    assert "  SERVER  STATE   HOST  ADDRESS" in done.stdout
    assert "  web     ACTIVE  h1    192.0.2.5 +1" in done.stdout
    assert "h2: no libvirt" in done.stdout
    assert "1 hosts could not be read, and may have more servers" in done.stdout + done.stderr
    done = local_play.run(tmp_path, role("create_server", "list", compute_unreachable_hosts="ignore"), {"h1": answer(web), "h2": lost})
    assert done.returncode == 0, done.stdout + done.stderr


def test_an_empty_fleet_is_a_sentence(tmp_path: pathlib.Path) -> None:
    done = local_play.run(tmp_path, role("create_server", "list"), {"h1": answer(), "h2": answer()})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "There is no server on the 2 hosts that were read." in done.stdout


def has(uuid: str) -> dict[str, t.Any]:
    """What a host answers that has the server, whatever it is asked."""
    return {"servers": [{"uuid": uuid, "display_name": "web", "folder": f"/elsewhere/{uuid}"}], "consoles": {uuid: ["login:"]}}


def test_the_console_is_read_where_the_server_is(tmp_path: pathlib.Path) -> None:
    done = local_play.run(tmp_path, role("server_console", compute_console_name="web", compute_console_lines=7), {"h1": has("u1"), "h2": {"servers": []}})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "login:" in done.stdout
    assert [local_play.modules(tmp_path, host) for host in ("h1", "h2")] == [["AnsiballZ_server_info.py", "AnsiballZ_server.py"], ["AnsiballZ_server_info.py"]]


def test_a_server_on_two_hosts_is_named_with_both_and_one_that_is_nowhere_too(tmp_path: pathlib.Path) -> None:
    done = local_play.run(tmp_path, role("server_console", compute_console_name="web"), {"h1": has("u1"), "h2": has("u2")})
    assert done.returncode != 0 and "web is on h1 and on h2; name one by compute_console_id" in done.stdout + done.stderr
    lost = {"failed": True, "msg": "no libvirt"}
    done = local_play.run(tmp_path, role("server_console", compute_console_id="u9"), {"h1": {"servers": []}, "h2": lost})
    assert done.returncode != 0 and "u9 is on none of the hosts that were read (h1)" in done.stdout + done.stderr


def test_a_console_without_a_server_is_refused_before_a_host_is_asked(tmp_path: pathlib.Path) -> None:
    for variables in ({}, {"compute_console_name": ""}, {"compute_console_name": "web", "compute_console_id": "u1"}):
        done = local_play.run(tmp_path, role("server_console", **variables), {"h1": has("u1")})
        assert done.returncode != 0 and "Set either compute_console_name or compute_console_id." in done.stdout + done.stderr
    assert local_play.modules(tmp_path, "h1") == []
