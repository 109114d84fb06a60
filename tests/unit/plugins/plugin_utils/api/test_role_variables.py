# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of a role's variables."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.role_variables import Held, Option, faults

OPTIONS: dict[str, Option] = {
    "attempts": {"type": "int"},
    "ratio": {"type": "float"},
    "apply": {"type": "bool"},
    "wait_for": {"type": "str", "choices": ["active", "ssh"]},
    "operation": {"type": "str", "choices": ["show", "off"]},
    "owner": {"type": "str"},
    "file": {"type": "path"},
    "roles": {"type": "list", "elements": "str"},
    "filters": {"type": "list", "elements": "raw"},
    "headers": {"type": "dict", "no_log": True},
    "servers": {"type": "raw"},
    "compute_project": {"type": "str"},
    "reap_tags": {"type": "list", "elements": "str"},
}


def rules(**values: t.Any) -> list[str]:
    return [f"{fault.path}: {fault.rule}" for fault in faults(OPTIONS, {name: [Held(value, ())] for name, value in values.items()})]


GOOD: dict[str, list[object]] = {
    "attempts": [3, 3.0, "3", " 3 ", 0],
    "ratio": [4, 4.5, "4.5", ".5", "1e3"],
    "apply": [True, False, "yes", "False", "on", "0", 1],
    "wait_for": ["ssh"],
    "owner": ["ops", 17, "{{"],
    "file": ["~/x"],
    "roles": [["a"], [], "a", "a\nb", "a, b", "[a, b]", "- a\n- b", [1]],
    "filters": [[{"name": "x", "weight": 2}], "- {name: x, weight: 2}"],
    "headers": [{}, {"a": "b"}, "a: b", '{"a": "b"}', "a=b\nc=d"],
    "servers": [3, "[", {}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_what_will_do(name: str, value: object) -> None:
    assert rules(**{name: value}) == []


@pytest.mark.parametrize("name", [name for name in OPTIONS if name not in ("compute_project", "reap_tags")])
@pytest.mark.parametrize("value", [None, ""])
def test_null_and_an_empty_text_are_as_if_it_were_not_set(name: str, value: object) -> None:
    assert rules(**{name: value}) == []


@pytest.mark.parametrize("value", [None, "", "  "])
def test_what_would_take_more_than_was_meant_is_never_empty(value: object) -> None:
    assert rules(compute_project=value) == ["compute_project: must not be empty; leave it out for the project default"]
    assert rules(reap_tags=value) == ["reap_tags: must not be empty; leave it out to take servers of any"]


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("attempts", "three", "must be a whole number"),
        ("attempts", 3.5, "must be a whole number"),
        ("attempts", "3.5", "must be a whole number"),
        ("attempts", True, "must be a whole number"),
        ("attempts", float("inf"), "must be a whole number"),
        ("attempts", "٣", "must be a whole number"),
        ("attempts", -1, "must not be negative"),
        ("attempts", [3], "must be a whole number"),
        ("ratio", "4,0", "must be a number; it has a point and no comma"),
        ("ratio", "soon", "must be a number"),
        ("ratio", "nan", "must be a number"),
        ("ratio", float("nan"), "must be a number"),
        ("ratio", True, "must be a number"),
        ("ratio", "-0.5", "must not be negative"),
        ("apply", "maybe", "must be true or false"),
        ("apply", "y", "must be true or false"),
        ("apply", 2, "must be true or false"),
        ("apply", [], "must be true or false"),
        ("wait_for", "shs", "must be one of active, ssh; did you mean ssh?"),
        ("wait_for", 3, "must be one of active, ssh"),
        ("wait_for", ["ssh"], "must be one of active, ssh"),
        ("operation", False, "must be one of show, off; in YAML off needs quotes"),
        ("owner", False, "must be text; in YAML a word such as yes, no, on and off needs quotes"),
        ("owner", {"a": 1}, "must be text"),
        ("file", [], "must be text"),
        ("roles", {"a": 1}, "must be a list"),
        ("roles", 3, "must be a list"),
        ("roles", "[a", "is neither YAML nor JSON, line 1"),
        ("roles", ["a", {"b": 1}], "entry 1 of it must be text"),
        ("headers", [], "must be a mapping"),
        ("headers", "just words", "must be a mapping"),
        ("headers", "{a", "is neither YAML nor JSON, line 1"),
    ],
)
def test_what_will_not_do_and_why(name: str, value: object, rule: str) -> None:
    assert rules(**{name: value}) == [f"{name}: {rule}"]


def test_every_fault_comes_at_once_and_names_the_hosts_that_have_it() -> None:
    hosts = tuple(f"h{number}" for number in range(1, 51))
    found = list(faults(OPTIONS, {"attempts": [Held("x", ())], "ratio": [Held("4,0", hosts), Held(1.0, ("h51",)), Held("?", ("h52",))]}))
    assert [(fault.path, fault.value) for fault in found] == [("attempts", "x"), ("ratio (hosts h1, h2, h3 and 47 more)", "4,0"), ("ratio (host h52)", "?")]


def test_a_secret_is_not_shown() -> None:
    (fault,) = faults(OPTIONS, {"headers": [Held("{Authorization: Bearer s3cret", ())]})
    assert fault.value == "<hidden>" and "s3cret" not in fault.rule


@pytest.mark.parametrize("values", [{}, {"inventory": [Held("", ())]}, {"inventory": [Held(None, ())]}])
def test_what_is_required_and_not_set(values: dict[str, list[Held]]) -> None:
    (fault,) = faults({"inventory": {"type": "str", "required": True}}, values)
    assert (fault.path, fault.rule) == ("inventory", "is required")
