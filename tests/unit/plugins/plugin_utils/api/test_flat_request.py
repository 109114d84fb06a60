# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request from the answers of a survey."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.flat_request import FIELDS, VARIABLES, in_own_words, request_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.answers import WrongAnswer

ROOT = pathlib.Path(__file__).resolve().parents[5]
LAN = [{"name": "lan"}]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", " web\n", {"name": "web"}),
        ("name", 7, {"name": "7"}),
        ("name", True, {"name": True}),
        ("count", 3, {"min_count": "3"}),
        ("count", "3", {"min_count": "3"}),
        ("networks", "lan", {"networks": LAN}),
        ("networks", ["lan", "dmz"], {"networks": [{"name": "lan"}, {"name": "dmz"}]}),
        ("networks", "lan, dmz", {"networks": [{"name": "lan"}, {"name": "dmz"}]}),
        ("networks", "lan\n\ndmz\n", {"networks": [{"name": "lan"}, {"name": "dmz"}]}),
        ("networks", "a, b\nc", {"networks": [{"name": "a, b"}, {"name": "c"}]}),
        ("networks", "none", {"networks": "none"}),
        ("networks", ["auto"], {"networks": "auto"}),
        ("networks", '[{"name": "lan", "fixed_ip": "192.0.2.9"}]', {"networks": [{"name": "lan", "fixed_ip": "192.0.2.9"}]}),
        ("networks", "- name: lan\n- dmz", {"networks": [{"name": "lan"}, {"name": "dmz"}]}),
        ("networks", {"name": "lan"}, {"networks": {"name": "lan"}}),
        ("in_group", "web-apart", {"scheduler_hints": {"group": "web-apart"}}),
        ("security_groups", "default", {"security_groups": [{"name": "default"}]}),
        ("tags", "a,b", {"tags": ["a", "b"]}),
        ("tags", "[1, true]", {"tags": ["1", "true"]}),
        ("tags", [1], {"tags": ["1"]}),
        ("metadata", "a=1\nb = x=y", {"metadata": {"a": "1", "b": "x=y"}}),
        ("metadata", "a: 1\nb: c=d", {"metadata": {"a": "1", "b": "c=d"}}),
        ("metadata", '{"a": 1, "b": "c=d"}', {"metadata": {"a": "1", "b": "c=d"}}),
        ("metadata", {"a": 1}, {"metadata": {"a": "1"}}),
        ("user_data", "#!/bin/sh\necho {{ x }}\n", {"user_data_text": "#!/bin/sh\necho {{ x }}\n"}),
        ("admin_pass", " 1234 ", {"adminPass": " 1234 "}),
        ("zone", "az1:kvm1", {"availability_zone": "az1:kvm1"}),
    ],
)
def test_each_answer_gives_its_field(name: str, value: object, expected: dict[str, t.Any]) -> None:
    assert request_of({f"compute_server_{name}": value}) == expected


UNANSWERED = [(field.variable, value) for field in FIELDS for value in (None, "", [], {})]
UNANSWERED += [(field.variable, value) for field in FIELDS if field.name not in ("user_data", "admin_pass") for value in ("  ", "\n")]
UNANSWERED += [(f"compute_server_{name}", value) for name in ("networks", "security_groups", "tags") for value in (",", "[]")]


@pytest.mark.parametrize(("variable", "value"), UNANSWERED)
def test_what_was_not_answered_is_unset(variable: str, value: object) -> None:
    assert request_of({variable: value, "compute_server_groups": {"g": {}}}) is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("networks", "[lan", "compute_server_networks is neither YAML nor JSON"),
        ("tags", "- a\n b: [", "compute_server_tags is neither YAML nor JSON, line 2"),
        ("metadata", "secret", "compute_server_metadata must be key=value"),
        ("metadata", "a: [", "compute_server_metadata is neither"),
        ("metadata", "[a]", "compute_server_metadata must be key=value"),
    ],
)
def test_what_cannot_be_read_is_named(name: str, value: str, words: str) -> None:
    with pytest.raises(WrongAnswer, match=words) as caught:
        request_of({f"compute_server_{name}": value})
    assert "secret" not in str(caught.value)


def test_errors_name_the_variables() -> None:
    for text, expected in (
        ("servers[0].flavor", "compute_server_flavor"),
        ("servers[0].flavorRef", "compute_server_flavor"),
        ("servers[0].networks[1].name: x", "compute_server_networks[1].name: x"),
        ("servers[0].scheduler_hints.group: and servers[0].max_count", "compute_server_in_group: and compute_server_count"),
        ("servers[0].user_data_text", "compute_server_user_data"),
        ("servers[0].name_of", "servers[0].name_of"),
        ("compute_flavors.m1", "compute_flavors.m1"),
    ):
        assert in_own_words(text) == expected


def test_the_documentation_has_every_variable() -> None:
    text = (ROOT / "docs" / "awx" / "README.md").read_text()
    for field in FIELDS:
        assert f"| `{field.variable}` | `{field.path}` | {field.means} |" in text
    assert len(set(VARIABLES)) == len(VARIABLES)
