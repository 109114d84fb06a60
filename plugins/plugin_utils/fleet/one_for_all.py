# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's variables that are one for all hosts of a play; pure.

A task that runs once takes those of the first host: one that a host has for itself would count or not by the accident of which host comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

OPTIONS = (
    "compute_servers",
    "compute_servers_file",
    "compute_project",
    "compute_user",
    "compute_roles",
    "compute_unreachable_hosts",
    "compute_take_over",
    "compute_duplicates",
    "compute_admin_password_file",
    "compute_api_microversion",
    "compute_registrar",
    "compute_registrar_dsn",
    "compute_reservation_timeout_s",
    "compute_fleet_size",
    "compute_max_attempts",
    "compute_build_timeout_s",
    "compute_vif_plugging_timeout_s",
    "compute_vif_plugging_is_fatal",
    "compute_scheduler_filters",
    "compute_scheduler_weighers",
    "compute_scheduler_options",
    "compute_result_file",
    "compute_report_file",
    "compute_plan_file",
    "compute_junit_file",
    "compute_code_quality_file",
    "compute_github_annotations",
    "compute_inventory_prefix",
    "compute_ttl",
    "compute_owner",
    "compute_job",
    "compute_template",
    "compute_login_user",
    "compute_login_private_key_file",
    "compute_login_group",
    "compute_login_via",
    "compute_fleet_file",
    "compute_use_cached_facts",
)


def difference(names: Iterable[str], hosts: Mapping[str, Mapping[str, object]]) -> str | None:
    """A sentence of the first variable that is not the same on all hosts; None if all are."""
    for name in names:
        values = {host: variables.get(name) for host, variables in hosts.items()}
        first, value = next(iter(values.items()), (None, None))
        odd = next((host for host, other in values.items() if other is not value and other != value), None)
        if odd is not None:
            return f"{name} of host {odd} is not that of {first}: it is one for all, so set it for all hosts alike"
    return None
