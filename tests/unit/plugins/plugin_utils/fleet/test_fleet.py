# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import play_hosts
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import (
    HOST_VARIABLES,
    FleetError,
    fleet_file,
    read_fleet,
    read_fleet_file,
    refuse_partial_plays,
)
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.runs import this_space
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet
from ansible_collections.kvmfleet.compute.tests.unit import make

FACTS = {"host": {"version": 1, "node": "h1", "vcpus": 4, "memory_mb": 4096, "disk_gb": 40, "instances": []}}
HOSTVARS: dict[str, dict[str, t.Any]] = {
    "h1": {"found": FACTS, "compute_availability_zone": "az1", "compute_facts": {"rack": "r1"}, "compute_traits": ["CUSTOM_SSD"], "ansible_host": "192.0.2.7"},
    "h2": {"found": {"unreachable": True, "msg": "no route"}, "compute_disabled": "yes", "other": "not needed"},
}


def test_a_fleet_file_gives_the_fleet_that_the_hosts_gave(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps(fleet_file(HOSTVARS, ["h1", "h2"], "found")), encoding="utf-8")
    hosts = play_hosts({"ansible_play_hosts_all": ["h1", "h2"], "hostvars": HOSTVARS}, ["found", *HOST_VARIABLES])
    live = read_fleet(hosts, "found", {"ssd": {"hosts": ["h1"], "metadata": {"ssd": True}}})
    assert read_fleet_file(str(path), {"ssd": {"hosts": ["h1"], "metadata": {"ssd": True}}}) == live
    assert live["hosts"]["h1"]["state"]["facts"] == {"rack": "r1"}
    assert live["hosts"]["h1"]["state"]["traits"] == ["CUSTOM_SSD"]
    assert live["hosts"]["h2"]["status"] == "unreachable"
    assert [aggregate["name"] for aggregate in live["aggregates"]] == ["az1", "nova", "ssd"]


def test_facts_of_the_fact_cache_are_one_text() -> None:
    read = {kind: _fleet_of(facts) for kind, facts in {"text": json.dumps(FACTS), "data": FACTS}.items()}
    assert read["text"] == read["data"]
    for text in ("", "{", "7", "[" * 100_000):
        assert _fleet_of(text)["hosts"]["h1"]["status"] == "failed"


def _fleet_of(facts: object) -> Fleet:
    hosts = play_hosts({"ansible_play_hosts_all": ["h1"], "hostvars": {"h1": {"found": facts}}}, ["found", *HOST_VARIABLES])
    return read_fleet(hosts, "found")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("", "Expecting value"),
        ("[]", "must be a mapping, not a list"),
        ('{"version": 2}', "version: must be at most 1, not 2; hosts: is required"),
        ('{"version": 1, "hosts": {"a": {}}}', "hosts.a.host_info: is required"),
        (
            '{"version": 1, "hosts": {"a": {"host_info": {"host": {"vcpus": 1, "memory_mb": 1, "disk_gb": 1}}, "compute_facts": 3}}}',
            "hosts.a.compute_facts: must be a mapping",
        ),
        (
            '{"version": 1, "hosts": {"a": {"host_info": {}, "compute_disbled": true}, "b": {"host_info": {}, "compute_disabled": "maybe"}}}',
            "hosts.a.compute_disbled: unknown key; did you mean compute_disabled?; hosts.b.compute_disabled: must be one of true, yes",
        ),
        (
            '{"version": 1, "hosts": {"a": {"host_info": {"host": {"vcpus": 1, "memory_mb": 1, "disk_gb": 1}}, "compute_traits": ["ssd"]}}}',
            'hosts.a.compute_traits[0]: must be a trait, such as CUSTOM_SSD, not "ssd"',
        ),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_path(tmp_path: Path, content: str, rule: str) -> None:
    path = tmp_path / "fleet.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(FleetError) as caught:
        read_fleet_file(str(path))
    assert rule in str(caught.value)


@pytest.mark.parametrize(
    ("run", "left", "locked", "live", "gone"),
    [
        ("other", 60, False, True, False),
        ("other", 0, False, False, False),
        ("other", None, False, True, False),
        ("ended", 60, False, False, True),
        ("ended", 60, True, True, True),
        ("other", 0, True, True, False),
    ],
)
def test_a_server_is_live_while_a_process_holds_its_lock_or_its_run_may_live(
    tmp_path: Path, run: str, left: int | None, locked: bool, live: bool, gone: bool
) -> None:
    space = this_space()
    assert space
    # No process has started at the moment of the boot with the highest pid.
    ended = make.process(boot_id=space.boot_id, pid_namespace=space.pid_namespace, pid=2**22, pid_start=0)
    runs = {"other": make.run(process=make.process(pid=1)), "ended": make.run(process=ended)}
    record = {**make.fleet_record(make.instance("u"), vm_state="building", run=runs[run], lease_left_s=left, locked=locked)}
    path = tmp_path / "fleet.json"
    path.write_text(json.dumps({"version": 1, "hosts": {"a": {"host_info": {"host": {"vcpus": 1, "memory_mb": 1, "disk_gb": 1, "instances": [record]}}}}}))
    state = read_fleet_file(str(path))["hosts"]["a"]["state"]
    assert state
    found: t.Any = state["instances"][0]
    assert (found["live"], found["gone"]) == (live, gone)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FleetError, match=r"fleet file .*nowhere\.json: .*No such file"):
        read_fleet_file(str(tmp_path / "nowhere.json"))


@pytest.mark.parametrize(
    ("facts", "rule"),
    [
        ({"vcpus": "four"}, 'facts of host a: vcpus: must be a number, not "four"'),
        ({"used": {"VCPU": None}}, "facts of host a: used.VCPU: must be a number, not null"),
        ({"disk_gb": float("nan"), "vcpus": -1}, "facts of host a: vcpus: must not be negative; disk_gb: must be a number, not NaN"),
        ({"memory_mb": float("inf")}, "facts of host a: memory_mb: must be a number, not Infinity"),
        ({"pci_pools": [{"count": True}]}, "facts of host a: pci_pools[0].count: must be a number, not true"),
        ({"instances": [3]}, "facts of host a: instances[0]: must be a mapping, not 3"),
        ({"memory_mb": None, "disk_gb": None}, "facts of host a: memory_mb: is required; disk_gb: is required"),
        ({"images": [None]}, "facts of host a: images[0]: must be a mapping, not null"),
        ({"networks": {}}, "facts of host a: networks.bridges: is required; networks.libvirt: is required"),
    ],
)
def test_a_host_with_facts_of_another_shape_is_out_with_a_sentence_and_the_others_are_in(tmp_path: Path, facts: dict[str, t.Any], rule: str) -> None:
    path = tmp_path / "fleet.json"
    host = {"vcpus": 1, "memory_mb": 1, "disk_gb": 1, **facts}
    path.write_text(json.dumps({"version": 1, "hosts": {"a": {"host_info": {"host": host}}, "b": {"host_info": FACTS}}}), encoding="utf-8")
    hosts = read_fleet_file(str(path))["hosts"]
    assert hosts["a"] == {"status": "failed", "error": rule, "state": None}
    assert hosts["b"]["status"] == "ok"


@pytest.mark.parametrize(
    ("variables", "rule"),
    [
        ({"compute_disabled": "maybe"}, "compute_disabled: must be one of true, yes"),
        ({"compute_traits": ["ssd"]}, "compute_traits[0]: must be a trait"),
        ({"compute_facts": 3}, "compute_facts: must be a mapping"),
        ({"compute_availability_zone": ["az1"]}, "compute_availability_zone: must be"),
    ],
)
def test_a_variable_of_a_host_is_checked_in_a_play_as_in_a_file(variables: dict[str, t.Any], rule: str) -> None:
    hosts = play_hosts({"ansible_play_hosts_all": ["h1"], "hostvars": {"h1": {"found": FACTS, **variables}}}, ["found", *HOST_VARIABLES])
    with pytest.raises(FleetError) as caught:
        read_fleet(hosts, "found")
    assert str(caught.value).startswith(f"variables of host h1: {rule}")


@pytest.mark.parametrize(
    ("aggregates", "rule"),
    [
        ([1], "compute_aggregates: must be a mapping"),
        ({"a": None}, "compute_aggregates.a: must be a mapping"),
        ({"a": {"hosts": "h1"}}, 'compute_aggregates.a.hosts: must be a list, not "h1"'),
        ({"a": {"host": []}}, "compute_aggregates.a.host: unknown key; did you mean hosts?"),
        (
            {"a": {"hosts": [{}]}, "b": {"metadata": {"x": []}}},
            "a.hosts[0]: must be text or a whole number, not a mapping; compute_aggregates.b.metadata.x",
        ),
        ({"a": {"hosts": [], "metadata": ["x"]}}, "compute_aggregates.a.metadata: must be a mapping"),
    ],
)
def test_aggregates_of_another_shape_are_named(aggregates: t.Any, rule: str) -> None:
    with pytest.raises(FleetError) as caught:
        read_fleet({}, "found", aggregates)
    assert rule in str(caught.value)


def test_a_play_that_leaves_out_hosts_of_the_fleet_s_group_is_refused_with_their_names() -> None:
    groups = {"hypervisors": ["h1", "h2", "h3"], "zone_b": ["h2"]}
    with pytest.raises(FleetError, match=r"leaves out h1, h3 of the group hypervisors"):
        refuse_partial_plays({"groups": groups, "ansible_play_hosts_all": ["h2"]}, "linear")
    refuse_partial_plays({"groups": groups, "ansible_play_hosts_all": ["h3", "h1", "h2", "more"]}, "linear")
    # A fleet that has a group of its own.
    refuse_partial_plays({"groups": {"zone_b": ["h2"], "zone_c": ["h3"]}, "ansible_play_hosts_all": ["h2"]}, "linear")
