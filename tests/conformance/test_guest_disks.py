"""The disks and the CPU topology that Nova's libvirt driver gave to guests; the config drive differs on purpose (docs/guest.md) and is left out."""

from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import block_devices, disks
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import constraints, image_properties

CASES = [json.loads(line) for line in pathlib.Path(__file__).with_name("guest_disk_cases.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("item", CASES, ids=lambda item: item["case"]["id"])
def test_disks_and_topology(item: dict) -> None:
    case, expected = item["case"], item["expected"]
    assert list(image_properties.faults(case["properties"])) == []
    devices = block_devices.merge(case["flavor"], "image", case["block_devices"])
    found = disks.plan(case["flavor"], devices, case["properties"], case["config_drive"])
    assert found.faults == []
    assert [[disk["role"], disk["device"], disk["bus"], disk["device_name"]] for disk in found.disks if disk["role"] != "config"] == expected["disks"]
    sockets, cores, threads = constraints.constraints(case["flavor"], case["properties"])["topology"]
    assert {"sockets": sockets, "cores": cores, "threads": threads} == expected["topology"]
