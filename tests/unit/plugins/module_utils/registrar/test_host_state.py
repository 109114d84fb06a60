"""What a host keeps of the registrar: which offers it takes, and what lasts."""

from __future__ import annotations

import multiprocessing
import os
import pathlib
import stat

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.locks import host_lock
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import state_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.host_state import CARRY, FOUND, NOTHING, HostState, ended, held, taken
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import EndRequest, Epoch, HostClock
from ansible_collections.kvmfleet.compute.tests.unit import make

FIRST, SECOND = make.epoch(), make.epoch(2)


def test_a_host_takes_a_later_epoch_in_place_of_what_it_was_seen_to_hold_and_nothing_else() -> None:
    first = taken(NOTHING, make.offer(FIRST), "h2")
    assert first == HostState(FIRST, 0, None)
    assert taken(first, make.offer(SECOND), "h2") is first
    assert taken(first, make.offer(make.epoch(id="other"), FIRST), "h2") is first
    assert taken(first, make.offer(SECOND, FIRST), "h2") == HostState(SECOND, 0, None)


def test_the_registrars_ledger_is_founded_for_a_new_one_and_carried_into_the_next() -> None:
    assert taken(NOTHING, make.offer(FIRST), "h1").ledger_due == FOUND
    assert taken(HostState(FIRST, 0, None), make.offer(SECOND, FIRST), "h1").ledger_due == CARRY
    assert taken(HostState(FIRST, 0, None), make.offer(make.epoch(2, is_carried=False), FIRST), "h1").ledger_due == FOUND
    assert taken(HostState(FIRST, 0, CARRY), make.offer(make.epoch(2, registrar="h2", is_carried=False), FIRST), "h1").ledger_due is None
    assert taken(HostState(FIRST, 0, None), make.offer(make.epoch(2, store="postgresql", registrar=""), FIRST), "h1").ledger_due is None


def test_a_ledger_that_was_never_founded_is_founded_for_the_epoch_that_would_carry_it() -> None:
    # The run that took the first epoch died before it had begun.
    assert taken(HostState(FIRST, 0, FOUND), make.offer(SECOND, FIRST), "h1").ledger_due == FOUND


@pytest.mark.parametrize(
    ("later", "ticket"), [(make.epoch(2), 7), (make.epoch(2, is_carried=False), 0), (make.epoch(3), 0)], ids=["carried", "new", "one was missed"]
)
def test_a_ticket_counts_for_the_ledger_that_drew_it(later: Epoch, ticket: int) -> None:
    assert taken(HostState(FIRST, 7, None), make.offer(later, FIRST), "h2").highest_ticket == ticket


def to_end(*tickets: tuple[int, int], of: Epoch = SECOND) -> EndRequest:
    """Tickets, each with the s that it has left."""
    return {"epoch": {"number": of["number"], "id": of["id"]}, "tickets": [{"ticket": number, "left_s": left_s} for number, left_s in tickets]}


def at(seconds: float, boot_id: str = "boot") -> HostClock:
    return {"boot_id": boot_id, "seconds": seconds}


def test_a_ticket_is_ended_until_no_claim_of_it_could_be_in_time() -> None:
    state = ended(HostState(SECOND, 0, None), to_end((40, 130), (42, 60)), at(1000.0))
    assert [held(state, at(seconds))["ended"] for seconds in (1000.0, 1060.0, 1060.1, 1130.1)] == [[40, 42], [40, 42], [40], []]
    # Its claims are of the boot that it ended in.
    assert held(state, at(5.0, "next boot"))["ended"] == []
    later = ended(state, to_end((42, 90), (40, 1)), at(1061.0))
    assert held(later, at(1130.0))["ended"] == [40, 42]
    assert len(ended(later, to_end(), at(1200.0)).ended) == 0


def test_a_later_epoch_refuses_the_claims_of_its_tickets_itself() -> None:
    state = ended(HostState(FIRST, 0, None), to_end((40, 130), of=FIRST), at(1000.0))
    assert state.ended
    assert taken(state, make.offer(SECOND, FIRST), "h2").ended == ()
    for other in (NOTHING, HostState(SECOND, 0, None)):
        with pytest.raises(Refused, match="does not hold epoch 1") as refused:
            ended(other, to_end((40, 130), of=FIRST), at(1000.0))
        assert refused.value.error_class == "EpochOver"


def test_a_host_keeps_what_is_written(tmp_path: pathlib.Path) -> None:
    state_path = tmp_path / "state"
    assert state_file.read(str(state_path)) == NOTHING
    assert not state_path.exists()
    for state in (HostState(FIRST, 7, FOUND), HostState(SECOND, 8, None), HostState(SECOND, 8, None, ({"ticket": 40, "until": at(1130.0)},))):
        state_file.write(str(state_path), state)
        assert state_file.read(str(state_path)) == state
    assert [path.name for path in state_path.iterdir()] == ["registrar.json"]
    assert stat.S_IMODE(state_path.stat().st_mode) == 0o700


def test_what_is_written_is_on_disk_before_it_is_there(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, replace = os.fsync, os.replace

    def own_fsync(descriptor: int) -> None:
        order.append(os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")))
        fsync(descriptor)

    def own_replace(source: str, target: str) -> None:
        order.append("replace")
        replace(source, target)

    monkeypatch.setattr(os, "fsync", own_fsync)
    monkeypatch.setattr(os, "replace", own_replace)
    state_file.write(str(tmp_path), HostState(FIRST, 0, None))
    assert order == ["registrar.json.new", "replace", tmp_path.name]


GOOD = '"highest_ticket": 0, "ledger_due": null'


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "null",
        "[]",
        '{"version": 1}',
        f'{{"version": 2, "epoch": null, {GOOD}}}',
        f'{{"version": 1, "epoch": {{"number": 1}}, {GOOD}}}',
        f'{{"version": 1, "epoch": "first", {GOOD}}}',
        '{"version": 1, "epoch": null, "highest_ticket": "x", "ledger_due": null}',
        '{"version": 1, "epoch": null, "highest_ticket": 0, "ledger_due": "lost"}',
        f'{{"version": 1, "epoch": null, {GOOD}, "ended": [40]}}',
        f'{{"version": 1, "epoch": null, {GOOD}, "ended": {{}}}}',
        f'{{"version": 1, "epoch": null, {GOOD}, "ended": [{{"ticket": 40, "until": 1130.5}}]}}',
    ],
)
def test_what_cannot_be_read_is_not_nothing(tmp_path: pathlib.Path, content: str) -> None:
    (tmp_path / state_file.FILE).write_text(content)
    with pytest.raises(Refused, match="can't be read") as refused:
        state_file.read(str(tmp_path))
    assert refused.value.error_class == "EpochUnreadable"


def test_a_file_from_before_tickets_could_be_ended_is_read(tmp_path: pathlib.Path) -> None:
    (tmp_path / state_file.FILE).write_text(f'{{"version": 1, "epoch": null, {GOOD}}}')
    assert state_file.read(str(tmp_path)) == NOTHING


def offered(state_path: str, number: int) -> str:
    """One of several that offer at once, in a process of its own."""
    with host_lock(state_path):
        state = taken(state_file.read(state_path), make.offer(make.epoch(id=str(number))), "h1")
        state_file.write(state_path, state)
    assert state.epoch is not None
    return state.epoch["id"]


def test_of_those_that_offer_at_once_a_host_takes_one(tmp_path: pathlib.Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as workers:
        found = workers.starmap(offered, [(str(tmp_path), number) for number in range(8)])
    assert len(set(found)) == 1
