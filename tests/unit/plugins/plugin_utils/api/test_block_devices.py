"""Block devices of a request."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import asked, check, rules


def test_a_local_disk_says_that_it_is_local() -> None:
    root = {"source_type": "image", "destination_type": "local", "uuid": check(asked())["instances"][0]["instance"]["image"]["id"], "boot_index": 0}
    result = check(asked(block_device_mapping_v2=[root, {"source_type": "blank", "volume_size": 1}]))
    assert rules(result) == [("servers[0].block_device_mapping_v2[1].destination_type", "InvalidBDMFormat")]
