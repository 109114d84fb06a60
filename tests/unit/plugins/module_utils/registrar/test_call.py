"""Calls of the registrar's module: a host of its own, with the real file, ledger and lock."""

from __future__ import annotations

import multiprocessing
import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.locks import host_lock
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import state_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.call import Call, Result
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.sqlite_store import FILE as LEDGER
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, HostClock
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar.wishes import pool, port, reserve_request, server

NOW = 1_000_000
CLOCK: HostClock = {"boot_id": "boot", "seconds": 5.5}
BEGIN: dict[str, t.Any] = {"run": "run", "lasts_s": 1000, "process": None}
FIRST, SECOND = make.epoch(), make.epoch(2)


class Host:
    """One host of the fleet, and what it is asked."""

    def __init__(self, state_path: pathlib.Path, name: str = "h1") -> None:
        self.state_path = state_path
        self.name = name

    def call(self, operation: str = "show", offer: t.Any = None, check_mode: bool = False, **request: t.Any) -> Result:
        path = str(self.state_path)
        call = Call(path, self.name, lock=lambda: host_lock(path, 30.0), clock=lambda: CLOCK, now=lambda: NOW, check_mode=check_mode)
        return call.result(operation, offer, request)

    def begin(self, offer: t.Any = None) -> int:
        """The number of a ticket that is drawn."""
        result = self.call("begin", offer, **BEGIN)
        assert result.refused is None
        begun: t.Any = result.answer
        return int(begun["ticket"]["ticket"])

    def refusal(self, operation: str, offer: t.Any = None, **request: t.Any) -> tuple[str, str]:
        result = self.call(operation, offer, **request)
        assert result.refused is not None, result
        assert result.answer is None
        return result.refused.error_class, result.refused.message


@pytest.fixture
def h1(tmp_path: pathlib.Path) -> Host:
    """The first host of a new fleet."""
    return Host(tmp_path / "h1")


@pytest.fixture
def enrolled(h1: Host) -> Host:
    """The registrar of a fleet, at epoch 2."""
    h1.begin(make.offer(FIRST))
    h1.begin(make.offer(SECOND, FIRST))
    return h1


def wanted(ticket: int, epoch: Epoch = SECOND, highest_ticket: int = 0) -> dict[str, t.Any]:
    """A request for one server."""
    request = reserve_request(ticket, [server("web", "h1", port(1, ["v4"]))], pools={"v4": pool("192.0.2.1", "192.0.2.9")})
    return {**request, "epoch": {"number": epoch["number"], "id": epoch["id"]}, "highest_ticket": highest_ticket}


def test_a_new_host_holds_nothing_and_to_ask_it_makes_nothing(h1: Host) -> None:
    for operation, request in (("show", {}), ("begin", BEGIN), ("reservations", {})):
        result = h1.call(operation, **request)
        assert result == Result({"epoch": None, "highest_ticket": 0, "ended": [], "clock": CLOCK}, None, None, False)
    assert not h1.state_path.exists()


def test_a_host_takes_an_epoch_once_and_says_what_it_holds(h1: Host) -> None:
    result = h1.call(offer=make.offer(FIRST))
    assert (result.held["epoch"], result.changed) == (FIRST, True)
    for offer in (make.offer(FIRST), make.offer(make.epoch(id="other")), make.offer(SECOND)):
        result = h1.call(offer=offer)
        assert (result.held["epoch"], result.changed) == (FIRST, False)


def test_the_registrar_draws_a_ticket_in_the_call_that_made_it_one(h1: Host) -> None:
    result = h1.call("begin", make.offer(FIRST), **BEGIN)
    answer: t.Any = result.answer
    assert (answer["registrar"], answer["ticket"]["ticket"], answer["reservations"]) == ("h1", 1, [])
    assert [h1.begin(), h1.begin(make.offer(SECOND, FIRST)), h1.begin()] == [2, 3, 4]


def test_another_host_draws_none_and_has_no_ledger(tmp_path: pathlib.Path) -> None:
    h2 = Host(tmp_path, "h2")
    assert h2.call("begin", make.offer(FIRST), **BEGIN).answer is None
    assert not (tmp_path / LEDGER).exists()
    error_class, sentence = h2.refusal("reserve", **wanted(1, FIRST))
    assert (error_class, sentence) == ("EpochOver", "host h2 is not the registrar: by epoch 1, which it holds, that is on host h1: run again")
    assert h2.refusal("settle", epoch={"number": 1, "id": "epoch 1"}, ticket=1, claimed=[], absent=[])[0] == "EpochOver"


def test_a_host_without_an_epoch_grants_nothing(h1: Host) -> None:
    assert h1.refusal("reserve", **wanted(1)) == ("EpochMissing", "host h1 holds no epoch, so that it is no registrar: run again")


def test_what_is_reserved_is_held_until_it_is_settled_as_absent(enrolled: Host) -> None:
    ticket = enrolled.begin()
    reserved: t.Any = enrolled.call("reserve", **wanted(ticket)).answer
    assert [held["server"] for held in reserved["granted"]] == ["web"]
    content: t.Any = enrolled.call("reservations").answer
    assert (content["epoch"], content["sequence"], content["outrun"]) == ({"number": 2, "id": "epoch 2"}, ticket, False)
    assert ([held["server"] for held in content["reservations"]], content["tickets"][-1]["ticket"]) == (["web"], ticket)
    result = enrolled.call("settle", epoch=content["epoch"], ticket=ticket, claimed=[], absent=["web"])
    assert (result.answer, result.refused, result.changed) == (None, None, False)
    content = enrolled.call("reservations").answer
    assert content["reservations"] == []


def test_a_ledger_that_is_lost_is_refused_and_not_made_again(enrolled: Host) -> None:
    ticket = enrolled.begin()
    (enrolled.state_path / LEDGER).unlink()
    assert enrolled.refusal("begin", **BEGIN)[0] == "LedgerLost"
    assert enrolled.refusal("reserve", **wanted(ticket))[0] == "LedgerLost"
    assert enrolled.call("reservations").answer is None
    # A rebuild is an epoch with a new ledger.
    rebuilt = make.epoch(3, is_carried=False)
    assert enrolled.begin(make.offer(rebuilt, SECOND)) == 1


def test_a_lost_ledger_is_not_carried_into_the_next_epoch(enrolled: Host) -> None:
    (enrolled.state_path / LEDGER).unlink()
    assert enrolled.refusal("begin", make.offer(make.epoch(3), SECOND), **BEGIN)[0] == "LedgerLost"
    # What is due stays due.
    assert enrolled.refusal("begin", **BEGIN)[0] == "LedgerLost"


def test_a_run_that_died_before_it_had_begun_leaves_a_ledger_to_be_founded(h1: Host) -> None:
    h1.call(offer=make.offer(FIRST))
    h1.call(offer=make.offer(SECOND, FIRST))
    assert h1.begin() == 1


def test_a_carried_ledger_keeps_what_is_in_force_and_ends_the_tickets(enrolled: Host) -> None:
    ticket = enrolled.begin()
    enrolled.call("reserve", **wanted(ticket))
    later = enrolled.call("begin", make.offer(make.epoch(3), SECOND), **BEGIN)
    begun: t.Any = later.answer
    assert [held["server"] for held in begun["reservations"]] == ["web"]
    assert enrolled.refusal("reserve", **wanted(ticket))[0] == "EpochOver"


def test_who_was_the_registrar_grants_nothing_any_more(enrolled: Host) -> None:
    ticket = enrolled.begin()
    moved = make.epoch(3, registrar="h2", is_carried=False)
    assert enrolled.call("begin", make.offer(moved, SECOND), **BEGIN).answer is None
    assert enrolled.refusal("reserve", **wanted(ticket)) == (
        "EpochOver",
        "host h1 is not the registrar: by epoch 3, which it holds, that is on host h2: run again",
    )


def test_a_ticket_that_the_host_has_recorded_and_the_ledger_not_drawn_is_a_restored_backup(enrolled: Host) -> None:
    state = state_file.read(str(enrolled.state_path))
    state_file.write(str(enrolled.state_path), state._replace(highest_ticket=99))
    assert enrolled.refusal("begin", **BEGIN)[0] == "LedgerStale"


def test_check_mode_takes_nothing_asks_nothing_and_reads_what_there_is(h1: Host) -> None:
    result = h1.call("begin", make.offer(FIRST), check_mode=True, **BEGIN)
    assert (result.held["epoch"], result.answer, result.changed) == (None, None, False)
    assert not h1.state_path.exists()
    h1.begin(make.offer(FIRST))
    for operation, request in (("begin", BEGIN), ("reserve", wanted(1, FIRST))):
        assert h1.call(operation, check_mode=True, **request).answer is None
    content: t.Any = h1.call("reservations", check_mode=True).answer
    assert (content["sequence"], content["reservations"]) == (1, [])


@pytest.mark.parametrize(
    ("operation", "offer", "request_", "sentence"),
    [
        ("begin", None, {"run": "run"}, "to begin it needs lasts_s, process"),
        ("settle", None, {"epoch": {}}, "to settle it needs absent, claimed, ticket"),
        ("show", {"epoch": {"number": 1}}, {}, "offer: id is not there or no str"),
        ("show", {"epoch": {**FIRST, "number": True}}, {}, "offer: number is not there or no int"),
        ("show", {"epoch": {**FIRST, "replaces": ["h1"]}}, {}, "offer: hosts and replaces have names of hosts"),
        ("show", {"epoch": None}, {}, "offer: an epoch is a mapping"),
        ("reserve", None, {**wanted(2), "servers": [{"uuid": "web"}]}, "request: it is none to reserve: KeyError"),
        ("begin", None, {**BEGIN, "lasts_s": "long"}, "request: it is none to begin: ValueError: lasts_s is not there or no int"),
        ("begin", None, {**BEGIN, "process": {"pid": 1}}, "request: it is none to begin: ValueError: boot_id is not there or no str"),
        ("end", None, {"epoch": {}}, "to end it needs tickets"),
        ("end", None, {"epoch": {"number": 2, "id": "epoch 2"}, "tickets": [{"ticket": 1}]}, "request: it is none to end: ValueError: left_s"),
    ],
)
def test_what_is_no_request_is_said_in_a_sentence(enrolled: Host, operation: str, offer: t.Any, request_: dict[str, t.Any], sentence: str) -> None:
    with pytest.raises(ServerError, match=sentence) as error:
        enrolled.call(operation, offer, **request_)
    assert error.value.error_class == "InvalidInput"
    assert enrolled.begin() > 0


def test_while_the_hosts_lock_is_held_no_epoch_is_taken_and_reservations_go_on(enrolled: Host) -> None:
    path = str(enrolled.state_path)
    with host_lock(path):
        call = Call(path, "h1", lock=lambda: host_lock(path, 0.0), clock=lambda: CLOCK, now=lambda: NOW)
        with pytest.raises(ServerError, match="claim lock was not free"):
            call.result("show", t.cast("dict[str, t.Any]", make.offer(make.epoch(3), SECOND)), {})
        assert enrolled.call("reserve", **wanted(enrolled.begin())).answer is not None


def test_a_host_ends_a_ticket_under_the_lock_of_claims_and_says_so(enrolled: Host) -> None:
    path, epoch = str(enrolled.state_path), {"number": 2, "id": "epoch 2"}
    killed = enrolled.begin()
    request = {"epoch": epoch, "tickets": [{"ticket": killed, "left_s": 100}]}
    with host_lock(path):
        call = Call(path, "h1", lock=lambda: host_lock(path, 0.0), clock=lambda: CLOCK, now=lambda: NOW)
        with pytest.raises(ServerError, match="claim lock was not free"):
            call.result("end", None, request)
    assert enrolled.call("end", check_mode=True, **request).held["ended"] == []
    for is_new in (True, False):
        result = enrolled.call("end", **request)
        assert (result.held["ended"], result.answer, result.refused, result.changed) == ([killed], None, None, is_new)
    assert enrolled.call().held["ended"] == [killed]
    other = enrolled.call("end", epoch={"number": 1, "id": "epoch 1"}, tickets=request["tickets"])
    assert other.refused and other.refused.error_class == "EpochOver"


def one_run(state_path: str, _number: int) -> int:
    """A first run over this host, in a process of its own."""
    return Host(pathlib.Path(state_path)).begin(make.offer(FIRST))


def test_of_first_runs_at_once_each_draws_a_ticket_of_its_own(tmp_path: pathlib.Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as workers:
        drawn = workers.starmap(one_run, [(str(tmp_path), number) for number in range(8)])
    assert sorted(drawn) == list(range(1, 9))
