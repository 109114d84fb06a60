from __future__ import annotations

import typing as t
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils import record
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Record
from ansible_collections.kvmfleet.compute.tests.unit import make

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), children, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=5))
def test_whatever_json_goes_in_comes_out(data: dict) -> None:
    wanted: t.Any = data
    text = ET.tostring(record.to_element(wanted), encoding="unicode")
    assert record.decoded(ET.fromstring(text)) == wanted
    assert record.decoded(ET.fromstring(record.to_metadata(wanted))) == wanted
    # libvirt stores the metadata indented inside the domain
    # ... and gives back what setMetadata() stored with every element in the namespace
    assert record.decoded(ET.fromstring(f"<instance xmlns={record.NAMESPACE!r}" + record.to_metadata(wanted)[len("<instance") :])) == wanted
    domain = ET.fromstring(f"<domain><metadata>{text}</metadata></domain>")
    ET.indent(domain)
    element = domain.find(f"metadata/{{{record.NAMESPACE}}}{record.TAG}")
    assert element is not None
    assert record.decoded(element) == wanted


@pytest.mark.parametrize("version", [0, 5, "2", None])
def test_a_record_of_another_version_is_refused(version: t.Any) -> None:
    with pytest.raises(ValueError, match=f"version {version!r}"):
        record.from_element(record.to_element(make.record(version=version)))


def test_a_record_of_version_1_without_its_fields_is_refused() -> None:
    bare: t.Any = {"version": 1, "uuid": "u"}
    with pytest.raises(ValueError, match="without its fields"):
        record.from_element(record.to_element(bare))


@pytest.mark.parametrize("version", [2, 3])
def test_the_run_of_an_older_record_has_neither_process_nor_lease(version: int) -> None:
    run = {"id": "old", "controller": "c", "pid": 7, "pid_start": 8, "deadline": 4102444800}
    old: t.Any = {key: value for key, value in {**make.record(), "version": version, "vm_state": "building", "run": run}.items() if key != "lease"}
    found = record.from_element(record.to_element(old), "/instances/u")
    assert (found["version"], found["run"], found["lease"]) == (4, make.run(id="old", lease_s=0), None)
    assert set(found) == {*Record.__annotations__}


@pytest.mark.parametrize("run", ["text", [1]])
def test_a_record_of_version_3_with_a_run_of_another_type_is_refused(run: object) -> None:
    odd: t.Any = {**make.record(), "version": 3, "run": run}
    with pytest.raises(ValueError, match="version 3 without its fields"):
        record.from_element(record.to_element(odd))


def test_a_record_has_each_field_of_its_shape_and_nothing_else_of_what_it_is_given() -> None:
    given: t.Any = {**make.web(), "user_data": "x", "adminPass": "y", "admin_pass": "z", "requested_networks": []}
    made = make.record(given)
    assert set(made) == {*Record.__annotations__}
    assert set(record.KEYS) == set(make.web())


def test_ports_that_were_written_before_there_were_limits_and_modes_have_none() -> None:
    port: t.Any = {key: value for key, value in make.port().items() if key not in record.LATER_OF_PORT}
    port["fixed_ips"] = [{key: value for key, value in make.fixed_ip().items() if key not in record.LATER_OF_ADDRESS}]
    found = record.from_element(record.to_element(make.record(make.web(ports=[port]))))
    assert found["ports"] == [make.port()]


def test_a_record_that_was_written_before_there_were_origins_has_none() -> None:
    before: t.Any = {key: value for key, value in make.record().items() if key not in record.LATER}
    found = record.from_element(record.to_element(before))
    assert (found["origin"], found["expires_at"]) == (None, None)


def test_the_ports_of_a_record_that_was_written_before_there_was_port_security_are_open() -> None:
    added = ("port_security_enabled", "allowed_address_pairs")
    written = make.record(make.web(ports=[make.port()]))
    before: t.Any = {**written, "ports": [{key: value for key, value in port.items() if key not in added} for port in written["ports"]]}
    (port,) = record.from_element(record.to_element(before))["ports"]
    assert (port["port_security_enabled"], port["allowed_address_pairs"]) == (False, [])


def test_a_record_that_lacks_a_field_is_refused() -> None:
    bare: t.Any = {key: value for key, value in make.record().items() if key != "flavor"}
    with pytest.raises(ValueError, match="instance record without flavor"):
        record.from_element(record.to_element(bare))
