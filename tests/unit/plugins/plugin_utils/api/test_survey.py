# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Surveys of job templates from the catalogue."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.flat_request import VARIABLES
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.survey import Question, create_survey

CATALOGUE: dict[str, dict[str, object]] = {
    kind: {"b": {}, "a": {}} for kind in ("flavors", "images", "networks", "server_groups", "keypairs", "security_groups")
}


def questions(catalogue: dict[str, dict[str, object]], *zones: str) -> dict[str, Question]:
    return {question["variable"]: question for question in create_survey(catalogue, zones)["spec"]}


def test_every_answer_is_a_variable_of_a_request() -> None:
    assert set(questions(CATALOGUE, "az1")) == set(VARIABLES) - {"compute_server_description", "compute_server_admin_pass"}


def test_choices_are_what_there_is_and_what_there_is_not_is_not_asked() -> None:
    asked = questions(CATALOGUE, "z", "y")
    assert [asked[f"compute_server_{name}"]["choices"] for name in ("flavor", "networks", "zone")] == [["a", "b"], ["a", "b"], ["y", "z"]]
    assert set(questions({})) == {f"compute_server_{name}" for name in ("name", "count", "tags", "metadata", "user_data")}


def test_the_only_choice_stands_there_already_where_one_is_required() -> None:
    asked = questions({"flavors": {"f": {}}, "keypairs": {"k": {}}})
    assert (asked["compute_server_flavor"]["default"], asked["compute_server_key_name"]["default"]) == ("f", "")


@pytest.mark.parametrize(("quota", "most"), [(5, 5), (1000, 100), (-1, 100), (True, 100), ("x", 100), (None, 100)])
def test_the_quota_limits_how_many(quota: t.Any, most: int) -> None:
    assert questions({"quotas": {"instances": quota}})["compute_server_count"]["max"] == most
