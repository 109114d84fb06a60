# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who only reads is told once which hosts of the fleet it has not looked at."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.left_out import latest_epoch, left_out
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.server_list import server_list
from ansible_collections.kvmfleet.compute.tests.unit import make

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch
    from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet

SENTENCE = "host h3 of the fleet was not looked at, and may have more servers"


def fleet(**held: Epoch | None) -> Fleet:
    hosts = [make.host(name, registrar=make.held(epoch)) for name, epoch in held.items()]
    return {"version": 1, "hosts": {host["name"]: {"status": "ok", "error": None, "state": host} for host in hosts}, "aggregates": []}


def test_hosts_of_the_latest_epoch_that_are_not_there_are_named() -> None:
    both, three = make.epoch(2), make.epoch(3, hosts=["h1", "h2", "h3"])
    assert left_out(fleet(h1=both, h2=three)) == SENTENCE
    assert latest_epoch(fleet(h1=three, h2=both)) == three
    assert left_out(fleet(h1=both, h2=both)) == ""
    assert left_out(fleet(h1=None, h2=None)) == ""


def test_a_host_that_could_not_be_read_was_looked_at() -> None:
    whole = fleet(h1=make.epoch(2))
    whole["hosts"]["h2"] = {"status": "unreachable", "error": "no route", "state": None}
    assert left_out(whole) == ""


def test_the_list_says_it_once_at_its_end() -> None:
    lines = server_list(fleet(h1=make.epoch(2, hosts=["h1", "h3"])))["lines"]
    assert lines == ["There is no server on the 1 hosts that were read.", f"note: {SENTENCE}"]
