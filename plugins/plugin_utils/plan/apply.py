# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A validation that builds a plan: exactly that, or every reason why it can't be kept; pure but for the validation that it is given.

1. The requests, the project and the fleet must be those of the plan. The digests and the values in the plan say which one changed.
2. A server of the plan that is there already stays as it is: it must have the plan's id and be on the plan's host, so that a plan may be applied again.
3. One that is to be built gets the plan's id, reservation id, ports and addresses. All that its record is made of must then be what was planned.
4. Its host is the only one that it may be placed on, and the filters still run. Numbers of the host may change as long as it has room for the plan.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook, NoMoreFixedIps
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import names
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Problems, is_secret, shown
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import zones_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.target import DEFAULT_ZONE
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.capacity import needed, resources_of, short
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.changes import changes
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.differences import Difference
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.make import fleet_id
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.requests import Hider, changed
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.taken import Taken
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    BuildRequest,
    Fleet,
    FleetHost,
    Plan,
    PlannedServer,
    RequestedNetwork,
    RequestSpec,
    Validation,
)

ERROR_CLASS = "PlanChanged"
HTTP_STATUS = 409


class Now(t.NamedTuple):
    """What there is when a plan is applied."""

    requests: list[t.Any]  # as they are asked for
    project: str  # whose servers they are
    fleet: Fleet | None  # None: nobody has asked the hosts
    collection_version: str  # of this collection


def apply(plan: Plan, validated: Validation, now: Now) -> None:
    """Let the validation's servers be those of the plan. If they can't be, it has an error for each reason, and no server."""
    errors = _Applied(plan, validated, now).errors
    if errors:
        validated["errors"] += errors
    if validated["errors"]:
        validated["instances"], validated["request_specs"], validated["groups"], validated["kept_ports"] = [], [], [], []
        return
    new = sum(1 for item in validated["instances"] if not item["existing"])
    there = len(validated["instances"]) - new
    built = f"{new} server{'' if new == 1 else 's'} to build as planned"
    validated["notes"].insert(0, f"the plan of {plan['created_at']}: {built}" + (f", {there} there already" if there else ""))


class _Applied:
    """Goes through a plan once."""

    def __init__(self, plan: Plan, validated: Validation, now: Now) -> None:
        self._plan, self._validated, self._now = plan, validated, now
        self._problems = Problems()
        # Requests that are not those of the plan: what follows from that is not told.
        self._changed: set[int] = set()
        # What is one for many servers is told once.
        self._told: set[tuple[str, str, str]] = set()
        self._hosts: dict[str, FleetHost] = {}
        for name, host in now.fleet["hosts"].items() if now.fleet else ():
            if host["state"]:
                self._hosts[name] = host["state"]
        if plan["project"] != now.project:
            self._add("compute_project", now.project, f"the plan is one of project {plan['project']}")
            return
        if self._is_of_another_fleet():
            return
        self._compare_requests()
        if not validated["errors"]:
            self._apply()

    @property
    def errors(self) -> list[t.Any]:
        """The reasons why the plan can't be kept."""
        return self._problems.errors

    def _add(self, path: str, value: object, rule: str, request: int | None = None, name: str | None = None) -> None:
        told = (path, repr(value), rule)
        if told not in self._told:
            self._told.add(told)
            self._problems.add(path, value, rule, ERROR_CLASS, HTTP_STATUS, server=request, name=name)

    def _add_difference(self, found: Difference, request: int, name: str | None, why: str = "") -> None:
        if is_secret(found.path):
            # There are digests to be shown only.
            found, rule = found._replace(now=None), "is not what it was when it was planned"
        elif found.was is None:
            rule = "was not there when it was planned"
        else:
            rule = f"was {json.dumps(shown(found.path, found.was), ensure_ascii=False, default=str)} when it was planned"
        self._add(found.path, found.now, rule + why, request, name)

    def _by_version(self) -> str:
        made, now = self._plan["collection_version"], self._now.collection_version
        return f", by kvmfleet.compute {made}; this is {now}" if made != now else ""

    def _is_of_another_fleet(self) -> bool:
        of = fleet_id(self._now.fleet) if self._now.fleet else None
        if of and self._plan["fleet"] and of != self._plan["fleet"]:
            self._add("compute_plan_file", self._plan["fleet"], f"is the fleet that it was planned for, and this one is {of}")
            return True
        return False

    def _compare_requests(self) -> None:
        hider = Hider(self._plan["salt"])
        for index, found in changed(self._plan["requests"], [hider.hidden(request) for request in self._now.requests]):
            self._changed.add(index)
            self._add_difference(found._replace(path=f"servers[{index}]" + (f".{found.path}" if found.path else "")), index, None)

    def _apply(self) -> None:
        """With all requests and the catalogue valid."""
        planned = {server["instance"]["display_name"]: server for server in self._plan["servers"]}
        to_build: list[tuple[BuildRequest, PlannedServer]] = []
        asked: set[str] = set()
        for request in self._validated["instances"]:
            name = request["instance"]["display_name"]
            asked.add(name)
            server = planned.get(name)
            if request["request_index"] in self._changed:
                continue
            if server is None:
                self._add_server(request["request_index"], name, "is asked for, and the plan has no such server")
            elif request["existing"]:
                self._compare_existing(request, server)
            elif not server["is_new"]:
                self._add_server(request["request_index"], name, f"was there on host {server['host']} when it was planned, and is gone")
            else:
                to_build.append((request, server))
        for name, server in planned.items():
            if name not in asked and server["request_index"] not in self._changed:
                self._add_server(server["request_index"], name, "is in the plan and would not be built now: quotas leave room for fewer servers")
        hosts = self._check_hosts(to_build)
        taken = Taken(list(self._hosts.values()), self._validated["kept_ports"])
        pinned: dict[str, PlannedServer] = {}
        for request, server in to_build:
            pinned[request["instance"]["uuid"]] = server
            self._build(request, server, taken, is_host_there=server["host"] in hosts)
        self._validated["request_specs"] = [one for spec in self._validated["request_specs"] for one in _pinned(spec, pinned)]

    def _add_server(self, request: int, name: str, rule: str) -> None:
        self._add(f"servers[{request}]", name, f"{name} {rule}", request, name)

    def _compare_existing(self, request: BuildRequest, server: PlannedServer) -> None:
        there = request["existing"]
        index, name = request["request_index"], request["instance"]["display_name"]
        if there is None:
            return
        if request["instance"]["uuid"] != server["instance"]["uuid"]:
            uuid = request["instance"]["uuid"]
            self._add_server(index, name, f"is there on host {there['host']} as {uuid}, which is not the server of the plan ({server['instance']['uuid']})")
        elif there["host"] != server["host"]:
            self._add_server(index, name, f"is on host {there['host']}, and was planned on host {server['host']}")

    def _check_hosts(self, to_build: list[tuple[BuildRequest, PlannedServer]]) -> set[str]:
        """The hosts that are there, whether or not they have room; without a fleet none is looked at."""
        found: set[str] = set()
        by_host: dict[str, list[Instance]] = {}
        for request, server in to_build:
            by_host.setdefault(server["host"], []).append(request["instance"])
        for name, instances in by_host.items() if self._now.fleet else ():
            for rule in self._wrong_with(name, instances):
                self._add(f"hosts.{name}", name, rule)
            if name in self._hosts:
                found.add(name)
        return found

    def _wrong_with(self, name: str, instances: list[Instance]) -> Iterator[str]:
        facts, planned = self._hosts.get(name), self._plan["hosts"].get(name)
        if facts is None:
            are = "is" if self._now.fleet and name in self._now.fleet["hosts"] else "is not in the play, or is"
            yield f"{are} not read, and the plan has {named([instance['display_name'] for instance in instances])} there"
        elif planned and planned["uuid"] and facts.get("uuid") and facts["uuid"] != planned["uuid"]:
            yield f"is another machine than when it was planned: its uuid is {facts['uuid']}, not {planned['uuid']}"
        else:
            was = planned["resources"] if planned else {}
            yield from short(was, resources_of(facts), needed(instances))

    def _build(self, request: BuildRequest, server: PlannedServer, taken: Taken, *, is_host_there: bool) -> None:
        """Let the build request be the plan's server, and compare the two."""
        index, planned = request["request_index"], server["instance"]
        name, old = planned["display_name"], request["instance"]["uuid"]
        hostname = request["instance"]["hostname"].replace(old, planned["uuid"])
        instance = request["instance"] = {
            **request["instance"],
            "uuid": planned["uuid"],
            "reservation_id": planned["reservation_id"],
            "hostname": hostname,
            "domain_name": names.domain_name(hostname, planned["uuid"]),
        }
        if len(request["networks"]) != len(planned["ports"]):
            self._add(f"servers[{index}].networks", request["networks"], f"were {len(planned['ports'])} when it was planned", index, name)
            return
        # The servers of one request share what they ask for.
        networks: list[RequestedNetwork] = [{**wanted, "planned": port} for wanted, port in zip(request["networks"], planned["ports"], strict=True)]
        request["networks"] = networks
        # Nothing is left to be chosen.
        book = AddressBook((), lambda: 0, lambda: "")
        try:
            ports = [book.port(wanted) for wanted in networks]
        except NoMoreFixedIps as error:
            self._add(f"servers[{index}].networks", request["networks"], f"{error}, as the plan has it", index, name)
            return
        zone = zones_of(self._now.fleet).get(server["host"], DEFAULT_ZONE) if self._now.fleet and is_host_there else planned.get("availability_zone")
        for found in changes(planned, {**instance, "ports": ports, "availability_zone": zone}, f"servers[{index}]"):
            # With the same requests and catalogue another version of the collection has made something else of them.
            is_derived = found.path.startswith("servers[") and not found.path.endswith(".availability_zone")
            self._add_difference(found, index, name, self._by_version() if is_derived else "")
        for number, port in enumerate(ports):
            for address, holder in taken.of_others(port, planned["uuid"]):
                self._add(f"servers[{index}].networks[{number}]", address, f"is {name}'s in the plan, and {holder} has it now", index, name)


def _pinned(spec: RequestSpec, servers: dict[str, PlannedServer]) -> Iterator[RequestSpec]:
    """A request spec for each host of the plan, which may go nowhere else; ``servers``: by the id that the spec has for them."""
    by_host: dict[tuple[str, str], list[PlannedServer]] = {}
    for uuid in spec["instance_uuids"]:
        if uuid in servers:
            by_host.setdefault((servers[uuid]["host"], servers[uuid]["node"]), []).append(servers[uuid])
    for (host, node), on_host in by_host.items():
        yield {
            **spec,
            "id": f"{spec['id']} on {host}",
            "num_instances": len(on_host),
            "min_count": len(on_host),
            "instance_uuids": [server["instance"]["uuid"] for server in on_host],
            "display_names": [server["instance"]["display_name"] for server in on_host],
            "requested_destination": {"host": host, "node": node},
        }
