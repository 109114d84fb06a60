from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import body, flavor_image, microversions
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import formats
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault

UUID = "11111111-1111-4111-8111-111111111111"
GOOD: dict[str, t.Any] = {
    "name": "web",
    "flavorRef": "1",
    "imageRef": UUID,
    "networks": [{"uuid": UUID}],
    "tags": ["a"],
    "metadata": {"a": "b"},
    "min_count": 1,
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
SOME = st.sampled_from([*GOOD, "personality", "hostname", "nonsense", "server", "os:scheduler_hints", "block_device_mapping_v2", "config_drive"])
VALUES = ANYTHING | st.sampled_from([*GOOD.values(), True, 1, 1.0, "auto", [], {}])


@given(
    st.sets(SOME, max_size=3),
    st.dictionaries(SOME, VALUES, max_size=3),
    st.dictionaries(st.sampled_from(["os:scheduler_hints", "OS-SCH-HNT:scheduler_hints", "x"]), VALUES, max_size=1),
    st.sampled_from([1, 36, 56, 104]),
)
def test_the_short_way_says_what_the_schema_says(without: set, fields: dict, more: dict, minor: int) -> None:
    era = microversions.era(minor)
    whole = {"server": {**{key: value for key, value in GOOD.items() if key not in without}, **fields}, **more}
    assert body._fits(whole, era) == body._validator(era).is_valid(whole)


@pytest.mark.parametrize("whole", [{}, {"server": None}, {"server": []}, {"os:scheduler_hints": {}}])
def test_the_short_way_of_what_is_no_body(whole: dict) -> None:
    assert not body._fits(whole, 0)


def test_no_secret_is_remembered() -> None:
    assert body._fits({"server": {**GOOD, "adminPass": "swordfish", "user_data": "c3dvcmRmaXNo"}}, microversions.era(104))
    assert not any("swordfish" in text or "c3dvcmRmaXNo" in text for _era, _part, text in body._fitting)


def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body, "MOST_REMEMBERED", 5)
    for number in range(20):
        assert body._fits({"server": {**GOOD, "key_name": f"key-{number}"}}, microversions.era(104))
    assert len(body._fitting) <= 5


@pytest.mark.parametrize(
    ("text", "fault"),
    [("aGk=\n", None), ("aé", "character 2"), ("!!!!", "character 1"), ("aGk=\u00a0", "character 5"), ("a", "padding")],
)
def test_base64(text: str, fault: str | None) -> None:
    found = formats.base64_fault(text)
    assert found is None if fault is None else fault in (found or "")


def test_a_number_that_can_not_be_written_is_no_plain_data(api: t.Any) -> None:
    with pytest.raises(NotPlain, match=r"^servers\[0\]\.min_count: a number of 40001 bits is too large"):
        plain({"servers": [{"min_count": 1 << 40000}]})
    long = "1" * 5000
    for fields in ({"min_count": long}, {"block_device_mapping_v2": [{"source_type": "blank", "destination_type": "local", "boot_index": long}]}):
        assert api.check(api.request(**fields))["errors"]


def test_flavor_and_image_are_checked_once_for_all_that_have_them(api: t.Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(flavor_image, "check", lambda flavor, image, **more: calls.append(more) or [Fault("imageRef", "i", "is wrong", "ImageNotActive")])
    faults = api.faults(*(api.request(name=f"s{number}") for number in range(5)))
    assert (len(calls), len(faults)) == (1, 5)
