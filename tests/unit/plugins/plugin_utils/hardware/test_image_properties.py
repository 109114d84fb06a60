"""Image properties by Nova's types and values: what a catalogue can hold, and what becomes of it."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import image_properties

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def faults(**properties: t.Any) -> list[tuple[str, str]]:
    return [(fault.path, fault.error_class) for fault in image_properties.faults(properties)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hw_disk_bus", "virtoi"),
        ("hw_cdrom_bus", "IDE"),
        ("hw_scsi_model", "megasas"),
        ("hw_serial_port_count", "x"),
        ("hw_cpu_sockets", "two"),
        ("hw_cpu_cores", "2.0"),
        ("hw_cpu_threads", True),
        ("hw_input_bus", "ps2"),
        ("hw_numa_mem.0", "much"),
        ("hw_firmware_type", {"uefi": True}),
        ("hw_machine_type", ["q35"]),
        ("hw_qemu_guest_agent", []),
        ("hw_tpm_version", 3),
        ("architecture", "x86-64"),
        ("hypervisor_version_requires", "6.0"),
        ("block_device_mapping", "vda"),
        ("mappings", [1]),
        ("vmware_adaptertype", "tape"),
        ("os_type", "dos"),
    ],
)
def test_a_value_that_nova_would_not_take_is_a_fault(name: str, value: t.Any) -> None:
    assert faults(**{name: value}) == [(name, "InvalidRequest")]


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("hw_disk_bus", "fdc", ("hw_disk_bus", "fdc")),
        ("hw_vif_model", "VirtualE1000", ("hw_vif_model", "e1000")),
        ("hw_scsi_model", "lsiLogicSAS", ("hw_scsi_model", "lsisas1068")),
        ("architecture", "AMD64", ("hw_architecture", "x86_64")),
        ("vm_mode", "hv", ("hw_vm_mode", "hvm")),
        ("hypervisor_type", "XAPI", ("img_hv_type", "xen")),
        ("os_type", "Windows", ("os_type", "windows")),
        ("hw_tpm_version", 2.0, ("hw_tpm_version", "2.0")),
        ("hw_cpu_sockets", 4, ("hw_cpu_sockets", 4)),
        ("hw_pmu", "maybe", ("hw_pmu", "maybe")),
        ("hypervisor_version_requires", ">=6.0, <9", ("img_hv_requested_version", ">=6.0, <9")),
        ("vmware_adaptertype", "ide", ("hw_disk_bus", "ide")),
        ("vmware_adaptertype", "lsiLogic", ("hw_scsi_model", "lsilogic")),
    ],
)
def test_a_value_that_nova_takes_is_read_as_nova_reads_it(name: str, value: t.Any, known: tuple[str, t.Any]) -> None:
    assert faults(**{name: value}) == []
    assert known in image_properties.known({name: value}).items()


def test_a_present_name_wins_over_an_older_one_and_null_is_nothing() -> None:
    assert image_properties.known({"hw_architecture": "ppc64", "architecture": "x86_64", "os_type": None}) == {"hw_architecture": "ppc64"}


def test_a_fault_says_what_may_have_been_meant() -> None:
    (fault,) = image_properties.faults({"hw_disk_bus": "virtoi"})
    assert fault.rule == "must be one of fdc, ide, sata, scsi, usb, virtio, xen, lxc, uml; did you mean virtio?"


def test_unknown_properties_of_nova_s_prefixes_are_named_with_a_suggestion_and_others_are_left_alone() -> None:
    said = list(
        image_properties.notes({"hw_diskbus": "scsi", "hw:cdrom_bus": "sata", "os_version": "12", "kernel_id": "x", "trait:HW_CPU_X86_VMX": "required"})
    )
    assert said == [
        "hw_diskbus is not known to Nova and has no effect; did you mean hw_disk_bus?",
        "hw:cdrom_bus is not known to Nova and has no effect; did you mean hw_cdrom_bus?",
    ]


def test_what_has_no_effect_is_said() -> None:
    assert list(image_properties.notes({"hw_watchdog_action": "reset", "hw_pmu": "yes", "hw_numa_mem.0": "512"})) == [
        "no effect yet: hw_pmu, hw_watchdog_action"
    ]
    assert list(image_properties.notes({"hw_qemu_guest_agent": "ja"})) == ["hw_qemu_guest_agent 'ja' is neither true nor false, and counts as false as in Nova"]


@given(st.dictionaries(st.sampled_from([*image_properties.PROPERTIES, *image_properties.OLDER_NAMES, "vmware_adaptertype"]), ANYTHING, max_size=6))
def test_no_property_gives_a_traceback_and_what_has_no_fault_is_in_its_choice(properties: dict[str, t.Any]) -> None:
    found = {fault.path for fault in image_properties.faults(properties)}
    list(image_properties.notes(properties))
    for name, value in image_properties.known(properties).items():
        kind = image_properties.PROPERTIES[name]
        if kind.kind == "choice" and name in properties and name not in found:
            assert value in kind.values
