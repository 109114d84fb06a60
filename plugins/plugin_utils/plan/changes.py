# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a planned server rests on and is another now: its flavor, image, key pair, groups, networks and zone; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance, Port
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.differences import Difference, differences

# The fields of an instance that are an entry of the catalogue, and its variable.
_ENTRIES = {"flavor": "compute_flavors", "image": "compute_images", "keypair": "compute_keypairs", "group": "compute_server_groups"}
# What follows from flavor and image.
_DERIVED = ("topology", "disks")
# Of a port what its network has no part in.
_OF_PORT = ("mac_address", "tag", "preexisting", "device", "allowed_address_pairs", "bandwidth", "queues")
# Of these what follows from flavor and image.
_DERIVED_OF_PORT = ("bandwidth", "queues")
# Who applies a plan need not be who made it.
_ELSEWHERE = (*_ENTRIES, "user_id", "ports", "security_groups")


def changes(was: Instance, now: Instance, request: str) -> Iterator[Difference]:
    """Each difference, at the path of the catalogue's variable, or below ``request`` (servers[0]). One cause is told once: what follows from it is not."""
    before: dict[str, object] = {**was}
    after: dict[str, object] = {**now}
    causes = [found for key, variable in _ENTRIES.items() for found in _entry(before.get(key), after[key], variable, f"{request}.{key}")]
    yield from causes
    yield from _groups(before.get("security_groups"), after["security_groups"], request)
    for index, port in enumerate(now["ports"]):
        for found, part in _port(was["ports"][index], port, f"{request}.networks[{index}]"):
            if not (causes and part in _DERIVED_OF_PORT):
                yield found
    for key, value in after.items():
        if key not in _ELSEWHERE and not (causes and key in _DERIVED):
            yield from differences(before.get(key), value, f"{request}.{key}")


def _entry(was: object, now: object, variable: str, field: str) -> Iterator[Difference]:
    if isinstance(was, dict) and isinstance(now, dict) and was.get("name") == now["name"]:
        yield from differences(was, now, f"{variable}.{now['name']}")
    else:
        yield from differences(was, now, field)


def _groups(was: object, now: object, request: str) -> Iterator[Difference]:
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for one, other in zip(was, now, strict=True):
            yield from _entry(one, other, "compute_security_groups", f"{request}.security_groups")
    else:
        yield from differences(was, now, f"{request}.security_groups")


def _port(was: Port, now: Port, field: str) -> Iterator[tuple[Difference, str]]:
    """A port differs by its network, or is another one; with each difference the port's field."""
    network = f"compute_networks.{now['network_name']}"
    if was["id"] != now["id"]:
        yield Difference(f"{field}.port", was["id"], now["id"]), "id"
        return
    for found in differences({**was, "fixed_ips": None}, {**now, "fixed_ips": None}):
        part = re.split(r"[.\[]", found.path, maxsplit=1)[0]
        yield found._replace(path=f"{field if part in _OF_PORT else network}.{found.path}"), part
    before, after = ([ip["ip_address"] for ip in port["fixed_ips"]] for port in (was, now))
    if before != after:
        yield Difference(f"{field}.fixed_ip", before, after), "fixed_ips"
        return
    for one, other in zip(was["fixed_ips"], now["fixed_ips"], strict=True):
        yield from ((found, "fixed_ips") for found in differences(one, other, network))
