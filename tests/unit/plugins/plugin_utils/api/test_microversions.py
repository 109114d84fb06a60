from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import microversions

UUID = "11111111-1111-4111-8111-111111111111"
BLANK = {"source_type": "blank", "destination_type": "local"}


def rules(result: dict[str, t.Any]) -> dict[str, str]:
    return {error["path"].removeprefix("servers[0]."): error["rule"] for error in result["errors"]}


# field, value, path, first version that has it
CAME = [
    ("description", "x", "description", 19),
    ("tags", ["x"], "tags", 52),
    ("trusted_image_certificates", ["x"], "trusted_image_certificates", 63),
    ("host", "h1", "host", 74),
    ("hypervisor_hostname", "h1", "hypervisor_hostname", 74),
    ("hostname", "h1", "hostname", 90),
    ("block_device_mapping_v2", [{**BLANK, "volume_type": "x"}], "block_device_mapping_v2[0].volume_type", 67),
]


@pytest.mark.parametrize(("field", "value", "path", "first"), CAME)
def test_a_field_that_came_later_is_refused_until_then(api: t.Any, field: str, value: t.Any, path: str, first: int) -> None:
    before = rules(api.check(api.request(**{field: value}), api_microversion=f"2.{first - 1}"))
    assert before[path] == f"came with 2.{first}, and this request is checked as of 2.{first - 1}"
    assert "came with" not in str(rules(api.check(api.request(**{field: value}), api_microversion=f"2.{first}")))


@pytest.mark.parametrize(
    ("path", "versions"),
    [
        ("networks[0].tag", {31: "came with 2.32", 32: None, 36: None, 37: "came with 2.42", 41: "came with 2.42", 42: None, 104: None}),
        ("block_device_mapping_v2[0].tag", {31: "came with 2.32", 32: None, 33: "came back with 2.42", 41: "came back with 2.42", 42: None}),
    ],
)
def test_tags_came_went_and_came_back(api: t.Any, path: str, versions: dict[int, str | None]) -> None:
    request = (
        api.request(networks=[{"name": "lan", "tag": "x"}]) if path.startswith("networks") else api.request(block_device_mapping_v2=[{**BLANK, "tag": "x"}])
    )
    for minor, wanted in versions.items():
        found = rules(api.check(request, api_microversion=f"2.{minor}")).get(path)
        assert (found is None) if wanted is None else (found or "").startswith(wanted), minor


def test_personality_goes_with_2_57_and_is_never_built(api: t.Any) -> None:
    request = api.request(personality=[{"path": "/x", "contents": "eA=="}])
    assert rules(api.check(request)) == {"personality": "gone since 2.57: put files into the user data"}
    assert rules(api.check(request, api_microversion="2.56")) == {"personality": "files are not injected here: put them into the user data"}
    assert rules(api.check(api.request(personality=[]), api_microversion="2.56")) == {}


def test_networks_are_required_and_may_be_a_word_since_2_37(api: t.Any) -> None:
    assert rules(api.check(api.request(networks=...)))["networks"] == "is required"
    for networks in (..., []):
        result = api.check(api.request(networks=networks), api_microversion="2.36")
        assert [item["network"]["name"] for item in result["instances"][0]["networks"]] == ["lan"]
    assert rules(api.check(api.request(networks="none"), api_microversion="2.36")) == {"networks": "must be a list"}
    assert api.check(api.request(networks="none"), api_microversion="2.37")["errors"] == []
    assert ("networks[0].uuid", "HTTPBadRequest", 400) in api.faults(api.request(networks=[{"uuid": "br-x"}]), api_microversion="2.36")
    two = {"networks": {name: {"bridge": "br0", "subnets": [{"cidr": "192.0.2.0/24"}]} for name in "ab"}}
    assert api.faults(api.request(networks=[]), catalogue=two) == [("networks", "NetworkAmbiguous", 409)]
    assert api.check(api.request(networks=[]), catalogue={"networks": {}})["errors"] == []


def test_host_names_may_have_dots_since_2_94(api: t.Any) -> None:
    assert "hostname" in rules(api.check(api.request(hostname="a.b"), api_microversion="2.93"))
    assert api.check(api.request(hostname="a.b"), api_microversion="2.94")["errors"] == []


def test_the_name_was_the_description(api: t.Any) -> None:
    assert api.check(api.request(), api_microversion="2.18")["instances"][0]["instance"]["display_description"] == "web"
    assert api.check(api.request(), api_microversion="2.19")["instances"][0]["instance"]["display_description"] is None


def test_one_port_twice(api: t.Any) -> None:
    assert ("networks[1].port", "HTTPBadRequest", 400) in api.faults(api.request(networks=[{"port": UUID}, {"port": UUID}]))


@pytest.mark.parametrize(
    ("version", "error_class", "status"),
    [
        ("2.105", "InvalidGlobalAPIVersion", 406),
        ("2.0", "InvalidGlobalAPIVersion", 406),
        ("3.1", "InvalidGlobalAPIVersion", 406),
        ("2." + "9" * 6000, "InvalidGlobalAPIVersion", 406),
        ("2", "InvalidAPIVersionString", 400),
        ("2.01", "InvalidAPIVersionString", 400),
        ("2.1\n", "InvalidAPIVersionString", 400),
        ("2.१", "InvalidAPIVersionString", 400),
        (2.9, "InvalidAPIVersionString", 400),
        (None, "InvalidAPIVersionString", 400),
        ([], "InvalidAPIVersionString", 400),
    ],
)
def test_an_unknown_version_is_one_error(api: t.Any, version: t.Any, error_class: str, status: int) -> None:
    assert api.faults(api.request(nonsense=1), api_microversion=version) == [("compute_api_microversion", error_class, status)]


def test_the_newest_may_be_called_latest(api: t.Any) -> None:
    assert api.check(api.request(hostname="a.b"), api_microversion="latest")["errors"] == []


def test_versions_without_a_change_share_a_schema() -> None:
    schemas = {id(microversions.body_since(microversions.era(minor))) for minor in microversions.MINORS}
    assert len(schemas) == len({change.version for change in microversions.CHANGES}) + 1


@given(st.sampled_from(microversions.CHANGES), st.integers(1, 104))
def test_a_field_is_there_or_it_is_said_why_not(change: microversions.Change, minor: int) -> None:
    properties = microversions.body_since(microversions.era(minor))["properties"]["server"]["properties"]
    *above, name = change.path.replace("[]", "").split(".")
    for part in above:
        properties = properties[part]["items"]["properties"]
    assert name in properties or microversions.missing_because(change.path, minor)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["uuid", "port", "tag", "virtual_name", "no_device", "x"]), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ["networks", "personality", "block_device_mapping", "block_device_mapping_v2", "tags", "hostname", "availability_zone", "min_count", "security_groups"]


@given(st.dictionaries(st.sampled_from(FIELDS), ANYTHING | st.just(...), max_size=4), st.sampled_from([1, 31, 32, 36, 37, 56, 89, 104]), st.booleans())
def test_no_request_of_any_version_gives_a_traceback(api: t.Any, fields: dict, minor: int, with_policy: bool) -> None:
    result = api.check(api.request(**fields), api_microversion=f"2.{minor}", catalogue={"policy": {}} if with_policy else {})
    assert bool(result["errors"]) != bool(result["instances"])
