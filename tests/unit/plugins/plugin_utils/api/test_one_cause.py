# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One cause is one error, in the words of the request."""

from __future__ import annotations

import typing as t

import pytest


def said(api: t.Any, *requests: t.Any, **more: t.Any) -> list[str]:
    return [error["message"].removeprefix("servers[0].") for error in api.check(*requests, **more)["errors"]]


@pytest.mark.parametrize(("slip", "field"), [("flavour", "flavor"), ("images", "image")])
def test_a_field_that_is_misspelt_is_not_missing_too(api: t.Any, slip: str, field: str) -> None:
    assert said(api, api.request(**{field: ..., slip: "x"})) == [f"{slip}: unknown field; did you mean {field}?"]


@pytest.mark.parametrize("field", ["flavor", "image"])
def test_a_field_that_is_missing_has_the_name_of_the_documentation(api: t.Any, field: str) -> None:
    (error,) = api.check(api.request(**{field: ...}))["errors"]
    assert error["path"] == f"servers[0].{field}" and error["rule"].startswith("is required")


def test_a_body_of_nova_s_keeps_nova_s_names(api: t.Any) -> None:
    paths = [error["path"] for error in api.check({"server": {"name": "web", "networks": "none"}})["errors"]]
    assert paths == ["servers[0].flavorRef", "servers[0].imageRef"]


def test_another_slip_leaves_what_is_missing(api: t.Any) -> None:
    assert [message.partition(":")[0] for message in said(api, api.request(flavor=..., keypair="ops"))] == ["keypair", "flavor"]


def test_more_than_the_most_is_no_question_of_quotas_too(api: t.Any) -> None:
    assert said(api, api.request(min_count=5, max_count=2)) == ["min_count: 5: must not be greater than max_count 2"]


def test_a_name_in_place_of_a_mapping_is_told_how_to_write_it(api: t.Any) -> None:
    found = said(api, api.request(networks=["lan"], security_groups=["default"]))
    assert found == ['networks[0]: "lan": must be a mapping, such as {name: lan}', 'security_groups[0]: "default": must be a mapping, such as {name: default}']


def test_a_key_that_belongs_one_level_down_is_told_so(api: t.Any) -> None:
    networks = {"lan": {"bridge": "br0", "cidr": "192.0.2.0/24"}}
    assert said(api, api.request(), catalogue={"networks": networks}) == ["compute_networks.lan.cidr: unknown key; it belongs into subnets"]


def test_what_is_refused_is_not_noted_too(api: t.Any) -> None:
    flavor = {"vcpus": 1, "memory_mb": 512, "root_gb": 10, "extra_specs": {"os:secure_boot": "required", "hw:odd": "1"}}
    answer = api.check(api.request(), catalogue={"flavors": {"small": flavor}})
    assert [error["error_class"] for error in answer["errors"]] == ["UnsupportedHardware"]
    assert not any("os:secure_boot" in note for note in answer["notes"]) and any("hw:odd" in note for note in answer["notes"])
