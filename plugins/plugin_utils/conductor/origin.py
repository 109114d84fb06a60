# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks for servers, from where, and for how long: as it is told, or as AWX and CI systems tell it; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.duration import seconds_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Origin
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import OriginOptions

# Variables of a job of AWX, then what GitLab and GitHub have in the environment of theirs.
_JOB = (("awx_job_id", "tower_job_id"), ("CI_JOB_URL", "GITHUB_RUN_ID"))
_TEMPLATE = (("awx_job_template_name", "tower_job_template_name"), ("CI_JOB_NAME", "GITHUB_WORKFLOW"))


def _told(given: str | None, sources: tuple[tuple[str, ...], tuple[str, ...]], variables: Mapping[str, t.Any], environment: Mapping[str, str]) -> str | None:
    of_awx, of_ci = sources
    found = (given, *(variables.get(name) for name in of_awx), *(environment.get(name) for name in of_ci))
    return next((str(value) for value in found if value not in (None, "")), None)


def origin_of(options: OriginOptions, variables: Mapping[str, t.Any], environment: Mapping[str, str], asked_at: float) -> Origin:
    """The origin of a run's servers; ValueError for a ``ttl`` that is none. What is empty is not told: a survey gives that for what was left out."""
    return {
        "owner": options["owner"] or None,
        "job": _told(options["job"], _JOB, variables, environment),
        "template": _told(options["template"], _TEMPLATE, variables, environment),
        "ttl_s": seconds_of(options["ttl"]) if options["ttl"] else None,
        "asked_at": int(asked_at),
    }
