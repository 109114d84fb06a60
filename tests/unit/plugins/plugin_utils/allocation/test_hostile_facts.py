# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a host answers, the run goes on without it: any JSON anywhere in its facts, through fleet, api stage, scheduler and placement."""

from __future__ import annotations

import copy
import json
import typing as t

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import cached_images, group_members, place
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.validate import validate
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import play_hosts
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import HOST_VARIABLES, read_fleet
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.runs import this_space
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import explain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.tests.unit import make

CATALOGUE: dict[str, t.Any] = {
    "flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 10}},
    "images": {"debian": {"source": "https://example.org/d.qcow2", "checksum": "sha256:" + "0" * 64}},
    "networks": {"lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.2.0/24"}]}},
    "server_groups": {"apart": {"policy": "anti-affinity"}},
}
REQUESTS = [
    {"name": name, "flavor": "small", "image": "debian", "networks": [{"name": "lan"}], "scheduler_hints": {"group": "apart"}} for name in ("web", "db")
]


def honest(name: str) -> dict[str, t.Any]:
    """What an honest host answers: everything, with a server that is asked for on h2."""
    port = make.port(fixed_ips=[make.fixed_ip(ip_address=f"192.0.2.1{name[1]}")], mac_address=f"fa:16:3e:00:00:{name[1]}0")
    of = make.instance("web" if name == "h2" else f"of {name}", project_id="p", ports=[port], group=make.group())
    facts: dict[str, t.Any] = {**make.host(name, networks=make.networks("br0"))}
    space = this_space()
    assert space
    process = make.process(boot_id=space.boot_id, pid_namespace=space.pid_namespace)
    record = {**make.fleet_record(of, run=make.run(process=process), vm_state="building", lease_left_s=60), "locked": False}
    domain = {"name": "d", "uuid": of["uuid"], "mac_addresses": ["fa:16:3e:00:00:01"], "foreign": False}
    image = {"digest": "sha256:" + "0" * 64, "digests": {"sha256": "0" * 64}, "disk_format": "qcow2", "size": 1, "virtual_size": 1, "path": "/i"}
    for key in ("name", "host_ip", "service", "facts"):
        del facts[key]
    return {**facts, "instances": [record], "domains": [domain], "images": [image]}


def paths(value: object, above: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:
    """Every place in a document."""
    yield above
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from paths(item, (*above, key))


LEAVES = st.none() | st.booleans() | st.integers() | st.just(10**400) | st.floats() | st.text(max_size=5) | st.sampled_from(["active", "building", "u", "1"])
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=4)
PLACES = st.sampled_from([path for path in paths(honest("h2")) if path])
CHANGES = st.lists(st.tuples(PLACES, ANYTHING | st.just(...)), min_size=1, max_size=3)


def changed(document: t.Any, changes: list[tuple[tuple[t.Any, ...], t.Any]]) -> t.Any:
    """The document with other things in these places; nothing there for an ellipsis."""
    document = copy.deepcopy(document)
    for path, value in changes:
        inner = document
        try:
            for key in path[:-1]:
                inner = inner[key]
            if value is ...:
                del inner[path[-1]]
            else:
                inner[path[-1]] = value
        except (LookupError, TypeError):
            continue
    return document


def placed(answer: object) -> dict[str, str]:
    """{server: host} of a run on h1, which is honest, and h2, which answers this."""
    hostvars = {"h1": {"found": {"host": honest("h1")}}, "h2": {"found": answer}}
    hosts = play_hosts({"ansible_play_hosts_all": ["h1", "h2"], "hostvars": hostvars}, ["found", *HOST_VARIABLES])
    fleet = read_fleet(hosts, "found")
    numbers = iter(range(1000))
    validated = validate(
        REQUESTS,
        CATALOGUE,
        fleet=fleet,
        context={"project_id": "p", "user_id": "u"},
        options={"unreachable_hosts": "ignore", "take_over": True},
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}",
        new_reservation_id=lambda: "r-1",
    )
    specs, states = validated["request_specs"], [entry["state"] for entry in fleet["hosts"].values() if entry["state"]]
    results = schedule(specs, states, fleet["aggregates"], validated["groups"], None)["results"]
    book = AddressBook(states, lambda: next(numbers), lambda: str(next(numbers)))
    found, unplaced = place(
        validated["instances"], list(zip(specs, results, strict=True)), fleet, book, lambda result: (result["message"], explain.reasons(result))
    )
    json.dumps([found, unplaced, group_members(fleet, found), cached_images(fleet, found), fleet], allow_nan=False)
    if fleet["hosts"]["h2"]["state"] is None:
        assert fleet["hosts"]["h2"]["error"]
    return {item["instance"]["display_name"]: item["host"] for item in found}


def test_an_honest_host_keeps_its_server() -> None:
    assert placed({"host": honest("h2")})["web"] == "h2"


@pytest.mark.parametrize("value", [..., None, [], {}, "x", -1, True, 10**30, [None], {"x": None}])
def test_nothing_that_is_missing_or_of_another_type_in_the_facts_of_a_host_stops_the_run(value: t.Any) -> None:
    for path in paths(honest("h2")):
        if path:
            placed({"host": changed(honest("h2"), [(path, value)])})


@settings(max_examples=2 * settings.default.max_examples)
@given(CHANGES)
def test_any_change_of_the_facts_of_a_host_leaves_the_run_as_it_is(changes: list[tuple[tuple[t.Any, ...], t.Any]]) -> None:
    placed({"host": changed(honest("h2"), changes)})


@given(ANYTHING)
def test_any_json_as_an_answer_takes_out_that_host_alone(answer: t.Any) -> None:
    # There is room for one member of the group on the host that is left.
    assert placed(answer) == placed({"host": answer}) == {"web": "h1"}
