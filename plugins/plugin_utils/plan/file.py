# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a plan on the controller: read as data, written whole or not at all, for its owner only."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import json_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.plan_shape import faults_of_plan
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Plan


class PlanFileError(ValueError):
    """A plan's file that can't be read or written; the message names it."""


def read(path: str) -> Plan:
    """The plan; PlanFileError if the file is missing, no plan, of another version, or changed by hand."""
    try:
        with open(path, encoding="utf-8") as file:
            document: t.Any = json.load(file)
    except OSError as error:
        raise PlanFileError(f"compute_plan_file {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise PlanFileError(f"compute_plan_file {path}: must be JSON: {error}") from error
    wrong = faults_of_plan(document)
    if wrong:
        raise PlanFileError(f"compute_plan_file {path}: {wrong}")
    plan: Plan = document
    return plan


def write(path: str, plan: Plan) -> None:
    """Put the plan there, mode 0600; PlanFileError where that can't be."""
    try:
        json_file.write(path, plan, 0o600)
    except OSError as error:
        raise PlanFileError(f"compute_plan_file {path}: {error.strerror}") from error
