"""Compare the rules of the api stage that need no fleet (names, quotas, block devices, flavor with image) with Nova's answers."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import block_devices, flavor_image, image_block_devices, names, quotas
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.body import check_block_device
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import gathered
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import constraints

# What the Nova of the cases had.
VOLUME_TYPES = frozenset(["ssd"])
SNAPSHOT_GB = 7
# The fields of a block device that the cases compare.
DEVICE_FIELDS = ("source_type", "destination_type", "boot_index", "volume_size", "guest_format", "device_name", "delete_on_termination", "volume_type")


class Refused(Exception):
    """The first error of a case, by its class."""


def _names(case: dict[str, t.Any]) -> dict[str, t.Any]:
    made = [names.names(case["name"], case.get("hostname"), case["count"], index, "<uuid>") for index in range(case["count"])]
    return {"names": [list(pair) for pair in made]}


def _quota(case: dict[str, t.Any]) -> dict[str, t.Any]:
    need = {"instances": 1, "cores": case["flavor"]["vcpus"], "ram": case["flavor"]["memory_mb"]}
    try:
        return {"granted": quotas.granted(need, case["min"], case["max"], lambda name: case["limits"].get(name, -1), case["used"])}
    except quotas.OverQuota as error:
        raise Refused("TooManyInstances") from error


def _bdm(case: dict[str, t.Any]) -> dict[str, t.Any]:
    flavor = {"ephemeral_gb": 0, "swap": 0, **case["flavor"]}
    faults = [fault for bdm in case["bdms"] for fault in check_block_device(bdm, bool(case.get("image_ref")))]
    of_image, of_image_faults, _remarks = gathered(image_block_devices.devices(case.get("image_properties") or {}, flavor))
    every = [*case["bdms"], *of_image]
    snapshots = {bdm.get("uuid") or bdm.get("snapshot_id"): {"size": SNAPSHOT_GB} for bdm in every if bdm.get("source_type") == "snapshot"}
    merged = block_devices.merge(flavor, case.get("image_ref"), case["bdms"], case.get("volumes"), snapshots, of_image)
    most = max(case.get("max_count") or 1, case.get("min_count") or 1)
    faults = [*of_image_faults, *block_devices.check(flavor, merged, case.get("image_ref"), most, VOLUME_TYPES), *faults]
    if faults:
        raise Refused(faults[0].error_class)
    return {"bdms": [{key: bdm[key] for key in DEVICE_FIELDS} for bdm in merged]}


def _flavor_image(case: dict[str, t.Any]) -> dict[str, t.Any]:
    flavor = {"name": "f", "vcpus": 1, "memory_mb": 512, "root_gb": 0, "ephemeral_gb": 0, "swap": 0, **case["flavor"]}
    image = {"name": "i", "status": "active", "size": 0, "virtual_size": None, "min_disk": 0, "min_ram": 0, "properties": {}, "checksum": "", **case["image"]}
    size = image["virtual_size"] or image["size"]
    faults = flavor_image.check(flavor, image, size=size, root_volume_gb=case.get("root_volume_gb"), zero_disk_denial="policy")
    for fault in faults:
        raise Refused(fault.error_class)
    return constraints.constraints(flavor, image["properties"])


KINDS: dict[str, t.Callable[[dict[str, t.Any]], dict[str, t.Any]]] = {"names": _names, "quota": _quota, "bdm": _bdm, "flavor_image": _flavor_image}


def compare(item: dict[str, t.Any]) -> tuple[str, str | None]:
    """(id, None where they agree, else the difference)."""
    case, expected = item["case"], item["expected"]
    try:
        got = KINDS[case["kind"]](case)
    except Refused as error:
        if expected["ok"] or expected["exception"] != str(error):
            return case["id"], f"refused with {error}, wanted {expected}"
        return case["id"], None
    if not expected["ok"]:
        # With no limit on instances Nova refuses a partial grant that would fit; here it is granted.
        if case["kind"] == "quota" and case["limits"].get("instances", -1) < 0:
            return case["id"], None
        return case["id"], f"accepted ({got}), wanted {expected}"
    wanted = {key: value for key, value in expected.items() if key != "ok"}
    return case["id"], None if got == wanted else f"{got}, wanted {wanted}"
