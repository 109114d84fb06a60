# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who finds a lock held says by whom."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import lock_holder, locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError

HOLD = """
import fcntl, os, sys, time
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(file, fcntl.LOCK_EX)
os.utime(file, (0, 1767225600))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(not os.path.exists(lock_holder.LOCKS), reason="this kernel shows no locks")
@pytest.mark.parametrize("name", ["host", "6f70656e-7374-6163-6b20-342065766572"])
def test_the_sentence_names_the_process_that_holds_it_its_state_and_since_when(tmp_path: pathlib.Path, name: str) -> None:
    (tmp_path / "locks").mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "locks" / name)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        os.kill(holder.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
        try:
            with pytest.raises(ServerError) as caught:
                lock = locks.host_lock(str(tmp_path), 0.0) if name == "host" else locks.instance_lock(str(tmp_path), name)
                with lock:
                    pass
        finally:
            os.kill(holder.pid, signal.SIGCONT)
            holder.stdin.close()
    assert f"process {holder.pid} (" in caught.value.message
    assert ", stopped) since 2026-01-01T00:00:00Z holds" in caught.value.message


def test_whoever_takes_a_lock_says_since_when(tmp_path: pathlib.Path) -> None:
    for lock in (locks.host_lock(str(tmp_path)), locks.instance_lock(str(tmp_path), "u")):
        with lock:
            (file,) = [path for path in (tmp_path / "locks").iterdir() if path.name in ("host", "u") and path.stat().st_mtime > 1000]
            os.utime(file, (0, 0))
    for lock in (locks.host_lock(str(tmp_path)), locks.instance_lock(str(tmp_path), "u")):
        with lock:
            pass
    assert all(path.stat().st_mtime > 1000 for path in (tmp_path / "locks").iterdir())


def test_only_who_holds_it_is_named() -> None:
    text = (
        "1: FLOCK  ADVISORY  WRITE 11 08:01:77 0 EOF\n"
        "1: -> FLOCK  ADVISORY  WRITE 12 08:01:77 0 EOF\n"
        "2: POSIX  ADVISORY  WRITE 13 08:01:77 0 EOF\n"
        "3: FLOCK  ADVISORY  WRITE 14 08:01:777 0 EOF\n"
        "4: FLOCK  ADVISORY  WRITE 0 08:01:77 0 EOF\n"
        "5: odd\n"
    )
    assert lock_holder.pids_of(text, 77) == [11]


def test_a_file_of_another_file_system_with_the_same_number_is_nobodys(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lock").touch()
    with (tmp_path / "lock").open() as file:
        monkeypatch.setattr(lock_holder, "pids_of", lambda _text, _inode: [1])
        monkeypatch.setattr(lock_holder, "_has_open", lambda _pid, _file: False)
        assert lock_holder.describe(file.fileno()).startswith("another process since ")
