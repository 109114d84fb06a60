# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts, a plan for them, and what a later run makes of it: validated, scheduled and placed for real."""

from __future__ import annotations

import copy
import itertools
import json
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import place
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.apply import Now, apply
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.make import Origin, plan_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.plan_shape import faults_of_plan
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import explain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked, check

VERSION = "1.0.0"
ORIGIN = Origin(VERSION, "2026-01-01T00:00:00Z", "salt")
FLAVORS = {**CATALOGUE["flavors"], "small": {"vcpus": 1, "memory_mb": 1024, "root_gb": 10}}
FLEET_CATALOGUE: dict[str, t.Any] = {**CATALOGUE, "flavors": FLAVORS}


def host(name: str, **changes: t.Any) -> t.Any:
    return make.host(name, **{"memory_mb": 2048, "networks": make.networks("br0"), **changes})


def fleet(*hosts: t.Any) -> t.Any:
    return {"version": 1, "hosts": {one["name"]: {"status": "ok", "error": None, "state": one} for one in hosts}, "aggregates": []}


class World:
    """Requests, catalogue and fleet; a run that changes one of them goes on with what it left."""

    def __init__(self, *requests: t.Any, of: t.Any = None) -> None:
        self.requests: list[t.Any] = list(requests or [asked(min_count=2)])
        self.catalogue: dict[str, t.Any] = copy.deepcopy(FLEET_CATALOGUE)
        self.fleet: t.Any = of or fleet(host("h1"), host("h2"))
        self.project = "p"
        self.version = VERSION
        self._macs = itertools.count(1)
        self._ids = itertools.count(1)

    def validated(self) -> t.Any:
        return check(*self.requests, catalogue=self.catalogue, fleet=self.fleet, project=self.project)

    def round(self, validated: t.Any) -> t.Any:
        """The round that follows the scheduler."""
        hosts = [entry["state"] for entry in self.fleet["hosts"].values() if entry["state"]]
        specs = validated["request_specs"]
        results = list(zip(specs, schedule(specs, hosts, self.fleet["aggregates"], validated["groups"])["results"], strict=True))
        book = AddressBook(hosts, lambda: next(self._macs), lambda: f"00000000-0000-4000-9000-{next(self._ids):012d}", validated["kept_ports"])
        placed, unplaced = place(validated["instances"], results, self.fleet, book, lambda one: (one["message"], explain.reasons(one)))
        return rounds.first(placed, unplaced, run=make.run(), max_attempts=1, group_members={}, cached_images={})

    def plan(self) -> t.Any:
        """What the file of a plan gives back."""
        plan = json.loads(json.dumps(plan_of(self.round(self.validated()), self.fleet, self.requests, ORIGIN)))
        assert faults_of_plan(plan) == ""
        return plan

    def apply(self, plan: t.Any) -> t.Any:
        """The validation that builds the plan."""
        validated = self.validated()
        apply(plan, validated, Now(self.requests, self.project, self.fleet, self.version))
        return validated

    def errors(self, plan: t.Any) -> list[str]:
        found: list[str] = [error["message"] for error in self.apply(plan)["errors"]]
        return found

    def build(self, state: t.Any, **changes: t.Any) -> None:
        """The hosts have built every new server of a round."""
        for server in state["servers"].values():
            placed = server["placed"]
            if placed["action"] == "build":
                self.add(make.fleet_record(placed["instance"], host=placed["host"], **changes))

    def add(self, record: t.Any) -> None:
        """A server on its host."""
        facts = self.fleet["hosts"][record["host"]]["state"]
        facts["instances"] = [*facts["instances"], record]
        flavor = record["flavor"]
        for name, amount in (("VCPU", flavor["vcpus"]), ("MEMORY_MB", flavor["memory_mb"]), ("DISK_GB", flavor["root_gb"])):
            facts["used"] = {**facts["used"], name: facts["used"].get(name, 0) + amount}

    def facts(self, name: str) -> t.Any:
        return self.fleet["hosts"][name]["state"]


def where(state: t.Any) -> list[tuple[str, str, str, t.Any]]:
    """Name, id, host and ports of every server."""
    placed = [server["placed"] for server in state["servers"].values()]
    return [(one["instance"]["display_name"], one["instance"]["uuid"], one["host"], one["instance"]["ports"]) for one in placed]
