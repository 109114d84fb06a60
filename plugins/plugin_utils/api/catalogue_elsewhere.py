# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A part of the catalogue that the run's host does not see, while others of the inventory do; pure.

A check without hosts runs on the controller, which sees what all hosts have, and not what the group of the hypervisors has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Problems
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fault

# What a request fails with if an entry of that kind is unknown.
NOT_FOUND = {
    "flavors": "FlavorNotFound",
    "images": "ImageNotFound",
    "networks": "NetworkNotFound",
    "ports": "PortNotFound",
    "security_groups": "SecurityGroupNotFound",
    "keypairs": "KeypairNotFound",
    "server_groups": "InstanceGroupNotFound",
}


def named(errors: Sequence[Fault], elsewhere: Mapping[str, str], host: str) -> list[Fault]:
    """The errors with their cause in place of those that come of it; ``elsewhere``: where each kind that ``host`` does not see is set, in words."""
    missing = [kind for kind in elsewhere if any(error["error_class"] == NOT_FOUND.get(kind) for error in errors)]
    causes = Problems()
    for kind in missing:
        causes.add(f"compute_{kind}", None, _rule(elsewhere[kind], host), "InvalidCatalogue")
    come_of_it = {NOT_FOUND[kind] for kind in missing}
    return [*causes.errors, *(error for error in errors if error["error_class"] not in come_of_it)]


def warnings(elsewhere: Mapping[str, str], host: str) -> list[str]:
    """A sentence for each kind that was left out of a check that has found nothing wrong."""
    return [f"compute_{kind} {_rule(where, host)}; so it was not looked at" for kind, where in elsewhere.items()]


def _rule(where: str, host: str) -> str:
    return f"is set for {where}, but not for {host}, where this runs; put it into group_vars/all"
