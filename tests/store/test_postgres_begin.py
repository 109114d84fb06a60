# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How runs begin where the ledger is in PostgreSQL: it is founded once, draws tickets, and is never made anew by itself."""

from __future__ import annotations

import typing as t

import psycopg
import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import POSTGRESQL
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.postgres_begin import content, draw
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import agreement, begun, upkeep
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.fleet.registrar_answers import Hosts

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Agreement

    from .postgres import Server

HOSTS = ["h1", "h2"]
THERE = agreement.Inventory(HOSTS, POSTGRESQL)


@pytest.fixture
def dsn(server: Server) -> str:
    """A database without tables."""
    return server.database()


def agree(dsn: str, answers: dict[str, t.Any]) -> Agreement:
    """As the action registrar_agree does it."""
    read = begun.read(answers)
    return agreement.agree(read, THERE, "fleet", draw(dsn, read, agreement.step(read, THERE, "fleet"), "a run", 60, None))


def enrolled(dsn: str) -> Hosts:
    hosts = Hosts(*HOSTS)
    found = agree(dsn, hosts.begin())
    while found["offers"]:
        assert found["ticket"] is None
        found = agree(dsn, hosts.begin(found["offers"]))
    assert found["ticket"]
    return hosts


def test_a_fleet_enrols_itself_and_each_run_draws_a_ticket(dsn: str) -> None:
    hosts = enrolled(dsn)
    first, second = agree(dsn, hosts.begin())["ticket"], agree(dsn, hosts.begin())["ticket"]
    assert first and second and second["ticket"] == first["ticket"] + 1
    shown = content(dsn, "fleet").content
    assert shown and len(shown["tickets"]) == 3


def test_a_ledger_that_was_lost_is_refused_until_it_is_rebuilt(dsn: str) -> None:
    hosts = enrolled(dsn)
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("DELETE FROM kvmfleet.ledger")
    with pytest.raises(Refused, match="the registrar has no ledger") as refused:
        agree(dsn, hosts.begin())
    assert refused.value.error_class == "LedgerLost"
    wish = upkeep.Wish("rebuild", HOSTS, None, True, [])
    step = upkeep.begin(begun.read(hosts.begin()), wish)
    goal = step.epoch
    while step.offers:
        read = begun.read(hosts.begin(step.offers))
        step = upkeep.go_on(read, wish, goal)
        agreement.of_step(read, step, draw(dsn, read, step, "the playbook", 1, None))
    assert agree(dsn, hosts.begin())["ticket"]


def test_a_ledger_behind_what_hosts_have_recorded_is_refused(dsn: str) -> None:
    answers = enrolled(dsn).begin()
    answers["h2"]["held"]["highest_ticket"] = 99
    with pytest.raises(Refused) as refused:
        agree(dsn, answers)
    assert refused.value.error_class == "LedgerStale"


def test_nothing_follows_an_enrolment_whose_ledger_can_not_be_founded(dsn: str) -> None:
    hosts = Hosts(*HOSTS)
    hosts.begin(agree(dsn, hosts.begin())["offers"])
    answers = hosts.begin(agree(dsn, hosts.begin())["offers"])
    with pytest.raises(Refused) as refused:
        agree(psycopg.conninfo.make_conninfo(dsn, dbname="none_such"), answers)
    assert refused.value.error_class == "LedgerUnavailable"
