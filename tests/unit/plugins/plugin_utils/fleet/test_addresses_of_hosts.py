# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host's address is that which Ansible connects to, or none; it is never made up."""

from __future__ import annotations

import socket
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible import constants

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import play_hosts
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.addresses import look_up, resolve, with_addresses
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import HOST_VARIABLES, FleetError, read_fleet
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.source import read_joined, write_joined
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, FleetHost

FACTS = {"host": {"vcpus": 1, "memory_mb": 1, "disk_gb": 1, "host_ip": "203.0.113.9"}}


def fleet_of(**variables: t.Any) -> Fleet:
    task_vars = {"hostvars": {"kvm1": {"info": FACTS, **variables}}, "ansible_play_hosts_all": ["kvm1"]}
    return read_fleet(play_hosts(task_vars, ("info", *HOST_VARIABLES)), "info")


def host_of(**variables: t.Any) -> FleetHost:
    state = fleet_of(**variables)["hosts"]["kvm1"]["state"]
    assert state
    return state


@pytest.mark.parametrize(
    ("variables", "address", "host_ip"),
    [
        ({"ansible_host": "192.0.2.7"}, "192.0.2.7", "192.0.2.7"),
        ({"ansible_host": "2001:DB8::0:7"}, "2001:DB8::0:7", "2001:db8::7"),
        ({"ansible_host": "kvm1.example.org"}, "kvm1.example.org", None),
        ({}, "kvm1", None),
        ({"ansible_connection": "local"}, None, None),
        ({"ansible_connection": "ansible.builtin.local", "ansible_host": "192.0.2.7"}, None, None),
    ],
)
def test_what_ansible_connects_to(variables: dict[str, t.Any], address: str | None, host_ip: str | None) -> None:
    host = host_of(**variables)
    assert (host["address"], host["host_ip"]) == (address, host_ip)


def test_names_are_resolved_and_what_has_none_keeps_none() -> None:
    hosts = [host_of(ansible_host=name) for name in ("a.example", "b.example", "192.0.2.7")] + [host_of(ansible_connection="local")]
    asked: list[str] = []

    def resolver(names: t.Iterable[str]) -> dict[str, str]:
        asked.extend(names)
        return {"a.example": "192.0.2.1"}

    with_addresses(hosts, resolver)
    assert asked == ["a.example", "b.example"]
    assert [host["host_ip"] for host in hosts] == ["192.0.2.1", None, "192.0.2.7", None]


def test_a_slow_resolver_holds_nobody_up() -> None:
    hang = threading.Event()

    def slow(name: str) -> str | None:
        if name == "slow":
            hang.wait(60)
        return f"address of {name}"

    begin = time.monotonic()
    found = resolve(["fast", "slow", "fast"], timeout_s=0.5, resolver=slow)
    hang.set()
    assert found == {"fast": "address of fast"}
    assert time.monotonic() - begin < 30


def test_many_names_are_looked_up_at_once() -> None:
    together = threading.Barrier(8, timeout=30)

    def meets(name: str) -> str | None:
        together.wait()
        return name

    assert len(resolve([f"h{number}" for number in range(8)], timeout_s=30, resolver=meets)) == 8


def test_the_real_resolver_gives_an_address_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look_up("localhost") in ("127.0.0.1", "::1")

    def fails(*_args: t.Any, **_more: t.Any) -> t.NoReturn:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    assert look_up("nowhere.invalid") is None


def test_the_joined_fleet_is_the_same_when_it_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(tmp_path))
    fleet = fleet_of(ansible_host="192.0.2.7", compute_facts={"rack": "r1"})
    path = Path(write_joined(fleet))
    assert path.parent == tmp_path
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_joined(str(path)) == fleet


@pytest.mark.parametrize("content", [None, "", "[]", '{"version": 2}'])
def test_a_joined_fleet_that_is_none_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "fleet.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(FleetError, match=r"joined_fleet .*fleet\.json"):
        read_joined(str(path))
