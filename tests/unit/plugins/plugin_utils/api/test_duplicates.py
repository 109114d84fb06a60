# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is there twice in the fleet, by the servers of the request that it concerns."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import place
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, FleetInstance
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import asked, check


def record(host: str, uuid: str = "u1", name: str = "web", **port: t.Any) -> FleetInstance:
    """A server that runs; its address is as unique as its id, unless it is said."""
    own = {"mac_address": f"fa:16:3e:00:00:{ord(uuid[-1]):02x}", "fixed_ips": [make.fixed_ip(ip_address=f"192.0.2.{ord(uuid[-1])}")], **port}
    return make.fleet_record(make.instance(name, uuid=uuid, project_id="p", ports=[make.port(**own)]), host=host)


def fleet(*records: FleetInstance, domains: tuple[dict[str, t.Any], ...] = ()) -> Fleet:
    hosts = {
        name: make.host(name, instances=[item for item in records if item["host"] == name], domains=list(domains) if name == "h2" else [])
        for name in ("h1", "h2")
    }
    entries: t.Any = {name: {"status": "ok", "error": None, "state": state} for name, state in hosts.items()}
    return {"version": 1, "hosts": entries, "aggregates": [make.zone("nova", "h1", "h2")]}


def error_of(found: dict[str, t.Any], index: int = 0) -> t.Any:
    return found["instances"][index]["existing"]["error"]


TWICE: dict[str, tuple[FleetInstance, FleetInstance]] = {
    "id": (record("h1"), record("h2", name="other")),
    "name": (record("h1"), record("h2", "u2")),
    "MAC address": (record("h1"), record("h2", "u2", "other", mac_address=record("h1")["ports"][0]["mac_address"].upper())),
    "address": (record("h1"), record("h2", "u2", "other", fixed_ips=record("h1")["ports"][0]["fixed_ips"])),
}


@pytest.mark.parametrize("thing", list(TWICE))
@pytest.mark.parametrize("is_turned", [False, True])
def test_a_server_of_which_something_is_there_twice_fails_with_both_hosts_and_others_go_on(thing: str, is_turned: bool) -> None:
    copies = tuple(reversed(TWICE[thing])) if is_turned else TWICE[thing]
    there = fleet(*copies, record("h1", "u3", "fine"))
    found = check(asked(), asked(name="fine"), asked(name="new"), fleet=there)
    assert found["errors"] == []
    error = error_of(found)
    assert error["error_class"] == "DuplicateServer"
    assert f"{thing} " in error["message"] and "on host h1" in error["message"] and "on host h2" in error["message"]
    assert error_of(found, 1) is None and found["instances"][2]["existing"] is None
    assert any(warning.startswith(f"{thing} ") for warning in found["warnings"])


def test_nothing_of_such_a_server_goes_to_any_host() -> None:
    there = fleet(*TWICE["id"])
    instances = check(asked(), fleet=there)["instances"]
    placed, unplaced = place(instances, [], there, AddressBook([], lambda: 1, lambda: "port"), lambda _result: ("", {}))
    assert placed == [] and [item["error"]["error_class"] for item in unplaced] == ["DuplicateServer"]


def test_duplicates_of_others_stop_the_run_if_that_is_asked_for() -> None:
    found = check(asked(name="new"), fleet=fleet(*TWICE["id"]), duplicates="fail")
    assert [(error["error_class"], error["http_status"]) for error in found["errors"]] == [("DuplicateServer", 409)]


def test_the_same_address_on_libvirt_networks_of_two_hosts_is_none() -> None:
    own = {"binding": make.libvirt_network(), "mac_address": "fa:16:3e:00:00:01", "fixed_ips": [make.fixed_ip()]}
    assert check(asked(name="new"), fleet=fleet(record("h1", **own), record("h2", "u2", "other", **own)))["warnings"] == []


@pytest.mark.parametrize(("vlan", "warnings"), [(5, 1), (6, 0)])
def test_the_same_address_in_two_vlans_of_open_vswitch_is_none(vlan: int, warnings: int) -> None:
    ips = [make.fixed_ip()]
    one = record("h1", binding=make.openvswitch(vlan=5), fixed_ips=ips)
    other = record("h2", "u2", "other", binding=make.openvswitch(vlan=vlan), fixed_ips=ips)
    assert len(check(asked(name="new"), fleet=fleet(one, other))["warnings"]) == warnings


def test_a_domain_without_a_record_that_has_the_id_of_a_server_is_a_copy() -> None:
    clone = {"name": "clone", "uuid": "u1", "foreign": True, "mac_addresses": []}
    assert "clone on host h2" in error_of(check(asked(), fleet=fleet(record("h1"), domains=(clone,))))["message"]


@pytest.mark.parametrize("hosts", [("h1", "h2"), ("h2", "h1")])
def test_a_server_in_migration_is_that_of_the_host_that_it_still_runs_on(hosts: tuple[str, str]) -> None:
    source = record(hosts[0])
    target = t.cast("FleetInstance", {**record(hosts[1]), "migrating": True})
    found = check(asked(), fleet=fleet(source, target))
    assert (found["warnings"], error_of(found), found["instances"][0]["existing"]["host"]) == ([], None, hosts[0])
