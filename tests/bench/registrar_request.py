# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times what the controller does around one transaction of the registrar: the request for the servers of a round beside addresses in use, and its answer."""

from __future__ import annotations

import json
import time
import typing as t
import uuid

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import ledger as ledgers
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.reserve import reserve
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.tickets import begin
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.granted import accept
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.wishes import Wishes
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import quotas
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.census import records
from ansible_collections.kvmfleet.compute.tests.unit import make

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, Port
    from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement, Fleet, FleetInstance

HOSTS = [f"h{number}" for number in range(100)]
NOW = 1_000_000
EPOCH: Epoch = {
    "number": 1,
    "id": "bench",
    "fleet": "bench",
    "store": "sqlite",
    "registrar": HOSTS[0],
    "is_carried": False,
    "hosts": HOSTS,
    "replaces": [HOSTS],
}
LAN = make.network(make.subnet("10.0.0.0/8", gateway_ip="10.0.0.1"))
WANTED = [make.requested_network(network=LAN)]


def port(number: int) -> Port:
    """Every second address is in use, so that there is a range for each that is free."""
    address = f"10.{number >> 15}.{number >> 7 & 255}.{number << 1 & 255 | 1}"
    mac = f"fa:16:3e:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    return make.port(id=str(uuid.uuid4()), network_id=LAN["id"], mac_address=mac, fixed_ips=[make.fixed_ip(ip_address=address)])


def fleet(in_use: int) -> Fleet:
    """Hosts with a server for each address that is in use."""
    one = make.fleet_record(make.instance("one"))
    there: dict[str, list[FleetInstance]] = {name: [] for name in HOSTS}
    for number in range(in_use):
        host = HOSTS[number % len(HOSTS)]
        own = str(uuid.uuid4())
        there[host].append({**one, "uuid": own, "display_name": own, "host": host, "ports": [port(number)]})
    states = {name: make.host(name, instances=instances) for name, instances in there.items()}
    return {"version": 1, "hosts": {name: {"status": "ok", "error": None, "state": state} for name, state in states.items()}, "aggregates": []}


def around(servers: int, in_use: int) -> dict[str, float]:
    """Seconds of the controller's CPU."""
    facts = fleet(in_use)
    placed = [make.placed(make.instance(str(uuid.uuid4()), ports=[port(1 << 20 | number)]), HOSTS[number % len(HOSTS)]) for number in range(servers)]
    requests = [make.build_request(server["instance"], networks=WANTED) for server in placed]
    state = rounds.first(placed, [], run=make.run(), max_attempts=3, group_members={}, cached_images={})
    ledger, begun = begin(ledgers.found(None, EPOCH, 0), {"epoch": EPOCH, "highest_ticket": 0, "run": "bench", "lasts_s": 3600, "process": None}, NOW)
    agreement: Agreement = {
        "epoch": EPOCH,
        "is_in_force": True,
        "offers": {},
        "ticket": begun["ticket"],
        "reservations": [],
        "holders": [],
        "dead": {},
        "highest_ticket": 0,
        "highest_host": None,
        "clocks": {host: {"boot_id": "bench", "seconds": 1.0, "answered_at": 0.0} for host in HOSTS},
    }
    limits = quotas.limits({"instances": 1 << 30, "cores": 1 << 30, "ram": 1 << 30})
    started = time.process_time()
    of_projects = quotas.to_reserve(limits, records(facts), [request["instance"] for request in requests])
    wishes = Wishes(requests, facts, [], of_projects)
    asked = wishes.request(state, agreement, begun["ticket"]["ticket"], 300)
    text = json.dumps(asked)
    build_s = time.process_time() - started
    _ledger, answer = reserve(ledger, json.loads(text), NOW)
    started = time.process_time()
    losses = accept(state, asked, json.loads(json.dumps(answer)), wishes, agreement, 0.0)
    accept_s = time.process_time() - started
    if losses or len(answer["granted"]) != servers:
        raise SystemExit(f"wrong answer: {answer['lost'][:1]}")
    return {"build_s": round(build_s, 3), "accept_s": round(accept_s, 3)}
