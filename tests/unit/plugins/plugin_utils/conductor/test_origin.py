# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who asks, from where, and for how long."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.origin import origin_of


def told(variables: dict[str, t.Any] | None = None, environment: dict[str, str] | None = None, **options: str | None) -> t.Any:
    given: t.Any = {"owner": None, "job": None, "template": None, "ttl": None, **options}
    return origin_of(given, variables or {}, environment or {}, 1000.9)


def test_of_nothing_nothing_is_told() -> None:
    empty = {"owner": None, "job": None, "template": None, "ttl_s": None, "asked_at": 1000}
    assert told() == told(owner="", job="", template="", ttl="") == empty


def test_what_is_said_counts_before_awx_and_that_before_ci() -> None:
    variables = {"awx_job_id": 7, "awx_job_template_name": "create", "tower_job_id": 8}
    environment = {"CI_JOB_URL": "https://ci/1", "GITHUB_RUN_ID": "9", "GITHUB_WORKFLOW": "nightly"}
    assert (told(variables, environment)["job"], told(variables, environment)["template"]) == ("7", "create")
    assert (told({}, environment)["job"], told({}, environment)["template"]) == ("https://ci/1", "nightly")
    assert told(variables, environment, job="mine", ttl="2h", owner="ops") == {
        "owner": "ops",
        "job": "mine",
        "template": "create",
        "ttl_s": 7200,
        "asked_at": 1000,
    }


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="must be a number of seconds"):
        told(ttl="soon")
