from __future__ import annotations

import json
import pathlib

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import place
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import read_fleet_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import explain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import ScheduleResult
from ansible_collections.kvmfleet.compute.tests.unit import make


def explained(result: ScheduleResult) -> tuple[str, dict[str, str]]:
    return result["message"], explain.reasons(result)


def test_hosts_of_a_fleet_file_need_no_more_than_their_sizes(tmp_path: pathlib.Path) -> None:
    sizes = {"vcpus": 4, "memory_mb": 1024, "disk_gb": 50}
    file = tmp_path / "fleet.json"
    file.write_text(json.dumps({"version": 1, "hosts": {name: {"host_info": {"host": sizes}} for name in ("a", "b", "c")}}))
    fleet = read_fleet_file(str(file))
    hosts = [entry["state"] for entry in fleet["hosts"].values()]
    specs = [make.request_spec(1, id="fits"), make.request_spec(1, id="big", flavor=make.flavor(memory_mb=2048))]
    results = schedule(specs, hosts, fleet["aggregates"], [], None)["results"]
    requests = [make.build_request(make.instance(name)) for name in ("fits-0", "big-0")]
    placed, unplaced = place(requests, list(zip(specs, results, strict=True)), fleet, AddressBook(hosts, lambda: 1, lambda: "port"), explained)
    assert [(item["host"], item["node"]) for item in placed] == [("a", "a")]
    assert [(item["host"], item["node"], item["zone"]) for item in placed[0]["alternates"]] == [("b", "b", "nova"), ("c", "c", "nova")]
    assert unplaced[0]["error"]["reasons"]["b"] == "MEMORY_MB: 1024 left of (1024 - 0 reserved) × 1.0 - 0 used, 2048 requested"
