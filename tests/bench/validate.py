"""Times validate() with N requests and with a tenth of them: new servers, servers that are all there already, and requests that are all wrong."""

from __future__ import annotations

import argparse
import gc
import json
import time
import typing as t
import uuid

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import body
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.validate import validate

HOSTS, ENTRIES = 100, 50
SUM = "sha256:" + "0" * 64
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleE"
CATALOGUE: dict[str, t.Any] = {
    "flavors": {f"m1.{n}": {"vcpus": 1 + n % 4, "memory_mb": 512, "root_gb": 10, "extra_specs": {"hw:cpu_cores": "1"}} for n in range(ENTRIES)},
    "images": {f"image-{n}": {"source": "https://example.org/i.qcow2", "checksum": SUM, "properties": {"hw_rng_model": "virtio"}} for n in range(ENTRIES)},
    "networks": {f"net-{n}": {"bridge": f"br{n}", "subnets": [{"cidr": f"10.{n}.0.0/16", "gateway_ip": f"10.{n}.0.1"}]} for n in range(ENTRIES)},
    "security_groups": {f"group-{n}": {} for n in range(ENTRIES)},
    "server_groups": {f"apart-{n}": {"policy": "soft-anti-affinity"} for n in range(ENTRIES)},
    "keypairs": {"ops": {"public_key": PUBLIC_KEY}},
    "policy": {},
}


def request(number: int) -> dict[str, t.Any]:
    """A request as people write them; every one has its own name, address and user data."""
    n = number % ENTRIES
    return {
        "name": f"server-{number}",
        "flavor": f"m1.{n}",
        "image": f"image-{n}",
        "networks": [{"name": f"net-{n}", "fixed_ip": f"10.{n}.{1 + number // ENTRIES // 250}.{1 + number // ENTRIES % 250}"}],
        "security_groups": [{"name": f"group-{n}"}],
        "key_name": "ops",
        "metadata": {"role": f"role-{n}"},
        "tags": ["bench"],
        "user_data_text": f"#!/bin/sh\necho {number}\n",
        "availability_zone": "az1",
        "scheduler_hints": {"group": f"apart-{n}"},
    }


def wrong(number: int) -> dict[str, t.Any]:
    """A request with an unknown field, or with names that nobody knows."""
    asked = request(number)
    return {**asked, "flavour": "x"} if number % 2 else {**asked, "flavor": "none", "image": "none", "hostname": "h"}


def fleet(records: list[dict[str, t.Any]]) -> dict[str, t.Any]:
    """A fleet with these servers."""
    states: list[dict[str, t.Any]] = [{"name": f"h{n}", "node": f"n{n}", "instances": [], "domains": [], "images": []} for n in range(HOSTS)]
    for number, record in enumerate(records):
        state = states[number % HOSTS]
        state["instances"].append(dict(record, host=state["name"], vm_state="active", power_state="running", locked=False, missing_files=[], ports=[]))
    hosts = {state["name"]: {"status": "ok", "error": None, "state": state} for state in states}
    return {"version": 1, "hosts": hosts, "aggregates": [{"name": "az1", "hosts": list(hosts), "metadata": {"availability_zone": "az1"}}]}


def call(requests: list[dict[str, t.Any]], there: dict[str, t.Any]) -> tuple[float, dict[str, t.Any]]:
    """(seconds of the processor, result) of one call: others on the machine count for less."""
    # A play begins with nothing remembered of requests.
    body._fitting.clear()
    gc.collect()
    # The collector's passes over requests and fleet, which were there before, are not what is measured.
    gc.freeze()
    begin = time.process_time()
    result = validate(
        requests,
        CATALOGUE,
        fleet=there,
        context={"project_id": "default", "user_id": "bench", "roles": ["member"]},
        options={},
        new_uuid=lambda: str(uuid.uuid4()),
        new_reservation_id=lambda: "r-00000000",
    )
    seconds = time.process_time() - begin
    gc.unfreeze()
    return seconds, result


def timed(make: t.Callable[[int], dict[str, t.Any]], count: int, exists: bool, right: bool) -> float:
    """Seconds of one call with ``count`` requests."""
    requests = [make(number) for number in range(count)]
    there = fleet([item["instance"] for item in call(requests, fleet([]))[1]["instances"]] if exists else [])
    seconds, result = call(requests, there)
    if bool(result["errors"]) is right:
        raise SystemExit(f"wrong answer: {result['errors'][:1]}")
    return seconds


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.requests < 10:
        parser.error("--requests must be at least 10")
    timed(request, 10, exists=False, right=True)
    result: dict[str, t.Any] = {"requests": arguments.requests}
    for kind, make, exists, right in (("new", request, False, True), ("there", request, True, True), ("wrong", wrong, False, False)):
        # As many requests a tenth at a time: either is at the mercy of what else the machine does for about as long.
        few = arguments.requests // 10
        per_tenth = sum(timed(make, few, exists, right) for _repeat in range(10)) / few / 10 * 1e6
        all_s = timed(make, arguments.requests, exists, right)
        per_all = all_s / arguments.requests * 1e6
        row = {
            "seconds": round(all_s, 3),
            "per_request_us_tenth": round(per_tenth, 1),
            "per_request_us_all": round(per_all, 1),
            "ratio": round(per_all / per_tenth, 2),
        }
        result.update(row if kind == "new" else {kind: row})
    if arguments.json:
        print(json.dumps(result))
        return
    for kind in ("new", "there", "wrong"):
        row = result.get(kind, result)
        each = f"{row['per_request_us_all']} µs each, {row['per_request_us_tenth']} µs with a tenth of them: {row['ratio']} times"
        print(f"{result['requests']} requests, {kind}: {row['seconds']} s, {each}")


if __name__ == "__main__":
    main()
