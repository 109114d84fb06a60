"""Times one transaction that reserves servers beside addresses in use and another run's reservations, and sizes the ledger's file after many runs."""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import statistics
import tempfile
import time
import typing as t
import uuid

import registrar_request

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import ledger as ledgers
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.reserve import reserve
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.settle import settle
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.sqlite_store import SqliteStore
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.tickets import begin

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
        AddressPool,
        BeginRequest,
        EpochId,
        ReserveAnswer,
        ReserveRequest,
        ServerWish,
        SettleRequest,
    )

EPOCH: EpochId = {"number": 1, "id": "bench"}
FIRST = int(ipaddress.ip_address("10.0.0.1"))
HOSTS = [f"h{number}" for number in range(100)]
REPEATS = 5


def pools(in_use: int, servers: int) -> dict[str, AddressPool]:
    """Free addresses, as ranges: every second address is in use, so that there is a range for each, and as many are free as two runs need."""
    odd = [(FIRST + 2 * number, FIRST + 2 * number) for number in range(in_use)]
    return {"v4": {"segment": "br0", "version": 4, "free": odd + [(FIRST + 2 * in_use, FIRST + 2 * in_use + 3 * servers)]}}


def wishes(count: int, run: int) -> list[ServerWish]:
    """Servers of a run in a group of their project, each with a port and what it takes of its quotas."""
    made: list[ServerWish] = []
    for number in range(count):
        mac = f"fa:16:3e:{run & 255:02x}:{number >> 8:02x}:{number & 255:02x}"
        own = str(uuid.uuid4())
        made.append(
            {
                "uuid": own,
                "host": HOSTS[number % len(HOSTS)],
                "project": "bench",
                "name": f"server-{own}",
                "group": "apart",
                "ports": [{"id": str(uuid.uuid4()), "segment": "br0", "mac_address": mac, "addresses": [{"ip_address": None, "pools": ["v4"]}]}],
                "amounts": {"instances": 1, "cores": 2, "ram": 2048, "ports": 1},
            }
        )
    return made


def request(ticket: int, servers: list[ServerWish], free: dict[str, AddressPool], seen: list[str]) -> ReserveRequest:
    """What a run asks for."""
    return {
        "epoch": EPOCH,
        "highest_ticket": 0,
        "ended": {},
        "ticket": ticket,
        "hosts": HOSTS,
        "claim_s": 300,
        "max_skew_s": 60,
        "seen": seen,
        "pools": free,
        "quotas": {"bench": {resource: {"limit": 1 << 40, "used": len(seen)} for resource in ("instances", "cores", "ram", "ports")}},
        "groups": {"apart": {"name": "apart", "policy": "anti-affinity", "max_server_per_host": 1 << 20, "members": {}}},
        "project_groups": {},
        "servers": servers,
    }


def new_store(folder: str) -> SqliteStore:
    """A ledger with nothing in it."""
    store = SqliteStore(folder)
    store.transact(lambda ledger: (ledgers.found(ledger, EPOCH, 0), None))
    return store


def ticket(store: SqliteStore, now: int) -> int:
    """A run begins."""
    asked: BeginRequest = {"epoch": EPOCH, "highest_ticket": 0, "run": str(uuid.uuid4()), "lasts_s": 3600, "process": None}
    return store.transact(lambda ledger: begin(ledger, asked, now))["ticket"]["ticket"]


def settle_all(store: SqliteStore, own: int, servers: list[ServerWish], now: int) -> None:
    """All servers of a run were claimed."""
    asked: SettleRequest = {"epoch": EPOCH, "ticket": own, "claimed": [server["uuid"] for server in servers], "absent": []}
    store.transact(lambda ledger: settle(ledger, asked, now))


def reserved(store: SqliteStore, asked: ReserveRequest, now: int) -> ReserveAnswer:
    """All servers of a run are granted."""
    answer = store.transact(lambda ledger: reserve(ledger, asked, now))
    if answer["lost"]:
        raise SystemExit(f"wrong answer: {answer['lost'][0]}")
    return answer


def transaction(servers: int, in_use: int) -> dict[str, float]:
    """Seconds of a reserve beside another run that has reserved as much, as on a host: the request is read from JSON and the answer written."""
    seconds: list[float] = []
    again: list[float] = []
    now = 1_000_000
    for _repeat in range(REPEATS):
        with tempfile.TemporaryDirectory() as folder:
            store = new_store(folder)
            free, seen = pools(in_use, servers), [str(uuid.uuid4()) for _number in range(in_use)]
            reserved(store, request(ticket(store, now), wishes(servers, 1), free, seen), now)
            own = json.dumps(request(ticket(store, now), wishes(servers, 2), free, seen))
            for times in (seconds, again):
                begun = time.perf_counter()
                json.dumps(reserved(SqliteStore(folder), json.loads(own), now))
                times.append(time.perf_counter() - begun)
    return {"reserve_s": round(statistics.median(seconds), 3), "again_s": round(statistics.median(again), 3), "request_mb": round(len(own) / 1e6, 1)}


def growth(runs: int) -> dict[str, float]:
    """Size of the file after runs of ten servers, one a minute; every tenth is killed before it settles."""
    with tempfile.TemporaryDirectory() as folder:
        store, now, largest = new_store(folder), 1_000_000, 0
        begun = time.perf_counter()
        for number in range(runs):
            now += 60
            own, servers = ticket(store, now), wishes(10, number)
            reserved(store, request(own, servers, pools(0, 10_000), []), now)
            if number % 10:
                settle_all(store, own, servers, now)
            largest = max(largest, os.path.getsize(store.path))
        each_ms = (time.perf_counter() - begun) / runs * 1000
        return {"runs": runs, "run_ms": round(each_ms, 1), "file_kb": os.path.getsize(store.path) // 1024, "largest_kb": largest // 1024}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=1_000)
    parser.add_argument("--addresses", type=int, default=60_000)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    result = {
        "servers": arguments.servers,
        "addresses": arguments.addresses,
        **registrar_request.around(arguments.servers, arguments.addresses),
        **transaction(arguments.servers, arguments.addresses),
        **growth(arguments.runs),
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(
        "{servers} servers, {addresses} addresses in use in as many ranges, {request_mb} MB asked: {reserve_s} s; the same again: {again_s} s\n"
        "the controller's CPU for the request: {build_s} s; for its answer: {accept_s} s\n"
        "{runs} runs of ten servers: {run_ms} ms each; the file has {file_kb} KiB, at most {largest_kb} KiB".format(**result)
    )


if __name__ == "__main__":
    main()
