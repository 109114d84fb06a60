# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The api stage: requests and catalogue (and the fleet, if there is one) to build requests and request specs, or every fault; pure.

Follows ``nova/compute/api.py: API._create_instance``. Ids are made by the functions that are passed in; what time it is, and which runs live, is known to the
fleet.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterator

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import aliases, microversions, network_binding, one_cause, second_look, unread_host
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.body import check_controller, check_schema
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.build_requests import Owner, Request, build_requests, request_spec
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import Catalogue, load
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.checks import Checker, Lookups
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.choice import Choices
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.duplicates import ERROR_CLASS as DUPLICATE
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.duplicates import Duplicates
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.duplicates import find as find_duplicates
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.enforced_groups import groups_of, member_groups, rules_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.group_numbers import other_rules, seen_on_hosts
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.policy import Policy
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Findings, Problems, Remark, ServerProblems, gathered
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import Asked, Body
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import records as records_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.inventory_names import InventoryNames
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.twins import twins
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    BuildRequest,
    Fleet,
    FleetInstance,
    HostEntry,
    KeptPort,
    RequestSpec,
    SpecGroup,
    Validation,
)


class Options(t.TypedDict, total=False):
    """How a run validates."""

    unreachable_hosts: str  # fail or ignore
    take_over: bool  # servers that another run is building
    duplicates: str  # warn or fail, if something of other servers is there twice
    admin_password_file: str | None  # passwords are generated
    force_config_drive: bool  # every server has one; true if it is left out
    api_microversion: str  # 2.N, or latest


class Context(t.TypedDict):
    """Who asks."""

    project_id: str
    user_id: str
    roles: t.NotRequired[list[str] | None]


def validate(
    requests: list[t.Any],
    catalogue: dict[str, t.Any],
    *,
    fleet: Fleet | None,
    context: Context,
    options: Options,
    new_uuid: Callable[[], str],
    new_reservation_id: Callable[[], str],
    inventory: InventoryNames | None = None,
) -> Validation:
    """The build requests and request specs of all requests; with any fault there are none.

    ``catalogue``: the compute_* variables without their prefix.
    """
    problems = Problems()
    try:
        minor = microversions.parse(options.get("api_microversion", microversions.NEWEST))
    except microversions.InvalidVersion as error:
        problems.add("compute_api_microversion", options.get("api_microversion"), error.rule, error.error_class, error.http_status)
        # Without a version there is nothing to check a body against.
        requests = []
        minor = microversions.MINORS[-1]
    if not context["project_id"].strip():
        rule = "must not be empty: an empty name is a project of its own; leave it out for the project default"
        problems.add("compute_project", context["project_id"], rule)
    entries, faults = load(catalogue)
    problems.extend(faults)
    for found in _check_hosts(fleet, options) if fleet else ():
        if isinstance(found, Fault):
            problems.extend([found])
        else:
            problems.warnings.append(found.text)
    network_binding.tell_mtu(entries.networks.by_key.values(), (host["state"] for host in fleet["hosts"].values() if host["state"]) if fleet else ())
    records = records_of(fleet) if fleet else []
    cloned = list(twins(fleet)) if fleet else []
    for pair in cloned:
        if pair.are_one:
            rule = f"is the same libvirt as host {pair.first}, which would count twice; take one of the two names out of the inventory"
            problems.add(f"hosts.{pair.second}", pair.uuid, rule, "DuplicateHost", 409)
        else:
            both = f"hosts {pair.first} and {pair.second} have one uuid ({pair.uuid})"
            problems.warnings.append(f"{both}: cloned machines need their own host_uuid in libvirtd.conf")
    # Of a host that is there twice everything would be.
    duplicates = find_duplicates(fleet, records) if fleet and not any(pair.are_one for pair in cloned) else []
    if options.get("duplicates") == "fail":
        problems.extend(Fault(f"hosts.{found.holders[-1].host}", found.value, str(found), DUPLICATE, 409) for found in duplicates)
    else:
        problems.warnings += (f"{found}; none of them is touched" for found in duplicates)
    owner = Owner(context["project_id"], context["user_id"], minor, bool(options.get("admin_password_file")), new_uuid, new_reservation_id)
    policy = Policy(entries.rules, context["user_id"], context.get("roles") or [])
    run = _Run(entries, fleet, records, Duplicates(duplicates), policy, owner, options, inventory)
    instances: list[BuildRequest] = []
    specs: list[RequestSpec] = []
    for index, given in enumerate(requests):
        request = run.read(index, given, problems)
        if request:
            made = build_requests(request, owner)
            spec = request_spec(request, made, owner.project_id)
            instances += made
            specs += [spec] if spec else []
    ok = not problems.errors
    states = {name: host["state"] for name, host in fleet["hosts"].items()} if fleet else {}
    rules = seen_on_hosts(rules_of(entries.security_groups, groups_of(instances)), states) if ok else []
    problems.warnings += other_rules(rules, states, owner.project_id)
    return {
        "version": 1,
        "errors": problems.errors,
        "warnings": [*problems.warnings, *problems.remarks(warnings=True)],
        "notes": problems.remarks(warnings=False),
        "instances": instances if ok else [],
        "request_specs": specs if ok else [],
        "groups": _groups(entries, records) if ok else [],
        "kept_ports": list(_kept_ports(entries)) if ok else [],
        "security_groups": rules,
        "hosts_with_gaps": [name for name, host in fleet["hosts"].items() if gaps_of(host)] if fleet else [],
        "member_groups": member_groups(rules, states.values(), owner.project_id),
        "has_tunnels": network_binding.has_tunnels(instances),
    }


def gaps_of(host: HostEntry) -> list[str]:
    """Where a host says that its ports are not filtered as they must be."""
    state = host["state"]
    return (state["networks"].get("gaps") or []) if state and "networks" in state else []


def _kept_ports(catalogue: Catalogue) -> Iterator[KeptPort]:
    """The ports made beforehand: whether or not a server has them, what they have is theirs."""
    for port in catalogue.ports.by_key.values():
        network = catalogue.networks.find(port["network"])
        if network:
            addresses = [ip["ip_address"] for ip in port["fixed_ips"]]
            yield {"network_id": network["id"], "binding": network["binding"], "mac_address": port["mac_address"], "ip_addresses": addresses}


def _check_hosts(fleet: Fleet, options: Options) -> Iterator[Fault | Remark]:
    """Hosts that can't be read."""
    for name, host in fleet["hosts"].items():
        if host["status"] == "ok":
            found = gaps_of(host)
            if found:
                mended = "the next server that is built mends it, or the playbook security_groups"
                yield Remark(f"host {name} does not filter its guests as it must: {named(found)}; {mended}", is_warning=True)
            continue
        if options.get("unreachable_hosts") == "ignore":
            yield Remark(f"host {name} is {host['status']} and left out: {host['error']}", is_warning=True)
        else:
            error_class, rule = unread_host.fault(host["status"], str(host["error"]))
            yield Fault(f"hosts.{name}", name, rule, error_class, 503)


def _groups(catalogue: Catalogue, records: list[FleetInstance]) -> list[SpecGroup]:
    """The catalogue's server groups with the members that they have."""
    members: dict[str, list[str]] = {}
    for record in records:
        if record["group"]:
            members.setdefault(record["group"]["id"], []).append(record["uuid"])
    groups = catalogue.server_groups.by_key.values()
    return [
        {"uuid": item["id"], "name": item["name"], "policy": item["policy"], "rules": item["rules"], "members": members.get(item["id"], [])} for item in groups
    ]


class _Run:
    """Reads one request after another; what one of them takes is taken for the next."""

    def __init__(
        self,
        catalogue: Catalogue,
        fleet: Fleet | None,
        records: list[FleetInstance],
        duplicates: Duplicates,
        policy: Policy,
        owner: Owner,
        options: Options,
        inventory: InventoryNames | None,
    ) -> None:
        self._catalogue, self._policy, self._minor = catalogue, policy, owner.minor
        self._checker = Checker(catalogue, fleet, records, policy, owner.project_id, bool(options.get("force_config_drive", True)))
        self._choices = Choices(catalogue, records, duplicates, owner.project_id, owner.user_id, bool(options.get("take_over")), inventory)

    def read(self, index: int, given: object, problems: Problems) -> Request | None:
        """A request, found and checked; None if it has a fault."""
        if not isinstance(given, dict):
            problems.add(f"servers[{index}]", given, "must be a mapping", server=index)
            return None
        aliased = aliases.to_body(given, self._catalogue)
        server: object = aliased.body["server"]
        name = server.get("name") if isinstance(server, dict) else None
        of_server = ServerProblems(problems, index, name if isinstance(name, str) else None, aliased.aliases)
        of_server.extend(aliased.clashes)
        broken = list(check_schema(aliased.body, self._minor))
        if aliased.clashes or broken:
            others = self._others(aliased.body, aliased.written, [*aliased.clashes, *broken])
            of_server.extend(one_cause.faults([*broken, *others]))
            return None
        body: t.Any = aliased.body
        request = of_server.collect(self._read(index, body, aliased.written))
        return None if of_server.count else request

    def _others(self, given: dict[str, t.Any], written: dict[str, object], broken: list[Fault]) -> Iterator[Fault]:
        """What else is wrong with a request that breaks the schema."""
        found = second_look.fitting(given, broken)
        if found:
            body, left_out = found
            _nothing, faults, _remarks = gathered(self._references(body, written))
            yield from second_look.of_the_rest(faults, left_out)

    def _references(self, body: Body, written: dict[str, object]) -> Findings[tuple[Asked, Lookups]]:
        server = body["server"]
        yield from self._policy.check(server)
        asked = yield from check_controller(body)
        return asked, (yield from self._checker.check(server, asked, written))

    def _read(self, index: int, body: Body, written: dict[str, object]) -> Findings[Request | None]:
        """A body that fits the schema."""
        server = body["server"]
        asked, lookups = yield from self._references(body, written)
        chosen = yield from self._choices.choose(index, server.get("hostname"), asked, lookups.flavor, lookups.networks, lookups.group)
        # A flavor that has a fault of its own is no fault of the request.
        return Request(index, server, asked, lookups.flavor, lookups, chosen) if lookups.flavor else None
