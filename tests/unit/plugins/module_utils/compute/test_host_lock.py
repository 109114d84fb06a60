# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's lock among real processes: who claims is alone, who reads the domains keeps claims away."""

from __future__ import annotations

import concurrent.futures
import contextlib
import fcntl
import multiprocessing
import os
import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import lock_holder, locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError

READERS, WRITERS, ROUNDS = 3, 3, 60
SPAWN = multiprocessing.get_context("spawn")


def claim(state_path: str) -> int:
    """Write two files that say the same, one after the other; how often."""
    for _round in range(ROUNDS):
        with locks.host_lock(state_path):
            number = int(pathlib.Path(state_path, "first").read_text()) + 1
            for name in ("first", "second"):
                pathlib.Path(state_path, name).write_text(str(number))
    return ROUNDS


def read(state_path: str) -> int:
    """Read both; how often they were not the same."""
    odd = 0
    for _round in range(ROUNDS):
        with locks.host_lock(state_path, shared=True):
            odd += pathlib.Path(state_path, "first").read_text() != pathlib.Path(state_path, "second").read_text()
    return odd


def test_readers_see_claims_whole_and_none_is_lost(tmp_path: pathlib.Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).write_text("0")
    with concurrent.futures.ProcessPoolExecutor(READERS + WRITERS, SPAWN) as workers:
        claimed = [workers.submit(claim, str(tmp_path)) for _number in range(WRITERS)]
        odd = [workers.submit(read, str(tmp_path)) for _number in range(READERS)]
        assert sum(future.result() for future in claimed) == WRITERS * ROUNDS
        assert sum(future.result() for future in odd) == 0
    assert (tmp_path / "first").read_text() == str(WRITERS * ROUNDS)


def hold(state_path: str, connection: t.Any) -> None:
    """Keep claims away until told to go."""
    with locks.host_lock(state_path, 0.0, shared=True):
        connection.send(os.getpid())
        connection.recv()


@contextlib.contextmanager
def reader(state_path: str) -> t.Iterator[int]:
    """The id of a process that has the lock with others."""
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=hold, args=(state_path, there))
    process.start()
    # So that the end of the process is the end of the pipe.
    there.close()
    try:
        yield here.recv()
        here.send("go")
    finally:
        here.close()
        process.join()


def test_readers_share_the_lock_and_who_would_claim_is_told_their_names(tmp_path: pathlib.Path) -> None:
    state_path = str(tmp_path)
    with reader(state_path) as first, reader(state_path) as second:
        with pytest.raises(ServerError, match="not free within 0 s") as caught, locks.host_lock(state_path, 0.0):
            pass
        assert caught.value.error_class == "HostLocked"
        if os.path.exists(lock_holder.LOCKS):
            assert all(f"process {pid} (" in caught.value.message for pid in (first, second))
    with locks.host_lock(state_path, 0.0):
        pass


def test_a_reader_waits_no_longer_than_it_is_told_for_who_claims(tmp_path: pathlib.Path) -> None:
    state_path = str(tmp_path)
    with locks.host_lock(state_path), pytest.raises(ServerError, match="not free within 0 s"), locks.host_lock(state_path, 0.0, shared=True):
        pass


def read_on(state_path: str, connection: t.Any) -> None:
    """Read, and read again, until told to end."""
    while not connection.poll():
        with locks.host_lock(state_path, shared=True):
            connection.send("reading")
            connection.poll(0.2)


def test_who_would_claim_gets_its_turn_though_there_is_always_somebody_who_reads(tmp_path: pathlib.Path) -> None:
    with contextlib.ExitStack() as stack:
        for _number in range(READERS):
            here, there = SPAWN.Pipe()
            process = SPAWN.Process(target=read_on, args=(str(tmp_path), there))
            process.start()
            stack.callback(process.join)
            stack.callback(here.send, "end")
            assert here.recv() == "reading"
        with locks.host_lock(str(tmp_path), 20.0):
            pass


def test_who_is_stopped_while_it_waits_keeps_nobody_out(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "TURN_S", 0.1)
    with locks.host_lock(str(tmp_path)):
        pass
    turn = os.open(tmp_path / "locks", os.O_RDONLY)
    fcntl.flock(turn, fcntl.LOCK_EX)
    for shared in (True, False):
        with locks.host_lock(str(tmp_path), shared=shared):
            pass
    os.close(turn)
