# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quotas of a project, counted from what the fleet's facts show (``nova/compute/utils.py: check_num_instances_quota``); pure."""

from __future__ import annotations

import typing as t
from collections.abc import Callable


class OverQuota(Exception):
    """Not even min_count fits; the message names requested, used and limit."""


def used(records: list[dict[str, t.Any]], project: str) -> dict[str, int]:
    """{instances, cores, ram, ports} that a project's servers use."""
    mine = [record for record in records if record["project_id"] == project]
    return {
        "instances": len(mine),
        "cores": sum(int(record["flavor"]["vcpus"]) for record in mine),
        "ram": sum(int(record["flavor"]["memory_mb"]) for record in mine),
        "ports": sum(len(record.get("ports") or []) for record in mine),
    }


def granted(need: dict[str, int], least: int, most: int, limit: Callable[[str], int], usage: dict[str, int]) -> int:
    """How many servers of ``need`` (per server) fit, between ``least`` and ``most``; OverQuota where fewer than ``least`` do."""
    fits = most
    for name, each in need.items():
        most_of = limit(name)
        if most_of >= 0 and each > 0:
            fits = min(fits, max(0, most_of - usage.get(name, 0)) // each)
    if fits >= least:
        return fits
    over = [name for name, each in need.items() if limit(name) >= 0 and usage.get(name, 0) + each * least > limit(name)]
    raise OverQuota(
        "quota exceeded for " + ", ".join(f"{name}: requested {need[name] * least}, already used {usage.get(name, 0)} of {limit(name)}" for name in over)
    )
