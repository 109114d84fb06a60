"""Flavor and image together, through the whole api stage."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import disks
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.flavor_image import LEAST
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.image_properties import OLDER_NAMES, PROPERTIES
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked, check, rules

FLAVOR = {"vcpus": 4, "memory_mb": 512, "root_gb": 10}
IMAGE = {"source": "https://example.org/d.qcow2", "checksum": "sha256:" + "0" * 64, "virtual_size": 2**31}
SPECS = [name.replace("_", ":", 1) for name in PROPERTIES if name.startswith("hw_")]
SPECS += ["quota:vif_inbound_average", "quota:vif_outbound_peak"]


def catalogue(specs: dict[str, t.Any], properties: dict[str, t.Any]) -> dict[str, t.Any]:
    """One flavor and one image with these."""
    return {
        "flavors": {"small": {**FLAVOR, "extra_specs": specs}},
        "images": {"debian": {**IMAGE, "properties": properties}},
    }


def test_a_bad_property_is_refused_where_it_stands(api: t.Any) -> None:
    result = api.check(api.request(), api.request(name="db"), catalogue=catalogue({}, {"hw_disk_bus": "virtoi", "hw_cpu_sockets": "x"}))
    first = [(error["path"], error["error_class"], error["http_status"], error["server"]) for error in result["errors"][:2]]
    assert first == [
        ("compute_images.debian.properties.hw_disk_bus", "InvalidRequest", 400, 0),
        ("compute_images.debian.properties.hw_cpu_sockets", "InvalidRequest", 400, 0),
    ]
    assert "did you mean virtio?" in result["errors"][0]["rule"]
    assert [error["server"] for error in result["errors"]] == [0, 0, 1, 1]


@pytest.mark.parametrize("value", ["0", "-1", "-99999999999"])
@pytest.mark.parametrize("spec", [spec for spec, least in LEAST.items() if least])
def test_a_count_of_sockets_cores_or_threads_below_one_is_refused(api: t.Any, spec: str, value: str) -> None:
    errors = api.check(api.request(), catalogue=catalogue({spec: value}, {}))["errors"]
    assert {error["path"] for error in errors} <= {f"compute_flavors.small.extra_specs.{spec}", "servers[0].flavor"}
    assert errors


def test_a_count_that_is_no_number_is_refused_as_nova_does(api: t.Any) -> None:
    assert api.faults(api.request(), catalogue=catalogue({"hw:cpu_sockets": "two"}, {})) == [("flavor", "InvalidRequest", 400)]


def test_what_an_image_asks_for_in_vain_is_said(api: t.Any) -> None:
    notes = api.check(api.request(), catalogue=catalogue({}, {"hw_watchdog_action": "reset", "hw_diskbus": "ide"}))["notes"]
    assert any("hw_diskbus is not known" in note for note in notes)
    assert any("hw_watchdog_action" in note for note in notes)


VALUES = st.sampled_from(
    ["", "0", "1", "2", "4", "-1", "x", "yes", "virtio", "ide", "fdc", "q35", "dedicated", "none", "2.0", "1" * 5000, "٣", None, 3, True, [], {}]
)


@given(
    st.dictionaries(st.sampled_from(SPECS), VALUES, max_size=4),
    st.dictionaries(st.sampled_from([*PROPERTIES, *OLDER_NAMES, "vmware_adaptertype", "hw_numa_cpus.0"]), VALUES, max_size=4),
)
def test_no_flavor_or_image_gives_a_traceback_or_a_guest_that_can_not_be_built(api: t.Any, specs: dict[str, t.Any], properties: dict[str, t.Any]) -> None:
    result = api.check(api.request(), catalogue=catalogue(specs, properties))
    assert bool(result["errors"]) != bool(result["instances"])
    for instance in result["instances"]:
        instance = instance.get("instance", instance)
        topology = instance["topology"]
        assert topology["sockets"] * topology["cores"] * topology["threads"] == 4
        assert all(disk["bus"] in disks.PREFIXES and disk["device_name"] for disk in instance["disks"])
        assert len({disk["device_name"] for disk in instance["disks"]}) == len(instance["disks"])


def test_what_can_not_be_built_is_refused_and_what_has_no_effect_is_said() -> None:
    flavors = {
        "pinned": {"vcpus": 2, "memory_mb": 512, "root_gb": 10, "extra_specs": {"hw:cpu_policy": "dedicated"}},
        "capped": {"vcpus": 2, "memory_mb": 512, "root_gb": 10, "extra_specs": {"quota:cpu_quota": "1000", "hw:cpu_cores": "2"}},
        "odd": {"vcpus": 2, "memory_mb": 512, "root_gb": 10, "extra_specs": {"hw:cpu_policy": "bogus"}},
    }
    catalogue = {**CATALOGUE, "flavors": flavors}
    assert rules(check(asked(flavor="pinned"), catalogue=catalogue)) == [("servers[0].flavor", "UnsupportedHardware")]
    assert rules(check(asked(flavor="odd"), catalogue=catalogue)) == [("servers[0].flavor", "InvalidCPUAllocationPolicy")]
    capped = check(asked(flavor="capped"), catalogue=catalogue)
    assert capped["errors"] == []
    assert any("quota:cpu_quota" in note and "hw:cpu_cores" not in note for note in capped["notes"])


@pytest.mark.parametrize(
    ("specs", "properties", "found"),
    [
        ({"os:secure_boot": "required"}, {}, "flavor"),
        ({"os:secure_boot": "optional"}, {}, None),
        ({}, {"os_secure_boot": "required"}, "image"),
        ({"hw:tpm_version": "2.0"}, {}, "flavor"),
        ({}, {"hw_tpm_version": "2.0"}, "image"),
        ({"pci_passthrough:alias": "gpu:1"}, {}, "flavor"),
        ({"hw:pmem": "4GB"}, {}, "flavor"),
        ({"accel:device_profile": "fpga"}, {}, "flavor"),
        ({"hw:ephemeral_encryption": "true"}, {}, "flavor"),
        ({"hw:ephemeral_encryption": "false"}, {}, None),
        ({}, {"hw_ephemeral_encryption": "yes"}, "image"),
    ],
)
def test_hardware_that_can_not_be_built_is_refused(specs: dict[str, str], properties: dict[str, str], found: str | None) -> None:
    flavors = {"small": {**CATALOGUE["flavors"]["small"], "extra_specs": specs}}
    images = {"debian": {**CATALOGUE["images"]["debian"], "properties": properties}}
    result = check(asked(), catalogue={**CATALOGUE, "flavors": flavors, "images": images})
    assert rules(result) == ([(f"servers[0].{found}", "UnsupportedHardware")] if found else [])


def test_what_can_not_be_read_in_flavor_or_image_is_their_fault() -> None:
    flavors = {"small": {**CATALOGUE["flavors"]["small"], "extra_specs": {"hw:numa_nodes": "1" * 5000}}}
    images = {"debian": {**CATALOGUE["images"]["debian"], "properties": {"block_device_mapping": [{"virtual_name": 5}]}}}
    assert rules(check(asked(), catalogue={**CATALOGUE, "flavors": flavors})) == [("servers[0].flavor", "Invalid")]
    assert rules(check(asked(), catalogue={**CATALOGUE, "images": images})) == [("servers[0].image", "InvalidBDMFormat")]
