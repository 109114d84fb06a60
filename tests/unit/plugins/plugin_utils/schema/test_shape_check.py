"""The one language of schemas: every fault at once, one for each value, in plain English."""

from __future__ import annotations

import math
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import catalogue, defaults
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault, join
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fits import fits
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.shape_check import explained, faults
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.words import (
    BOOLEAN,
    NUMBER,
    SCALAR,
    TEXT,
    by_name,
    field,
    list_of,
    mapping,
    of_format,
    one_of,
    whole,
)

SCHEMA = mapping(
    {
        "count": whole(least=1, most=9),
        "ratio": NUMBER,
        "kind": one_of("bridge", "libvirt_network", default="bridge"),
        "on": BOOLEAN,
        "address": of_format("ip"),
        "label": field({"type": "string", "minLength": 1, "maxLength": 3}),
        "list": list_of(mapping({"name": TEXT}, required=("name",)), default=[], minItems=1, maxItems=2),
        "free": by_name(SCALAR, default={}),
    },
    required=("count",),
)


@pytest.mark.parametrize(
    ("document", "path", "value", "rule"),
    [
        ([], "", [], "must be a mapping"),
        ({}, "count", None, "is required"),
        ({"count": None}, "count", None, "is required"),
        ({"count": "1"}, "count", "1", "must be a whole number"),
        ({"count": True}, "count", True, "must be a whole number"),
        ({"count": 1.0}, "count", 1.0, "must be a whole number"),
        ({"count": 0}, "count", 0, "must be at least 1"),
        ({"count": 10}, "count", 10, "must be at most 9"),
        ({"count": 1, "ratio": True}, "ratio", True, "must be a number"),
        ({"count": 1, "ratio": -math.inf}, "ratio", -math.inf, "must be a number"),
        ({"count": 1, "kind": "brigde"}, "kind", "brigde", "must be one of bridge, libvirt_network; did you mean bridge?"),
        ({"count": 1, "kind": 7}, "kind", 7, "must be text"),
        ({"count": 1, "kind": "x"}, "kind", "x", "must be one of bridge, libvirt_network"),
        ({"count": 1, "on": "yes"}, "on", "yes", "must be true or false"),
        ({"count": 1, "address": "192.0.2.256"}, "address", "192.0.2.256", "must be an IPv4 or IPv6 address"),
        ({"count": 1, "address": 3}, "address", 3, "must be text"),
        ({"count": 1, "label": ""}, "label", "", "must not be empty"),
        ({"count": 1, "label": "four"}, "label", "four", "must have at most 3 characters"),
        ({"count": 1, "list": []}, "list", [], "must have at least 1 entries"),
        ({"count": 1, "list": [{}]}, "list[0].name", None, "is required"),
        ({"count": 1, "list": ["x"]}, "list[0]", "x", "must be a mapping"),
        ({"count": 1, "labl": {"deep": 1}}, "labl", "labl", "unknown key; did you mean label?"),
        ({"count": 1, "zzz": 1}, "zzz", "zzz", "unknown key; known: count, ratio, kind, on, address, label, list, free"),
        ({"count": 1, "free": {"0": {}}}, "free.0", {}, "must be text or a number or true or false"),
    ],
)
def test_a_fault_has_path_value_and_rule(document: t.Any, path: str, value: t.Any, rule: str) -> None:
    assert list(faults(SCHEMA, document)) == [Fault(path, value, rule)]


def test_a_number_that_is_none_is_no_number() -> None:
    assert [fault.path for fault in faults(SCHEMA, {"count": 1, "ratio": math.nan})] == ["ratio"]


def test_all_faults_come_at_once_and_none_of_them_twice() -> None:
    document = {"count": "x", "ratio": "y", "kind": 1, "address": 2, "lable": 3, "list": [{"name": 1}, {"nam": "a"}, 5]}
    found = [fault.path for fault in faults(SCHEMA, document)]
    assert sorted(found) == sorted(["count", "ratio", "kind", "address", "lable", "list", "list[0].name", "list[1].name", "list[1].nam", "list[2]"])


def test_a_null_is_a_key_that_is_left_out() -> None:
    assert list(faults(SCHEMA, {"count": 1, "ratio": None, "list": None, "free": None})) == []
    assert [fault.path for fault in faults(SCHEMA, {"count": 1, "free": {"a": None}, "other": None})] == ["free.a", "other"]


def test_what_is_left_out_gets_its_default_and_numbers_become_text_where_text_is_meant() -> None:
    given_ = {"count": 1, "list": None, "free": {"a": 1, "b": True, "c": "x"}}
    assert defaults.whole(SCHEMA, given_) == {"count": 1, "kind": "bridge", "list": [], "free": {"a": "1", "b": "True", "c": "x"}}
    assert defaults.whole(SCHEMA, {"count": 1})["list"] is not defaults.whole(SCHEMA, {"count": 1})["list"]


def test_paths_are_put_together_from_the_inside() -> None:
    assert Fault("[0].cidr", 1, "x").below("subnets").below("compute_networks.lan").path == "compute_networks.lan.subnets[0].cidr"
    assert (join("", "a"), join("a", "")) == ("a", "a")


def test_a_keyword_that_is_not_known_is_an_error_at_once() -> None:
    with pytest.raises(KeyError):
        fits({"type": "string", "pattern": "a"}, "a")


ATOMS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["192.0.2.1", "bridge", "2001:db8::1/64", "tcp", "1"])
ANYTHING = st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=5)


def documents(schema: dict[str, t.Any]) -> st.SearchStrategy[t.Any]:
    """Documents that are nearly right."""
    inside = {name: ANYTHING | documents(item) for name, item in schema.get("properties", {}).items()}
    kinds = [ANYTHING]
    if inside:
        kinds += [st.fixed_dictionaries({}, optional=inside)] * 3
    if "items" in schema:
        kinds.append(st.lists(documents(schema["items"]), max_size=3))
    if "enum" in schema:
        kinds.append(st.sampled_from(schema["enum"]))
    if schema.get("type") == "integer":
        kinds.append(st.integers(-2, 70000))
    return st.one_of(kinds)


@pytest.mark.parametrize("name", [*catalogue.ENTRIES, "QUOTAS", "POLICY", "AGGREGATES"])
def test_yes_or_no_and_why_not_agree(name: str) -> None:
    schema = catalogue.ENTRIES.get(name) or getattr(catalogue, name)

    @given(documents(schema))
    def agree(document: t.Any) -> None:
        assert fits(schema, document) == (not list(explained(schema, document)))

    agree()
