# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks on a host: one for all claims, one per instance for whoever builds it. The kernel drops them when their holder dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import lock_holder
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError

HELD = "InstanceIsLocked"
HOST, FILTERS, NETWORKS = "host", "filters", "networks"  # the locks for claims, network filters and made networks; the others have the names of servers
POLL_S = 0.05
TURN_S = 10.0  # the longest that anybody waits for his turn at a lock; who keeps it longer is stopped
LOOKS, LOOK_S = 3, 0.01  # how often, and how long in s, a lock is waited for that somebody may only look at


def _folder(state_path: str) -> str:
    return os.path.join(state_path, "locks")


def _open(state_path: str, name: str) -> int:
    folder = _folder(state_path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.open(os.path.join(folder, name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _try_again(descriptor: int) -> bool:
    """Whoever only looks (``is_locked``) has the lock for a moment, which must not fail a build."""
    for _look in range(LOOKS):
        if _try(descriptor):
            return True
        time.sleep(LOOK_S)
    return _try(descriptor)


@contextlib.contextmanager
def _turn(state_path: str, kind: int, timeout_s: float) -> t.Iterator[None]:
    """Wait in turn for the host's lock: flock gives a shared one to whoever asks, so that readers who follow each other would keep every claim out.

    Whoever waits has the lock folder's own lock meanwhile, of the same kind: behind a claim that waits no reader comes in, and behind readers no other claim.
    It is a courtesy: somebody who was stopped while he waited is passed after TURN_S.
    """
    descriptor = os.open(_folder(state_path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + min(TURN_S, timeout_s)
        while not _try(descriptor, kind) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def host_lock(state_path: str, timeout_s: float = 120.0, *, shared: bool = False) -> t.Iterator[None]:
    """Hold the host's claim lock, alone, or ``shared`` with others that only keep claims away.

    ServerError if others keep it longer than ``timeout_s``: nothing was claimed, so another host may be tried.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with _waited(state_path, HOST, "claim lock", timeout_s, kind, _turn(state_path, kind, timeout_s)):
        yield


@contextlib.contextmanager
def filter_lock(state_path: str, timeout_s: float) -> t.Iterator[None]:
    """Hold the host's lock for network filters; ServerError (HostLocked) if others keep it longer than ``timeout_s``."""
    with _waited(state_path, FILTERS, "lock for network filters", timeout_s, fcntl.LOCK_EX, contextlib.nullcontext()):
        yield


@contextlib.contextmanager
def network_lock(state_path: str, timeout_s: float) -> t.Iterator[None]:
    """Hold the host's lock for networks that are made on demand; ServerError (HostLocked) if others keep it longer than ``timeout_s``."""
    with _waited(state_path, NETWORKS, "lock for networks", timeout_s, fcntl.LOCK_EX, contextlib.nullcontext()):
        yield


@contextlib.contextmanager
def _waited(state_path: str, name: str, what: str, timeout_s: float, kind: int, turn: t.ContextManager[None]) -> t.Iterator[None]:
    descriptor = _open(state_path, name)
    try:
        deadline = time.monotonic() + timeout_s
        with turn:
            while not _try(descriptor, kind):
                if time.monotonic() > deadline:
                    why = f"the host's {what} was not free within {timeout_s:.0f} s: {lock_holder.describe(descriptor)} holds it"
                    raise ServerError("HostLocked", why, reschedule=True)
                time.sleep(POLL_S)
        os.utime(descriptor)
        yield
    finally:
        os.close(descriptor)


def held(state_path: str, uuid: str) -> ServerError:
    """The error of who finds a server's lock held."""
    return ServerError(HELD, f"instance {uuid} is being worked on by another process of this host{_holder(state_path, uuid)}")


def _holder(state_path: str, uuid: str) -> str:
    try:
        descriptor = os.open(lock_path(state_path, uuid), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return f": {lock_holder.describe(descriptor)} holds its lock"
    finally:
        os.close(descriptor)


def take(stack: contextlib.ExitStack, state_path: str, uuid: str) -> bool:
    """Hold an instance's lock until the stack is left; False if another process has it."""
    while True:
        descriptor = _open(state_path, uuid)
        with contextlib.ExitStack() as closing:
            closing.callback(os.close, descriptor)
            if not _try_again(descriptor):
                return False
            # Who had it before may have removed the file: then the next one to come would lock another.
            if os.fstat(descriptor).st_nlink:
                os.utime(descriptor)
                stack.push(closing.pop_all())
                return True


@contextlib.contextmanager
def instance_lock(state_path: str, uuid: str) -> t.Iterator[None]:
    """Hold an instance's lock; ServerError if someone else builds or deletes it now."""
    with contextlib.ExitStack() as stack:
        if not take(stack, state_path, uuid):
            raise held(state_path, uuid)
        yield


def is_locked(state_path: str, uuid: str) -> bool:
    """True if a live process holds the instance's lock. Makes nothing."""
    try:
        descriptor = os.open(lock_path(state_path, uuid), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _try(descriptor)
    finally:
        os.close(descriptor)


def lock_files(state_path: str) -> t.List[str]:
    """The ids of the servers that have a lock file, held or not."""
    try:
        return sorted(name for name in os.listdir(os.path.join(state_path, "locks")) if name not in (HOST, FILTERS, NETWORKS))
    except FileNotFoundError:
        return []


def lock_path(state_path: str, uuid: str) -> str:
    """Where the lock of a server lies."""
    return os.path.join(state_path, "locks", uuid)


def forget(state_path: str, uuid: str) -> None:
    """Remove the lock file of an instance that is gone."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(lock_path(state_path, uuid))
