# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a request that has no fault: a build request for each server, and a request spec for the new ones; pure.

Follows ``nova/compute/api.py: API._validate_and_build_base_options`` and ``nova/objects/request_spec.py: RequestSpec.from_components``.
"""

from __future__ import annotations

import typing as t
from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor, Instance
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import block_devices, drift, existing, names
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.body import user_data_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.checks import Lookups
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.choice import Chosen
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import Asked, ServerBody
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.target import DEFAULT_ZONE, Places
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.port_security import is_secured
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    BuildRequest,
    Existing,
    FleetInstance,
    RequestedNetwork,
    RequestSpec,
    SecretsGiven,
    SpecNetwork,
)

DESCRIPTION_SINCE = 19


@dataclass(frozen=True)
class Owner:
    """For whom, and by what, a run makes servers."""

    project_id: str
    user_id: str
    minor: int  # the microversion's
    generates_passwords: bool
    new_uuid: Callable[[], str]
    new_reservation_id: Callable[[], str]


@dataclass(frozen=True)
class Request:
    """A request that has no fault."""

    index: int  # position
    server: ServerBody
    asked: Asked
    flavor: Flavor
    lookups: Lookups
    chosen: list[Chosen]  # its servers


def build_requests(request: Request, owner: Owner) -> list[BuildRequest]:
    """A build request for each server, in the order of their positions."""
    reservation_id = next((item.record["reservation_id"] for item in request.chosen if item.record), None) or owner.new_reservation_id()
    return [_build_request(request, item, owner, reservation_id) for item in request.chosen]


def _build_request(request: Request, item: Chosen, owner: Owner, reservation_id: str) -> BuildRequest:
    instance = _instance(request, item, owner, reservation_id)
    lookups = request.lookups
    return {
        "version": 1,
        "request_index": request.index,
        "instance": instance,
        "networks": lookups.networks,
        "target": lookups.target,
        "secrets_given": _secrets_given(request.server, owner),
        "existing": _existing(instance, lookups, item, item.record) if item.record else None,
    }


def _instance(request: Request, item: Chosen, owner: Owner, reservation_id: str) -> Instance:
    server, asked, lookups, record = request.server, request.asked, request.lookups, item.record
    uuid = record["uuid"] if record else owner.new_uuid()
    display, hostname = names.names(asked.name, server.get("hostname"), asked.max_count, item.position, uuid)
    return {
        "uuid": uuid,
        "display_name": display,
        # Before the field came, the name was the description.
        "display_description": server.get("description") if owner.minor >= DESCRIPTION_SINCE else asked.name,
        "hostname": hostname,
        "domain_name": record["domain_name"] if record else names.domain_name(hostname, uuid),
        "project_id": owner.project_id,
        "user_id": owner.user_id,
        "reservation_id": record["reservation_id"] if record else reservation_id,
        "launch_index": item.position,
        "flavor": request.flavor,
        "image": lookups.image,
        "key_name": server.get("key_name"),
        "keypair": lookups.keypair,
        "metadata": server.get("metadata") or {},
        "tags": sorted(set(server.get("tags") or [])),
        # That of its host, once it has one; the one that is asked for is the target's.
        "availability_zone": None,
        "config_drive": lookups.config_drive,
        "auto_disk_config": server.get("OS-DCF:diskConfig") == "AUTO",
        "access_ip_v4": server.get("accessIPv4"),
        "access_ip_v6": server.get("accessIPv6"),
        "security_groups": lookups.security_groups,
        "scheduler_hints": asked.hints,
        "group": lookups.group,
        "topology": lookups.topology,
        "disks": lookups.disks,
        "ports": [],
    }


def _secrets_given(server: ServerBody, owner: Owner) -> SecretsGiven:
    admin_pass = "given" if server.get("adminPass") is not None else "generated" if owner.generates_passwords else None
    return {"user_data": user_data_of(server) is not None, "admin_pass": admin_pass}


def _existing(instance: Instance, lookups: Lookups, item: Chosen, record: FleetInstance) -> Existing:
    action = existing.action_for(record)
    wanted = drift.Wanted(instance, lookups.networks, lookups.target, lookups.destination)
    return {
        "host": record["host"],
        "action": action,
        "record": record,
        "drift": drift.drift(wanted, record, _whereabouts(lookups.places, record["host"], item.migrating_to), action),
        "image": item.image,
        "error": item.error,
    }


def _whereabouts(places: Places | None, host: str, migrating_to: str | None) -> drift.Whereabouts:
    node = places.node_of.get(host, host) if places else host
    zone = places.zone_of.get(host, DEFAULT_ZONE) if places else DEFAULT_ZONE
    return drift.Whereabouts(host, node, zone, migrating_to)


def _spec_network(item: RequestedNetwork) -> SpecNetwork:
    network = item["network"]
    return {
        "name": network["name"],
        "binding": network["binding"],
        "port_security_enabled": is_secured(item["port"], network),
        "mtu": network["mtu"],
        "limited": item["bandwidth"] is not None,
        "served": any(subnet["dhcp_server"] for subnet in item["network"]["subnets"]),
    }


def request_spec(request: Request, made: list[BuildRequest], project_id: str) -> RequestSpec | None:
    """What the scheduler is asked for the new servers; None if there are none."""
    new = [item["instance"] for item in made if item["existing"] is None]
    if not new:
        return None
    lookups, first = request.lookups, new[0]
    image = first["image"]
    hints: dict[str, t.Any] = {key: value for key, value in request.asked.hints.items() if key != "group"}
    return {
        "id": f"request-{request.index}",
        "request_index": request.index,
        "flavor": first["flavor"],
        "image": {
            "id": image["id"] if image else None,
            "disk_format": image["disk_format"] if image else None,
            "properties": image["properties"] if image else {},
        },
        "num_instances": len(new),
        "min_count": max(1, min(len(new), request.asked.min_count - (len(made) - len(new)))),
        "instance_uuids": [instance["uuid"] for instance in new],
        "display_names": [instance["display_name"] for instance in new],
        "is_bfv": block_devices.is_volume_booted(lookups.block_devices),
        "target": lookups.target,
        "scheduler_hints": hints,
        "group": first["group"]["id"] if first["group"] else None,
        "project_id": project_id,
        "requested_destination": lookups.destination,
        "ignore_hosts": [],
        "networks": [_spec_network(item) for item in lookups.networks],
    }
