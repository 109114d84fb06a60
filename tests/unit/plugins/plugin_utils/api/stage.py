"""The api stage for tests: a catalogue, a request that passes, a fleet, and what an instance leaves."""

from __future__ import annotations

import itertools
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.validate import validate
from ansible_collections.kvmfleet.compute.tests.unit import make

SUM = "sha256:" + "0" * 64


PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExampleE"


CATALOGUE: dict[str, t.Any] = {
    "flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 10}, "gone": {"vcpus": 1, "memory_mb": 1, "root_gb": 1, "disabled": True}},
    "images": {"debian": {"source": "https://example.org/d.qcow2", "checksum": SUM, "min_ram": 256, "virtual_size": 2**31}},
    "networks": {
        "lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.1"}]},
        "bare": {"bridge": "br1"},
    },
    "keypairs": {"ops": {"public_key": PUBLIC_KEY}},
    "server_groups": {"apart": {"policy": "anti-affinity"}},
    "security_groups": {"web": {"rules": [{"direction": "ingress", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80}]}},
}


def asked(**fields: t.Any) -> dict[str, t.Any]:
    return {"name": "web", "flavor": "small", "image": "debian", "networks": [{"name": "lan"}], **fields}


def check(
    *requests: t.Any, catalogue: dict[str, t.Any] | None = None, fleet: dict | None = None, inventory: t.Any = None, project: str = "p", **options: t.Any
) -> dict[str, t.Any]:
    numbers = itertools.count(1)
    return validate(
        list(requests),
        catalogue or CATALOGUE,
        fleet=fleet,
        context={"project_id": project, "user_id": "u"},
        options=options,
        inventory=inventory,
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012d}",
        new_reservation_id=lambda: "r-00000000",
    )


def fleet_of(*records: dict[str, t.Any], status: str = "ok") -> dict[str, t.Any]:
    state = {"name": "h1", "node": "h1", "instances": [dict(record, host="h1") for record in records], "domains": [], "images": [], "registrar": make.held()}
    hosts = {"h1": {"status": status, "error": None if status == "ok" else "no route", "state": state if status == "ok" else None}}
    return {"version": 1, "hosts": hosts, "aggregates": [{"name": "az1", "hosts": ["h1"], "metadata": {"availability_zone": "az1"}}]}


def record_of(result: dict[str, t.Any], **fields: t.Any) -> dict[str, t.Any]:
    """The record that an instance would leave, through the codec; servers of one multi-create have addresses of their own."""
    request = result["instances"][0]
    turns = itertools.count(1)
    book = AddressBook([], lambda: next(turns), lambda: f"00000000-0000-4000-9000-{next(turns):012d}")
    for _server in range(request["instance"]["launch_index"] + 1):
        ports = [book.port(item) for item in request["networks"]]
    return make.fleet_record({**request["instance"], "ports": ports}, **fields)


def rules(result: dict[str, t.Any]) -> list[tuple[str, str]]:
    return [(error["path"], error["error_class"]) for error in result["errors"]]
