# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One libvirt under two names of the inventory, and cloned machines, which only look like it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import asked, check


def domain(uuid: str) -> dict[str, t.Any]:
    return {"name": uuid, "uuid": uuid, "foreign": True, "mac_addresses": []}


def fleet(first: dict[str, t.Any], second: dict[str, t.Any]) -> Fleet:
    same = {"uuid": "host uuid", "node": "n1"}
    hosts = {name: make.host(name, **{**same, **changes}) for name, changes in (("h1", first), ("h2", second))}
    entries: t.Any = {name: {"status": "ok", "error": None, "state": host} for name, host in hosts.items()}
    return {"version": 1, "hosts": entries, "aggregates": [make.zone("nova", "h1", "h2")]}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"domains": [domain("a")]}, {"domains": [domain("a")]}),
        ({"domains": [domain("a")]}, {"domains": [domain("b"), domain("a")]}),
    ],
    ids=["empty", "the same domains", "a guest that has just come"],
)
def test_one_libvirt_under_two_names_is_refused_with_both(first: dict[str, t.Any], second: dict[str, t.Any]) -> None:
    found = check(asked(), fleet=fleet(first, second))
    assert [(error["path"], error["error_class"], error["http_status"]) for error in found["errors"]] == [("hosts.h2", "DuplicateHost", 409)]
    assert "host h1" in found["errors"][0]["rule"] and found["warnings"] == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"node": "n2"}),
        ({"domains": [domain("a")]}, {"domains": [domain("b")]}),
        ({"domains": [domain("a")]}, {}),
    ],
)
def test_cloned_machines_are_two_hosts_and_a_warning(first: dict[str, t.Any], second: dict[str, t.Any]) -> None:
    found = check(asked(), fleet=fleet(first, second))
    assert found["errors"] == []
    assert [warning for warning in found["warnings"] if "h1 and h2" in warning and "host_uuid" in warning]


def test_hosts_of_their_own_and_hosts_that_do_not_say_are_none() -> None:
    assert check(asked(), fleet=fleet({}, {"uuid": "another"}))["warnings"] == []
    assert check(asked(), fleet=fleet({"uuid": ""}, {"uuid": ""}))["warnings"] == []
