from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils import record

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=5))
def test_whatever_json_goes_in_comes_out(data: dict) -> None:
    wanted = {"version": 1, **{key: value for key, value in data.items() if key != "version"}}
    text = ET.tostring(record.to_element(wanted), encoding="unicode")
    assert record.from_element(ET.fromstring(text)) == wanted
    assert record.from_element(ET.fromstring(record.to_metadata(wanted))) == wanted
    # libvirt stores the metadata indented inside the domain
    # ... and gives back what setMetadata() stored with every element in the namespace
    assert record.from_element(ET.fromstring(f"<instance xmlns={record.NAMESPACE!r}" + record.to_metadata(wanted)[len("<instance") :])) == wanted
    domain = ET.fromstring(f"<domain><metadata>{text}</metadata></domain>")
    ET.indent(domain)
    element = domain.find(f"metadata/{{{record.NAMESPACE}}}{record.TAG}")
    assert element is not None
    assert record.from_element(element) == wanted


def test_a_record_of_another_version_is_refused() -> None:
    with pytest.raises(ValueError, match="version 2"):
        record.from_element(record.to_element({"version": 2}))


def test_record_has_no_secret_values() -> None:
    made = record.record_of(
        {"uuid": "u", "user_data": "x", "adminPass": "y", "admin_pass": "z"},
        vm_state="building",
        run={},
        created_at="",
        machine_type=None,
        secrets={"user_data": None, "admin_pass": None},
    )
    assert not {"user_data", "adminPass", "admin_pass"} & set(made)
