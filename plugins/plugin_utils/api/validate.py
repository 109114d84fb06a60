# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The api stage: requests and catalogue (and the fleet, where there is one) to instances and request specs, or every error; pure.

Follows ``nova/compute/api.py: API._create_instance``. Ids are made by the functions that are passed in; what time and which runs live is known to the fleet.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import aliases, block_devices, disks, existing, microversions, names, quotas
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.body import check_controller, check_schema, user_data_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import Catalogue, load
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.checks import Checker
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.policy import Policy
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Problems, ServerProblems
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import records as fleet_records
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import image_properties
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.constraints import is_true

Data = dict[str, t.Any]
DESCRIPTION_SINCE = 19
# More servers than this in one request are a slip of the finger.
MOST_SERVERS = 10000
FLAVOR_KEYS = ("id", "name", "vcpus", "memory_mb", "root_gb", "ephemeral_gb", "swap", "extra_specs")
IMAGE_KEYS = ("id", "name", "source", "checksum", "disk_format", "size", "virtual_size", "min_disk", "min_ram", "properties")


def validate(
    requests: list[Data],
    catalogue: Data,
    *,
    fleet: Data | None,
    context: Data,
    options: Data,
    new_uuid: Callable[[], str],
    new_reservation_id: Callable[[], str],
) -> Data:
    """{version, errors, warnings, notes, instances, request_specs, groups} in the shapes of docs/data.md.

    ``catalogue``: the compute_* variables without their prefix. ``context``: {project_id, user_id, roles}. ``options``: {unreachable_hosts (``fail``,
    ``ignore``), take_over, admin_password_file, force_config_drive, api_microversion (``2.N``)}. With any error there are no instances.
    """
    problems = Problems()
    try:
        minor = microversions.parse(options.get("api_microversion", microversions.NEWEST))
    except microversions.InvalidVersion as error:
        problems.add("compute_api_microversion", options["api_microversion"], error.rule, error.error_class, error.http_status)
        # Without a version there is nothing to check a body against.
        requests = []
        minor = microversions.MINORS[-1]
    entries, faults = load(catalogue)
    problems.extend(faults)
    _check_hosts(fleet, options, problems)
    run = _Run(entries, fleet, context, options, problems, new_uuid, new_reservation_id, minor)
    for index, request in enumerate(requests):
        run.add(index, request)
    ok = not problems.errors
    return {
        "version": 1,
        "errors": problems.errors,
        "warnings": problems.warnings,
        "notes": problems.notes,
        "instances": run.instances if ok else [],
        "request_specs": run.specs if ok else [],
        "groups": run.groups() if ok else [],
    }


def _check_hosts(fleet: Data | None, options: Data, problems: Problems) -> None:
    for name, host in (fleet or {"hosts": {}})["hosts"].items():
        if host["status"] == "ok":
            continue
        if options.get("unreachable_hosts") == "ignore":
            problems.warnings.append(f"host {name} is {host['status']} and left out: {host['error']}")
        else:
            rule = "a name or an address can't be proven free without it; compute_unreachable_hosts: ignore leaves it out"
            problems.add(f"hosts.{name}", str(host["error"]), f"is {host['status']}: {rule}", "HostUnreachable", 503)


class _Run:
    """What the requests of one call share: who has which name, address, quota and group."""

    def __init__(
        self,
        catalogue: Catalogue,
        fleet: Data | None,
        context: Data,
        options: Data,
        problems: Problems,
        new_uuid: Callable[[], str],
        new_reservation_id: Callable[[], str],
        minor: int,
    ) -> None:
        self.catalogue, self.fleet, self.context, self.options, self.problems = catalogue, fleet, context, options, problems
        self._new_uuid, self._new_reservation_id, self._minor = new_uuid, new_reservation_id, minor
        self.records = fleet_records(fleet) if fleet else []
        self.known = existing.find(self.records)
        self.usage = quotas.Usage(self.records, context["project_id"], context["user_id"], lambda name: catalogue.quota(context["project_id"], name))
        self.taken: dict[str, int] = {}
        # How many servers name-1, name-2 … the project has, by name.
        self._numbered: dict[str, int] = {}
        for record in self.records:
            stem, dash, number = record["display_name"].rpartition("-")
            if record["project_id"] == context["project_id"] and dash and number.isdigit():
                self._numbered[stem] = self._numbered.get(stem, 0) + 1
        self.instances: list[Data] = []
        self.specs: list[Data] = []
        self._members: dict[str, list[str]] = {}
        for record in self.records:
            if record.get("group"):
                self._members.setdefault(record["group"]["id"], []).append(record["uuid"])
        self.policy = Policy(catalogue.rules, context["user_id"], context.get("roles") or [])
        self.checker = Checker(catalogue, fleet, self.records, self.policy, context["project_id"])

    def groups(self) -> list[Data]:
        """The catalogue's server groups with the members that they have."""
        return [
            {
                "uuid": group["id"],
                "name": group["name"],
                "policy": group["policy"],
                "rules": group["rules"],
                "members": self._members.get(group["id"], []),
            }
            for group in self.catalogue.entries["server_groups"].values()
        ]

    def add(self, index: int, request: t.Any) -> None:
        """Check one request; its instances and its spec are kept."""
        if not isinstance(request, dict):
            self.problems.add(f"servers[{index}]", request, "must be a mapping", server=index)
            return
        body, renamed, written, clashes = aliases.to_body(request, self.catalogue)
        name = body["server"].get("name")
        problems = ServerProblems(self.problems, index, name if isinstance(name, str) else None, renamed)
        for path, value, rule in clashes:
            problems.add(path, value, rule)
        check_schema(body, problems, self._minor)
        if problems.count:
            return
        server = body["server"]
        self.policy.check(server, problems)
        asked = check_controller(body, problems)
        found = self.checker.check(server, asked, written, problems)
        base = self._base(server, asked, found)
        if found["flavor"] and found["is_readable"]:
            plan = disks.plan(found["flavor"], found["block_devices"], base["image"]["properties"] if base["image"] else {}, base["config_drive"])
            for fault in plan.faults:
                problems.add(*fault)
            for note in plan.notes:
                problems.note(note)
            base["disks"] = plan.disks
        base["topology"] = found["topology"]
        chosen = self._choose(index, base["hostname"], asked, found, problems)
        if problems.count:
            return
        beside = {
            "version": 1,
            "request_index": index,
            "networks": found["networks"],
            "target": found["target"],
            "secrets_given": self._secrets_given(server),
        }
        self._keep(base, beside, asked, found, chosen)

    def _base(self, server: Data, asked: Data, found: Data) -> Data:
        """Nova's base options: what all instances of a request have in common."""
        flavor, image = found["flavor"] or {}, found["image"]
        properties = (image or {}).get("properties") or {}
        wants_drive = is_true(server.get("config_drive", False)) or properties.get("img_config_drive") == "mandatory"
        return {
            # Before the field came, the name was the description.
            "display_description": server.get("description") if self._minor >= DESCRIPTION_SINCE else asked["name"],
            "project_id": self.context["project_id"],
            "user_id": self.context["user_id"],
            "flavor": {key: flavor.get(key) for key in FLAVOR_KEYS},
            # In Nova's own spelling, so that nobody behind the api stage has to know the others.
            "image": {**{key: image[key] for key in IMAGE_KEYS}, "properties": {**properties, **image_properties.known(properties)}} if image else None,
            "key_name": server.get("key_name"),
            "keypair": {key: found["keypair"][key] for key in ("name", "type", "public_key")} if found["keypair"] else None,
            "metadata": server.get("metadata") or {},
            "tags": sorted(set(server.get("tags") or [])),
            # That of its host, once it has one; the one that is asked for is the target's.
            "availability_zone": None,
            # A guest of a plain libvirt host has no metadata service to ask.
            "config_drive": wants_drive or bool(self.options.get("force_config_drive", True)),
            "auto_disk_config": server.get("OS-DCF:diskConfig") == "AUTO",
            "access_ip_v4": server.get("accessIPv4"),
            "access_ip_v6": server.get("accessIPv6"),
            "security_groups": [{"id": group["id"], "name": group["name"]} for group in found["security_groups"]],
            "scheduler_hints": asked["hints"],
            "group": {key: found["group"][key] for key in ("id", "name", "policy", "rules")} if found["group"] else None,
            "block_device_mapping": [{key: bdm[key] for key in block_devices.FIELDS} for bdm in found["block_devices"] if not bdm["no_device"]],
            "hostname": server.get("hostname"),
            "ports": [],
        }

    def _secrets_given(self, server: Data) -> Data:
        """Which secrets there are."""
        admin_pass = "given" if server.get("adminPass") is not None else "generated" if self.options.get("admin_password_file") else None
        return {"user_data": user_data_of(server) is not None, "admin_pass": admin_pass}

    def _choose(self, index: int, hostname: str | None, asked: Data, found: Data, problems: ServerProblems) -> list[tuple[int, Data | None]]:
        """[(launch index, record | None)]: the servers that are there, and as many new ones as quotas grant."""
        count = asked["max_count"]
        if count > MOST_SERVERS:
            problems.add("max_count", count, f"must not be more than {MOST_SERVERS} in one request", "TooManyInstances", 403)
            return []
        there: list[tuple[int, Data | None]] = []
        new: list[tuple[int, Data | None]] = []
        for position in range(count):
            display = names.names(asked["name"], hostname, count, position, "")[0]
            if display in self.taken:
                problems.add("name", display, f"is asked for by servers[{self.taken[display]}] too", "InstanceExists", 409)
                continue
            self.taken[display] = index
            record = self.known.get((self.context["project_id"], display))
            if record and existing.is_live(record) and not self.options.get("take_over"):
                rule = f"is being built by run {(record.get('run') or {}).get('id')}; wait for it, or take it over with compute_take_over: true"
                problems.add("name", display, rule, "InstanceIsBuilding", 409)
            (there if record else new).append((position, record))
        if found["flavor"] and new:
            granted = self._grant(asked, found, len(there), len(new), problems)
            if granted < len(new):
                problems.note(f"max_count {count}: quotas leave room for {granted} new servers of {len(new)}")
                new = new[:granted]
        if there and count < self._numbered.get(asked["name"], 0):
            problems.note(f"there are more servers named {asked['name']}-… than asked for; none is deleted")
        return sorted([*there, *new], key=lambda item: item[0])

    def _grant(self, asked: Data, found: Data, there: int, new: int, problems: ServerProblems) -> int:
        flavor, group = found["flavor"], found["group"]
        ports = sum(1 for network in found["networks"] if not network["port"])
        need = {"instances": 1, "cores": flavor["vcpus"], "ram": flavor["memory_mb"], "ports": ports}
        try:
            number = self.usage.grant(need, max(0, asked["min_count"] - there), new)
        except quotas.OverQuota as error:
            problems.add("min_count", asked["min_count"], str(error), error.error_class, 403)
            return new
        for rule, error_class in self.usage.join(group, number) if group and number else ():
            problems.add("os:scheduler_hints.group", group["name"], rule, error_class, 403)
        return number

    def _keep(self, base: Data, beside: Data, asked: Data, found: Data, chosen: list[tuple[int, Data | None]]) -> None:
        """Keep the build requests of a request; ``beside`` is what all of them have beside their instance."""
        reservation_id = next((record["reservation_id"] for _position, record in chosen if record), None) or self._new_reservation_id()
        new: list[Data] = []
        for position, record in chosen:
            uuid = record["uuid"] if record else self._new_uuid()
            display, hostname = names.names(asked["name"], base["hostname"], asked["max_count"], position, uuid)
            instance = {
                **base,
                "uuid": uuid,
                "display_name": display,
                "hostname": hostname,
                "domain_name": record["domain_name"] if record else names.domain_name(hostname, uuid),
                "reservation_id": record["reservation_id"] if record else reservation_id,
                "launch_index": position,
            }
            there = None
            if record:
                drift = existing.drift(instance, beside["target"]["zone"], beside["networks"], record)
                there = {"host": record["host"], "action": existing.action_for(record), "record": record, "drift": drift}
            else:
                new.append(instance)
            self.instances.append({**beside, "instance": instance, "existing": there})
        if new:
            self.specs.append(self._spec(base, beside, asked, found, new, len(chosen) - len(new)))

    def _spec(self, base: Data, beside: Data, asked: Data, found: Data, new: list[Data], there: int) -> Data:
        """The request spec: a request of the scheduler's (docs/data.md)."""
        where = {"host": found["host"], "node": found["hypervisor_hostname"]}
        image = base["image"] or {}
        return {
            "id": f"request-{beside['request_index']}",
            "request_index": beside["request_index"],
            "flavor": base["flavor"],
            "image": {"id": image.get("id"), "disk_format": image.get("disk_format"), "properties": image.get("properties") or {}},
            "num_instances": len(new),
            "min_count": max(1, min(len(new), asked["min_count"] - there)),
            "instance_uuids": [instance["uuid"] for instance in new],
            "display_names": [instance["display_name"] for instance in new],
            "is_bfv": block_devices.is_volume_booted(found["block_devices"]),
            "target": beside["target"],
            "scheduler_hints": {key: value for key, value in base["scheduler_hints"].items() if key != "group"},
            "group": base["group"]["id"] if base["group"] else None,
            "project_id": base["project_id"],
            "requested_destination": where if any(where.values()) else None,
            "ignore_hosts": [],
            "networks": [{"name": item["network"]["name"], "binding": item["network"]["binding"]} for item in beside["networks"]],
        }
