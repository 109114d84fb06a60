from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.capacity import requested_resources

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor


def flavor(**extra_specs: str) -> Flavor:
    specs = {name.replace("__", ":"): value for name, value in extra_specs.items()}
    return {"id": "f", "name": "f", "vcpus": 4, "memory_mb": 2048, "root_gb": 10, "ephemeral_gb": 5, "swap": 1025, "extra_specs": specs}


def test_disk_is_root_ephemeral_and_swap_rounded_up() -> None:
    assert requested_resources(flavor()) == {"VCPU": 4, "MEMORY_MB": 2048, "DISK_GB": 17}


def test_a_server_that_boots_from_a_volume_takes_no_root_disk() -> None:
    assert requested_resources(flavor(), is_bfv=True)["DISK_GB"] == 7


@pytest.mark.parametrize(
    ("specs", "amounts"),
    [
        ({"resources__DISK_GB": "0"}, {"VCPU": 4, "MEMORY_MB": 2048}),
        ({"resources__VCPU": "1", "resources__CUSTOM_GPU": "2"}, {"VCPU": 1, "MEMORY_MB": 2048, "DISK_GB": 17, "CUSTOM_GPU": 2}),
        ({"resources1__VGPU": "1", "resources_b__VGPU": "2"}, {"VCPU": 4, "MEMORY_MB": 2048, "DISK_GB": 17, "VGPU": 3}),
        ({"resources__PCPU": "4"}, {"PCPU": 4, "MEMORY_MB": 2048, "DISK_GB": 17}),
    ],
)
def test_extra_specs_override_what_the_flavor_takes(specs: dict[str, str], amounts: dict[str, int]) -> None:
    assert requested_resources(flavor(**specs)) == amounts


def test_pinned_cpus_are_counted_apart_with_the_emulators() -> None:
    assert requested_resources(flavor(), pinned=3, overhead=1) == {"VCPU": 1, "PCPU": 4, "MEMORY_MB": 2048, "DISK_GB": 17}
