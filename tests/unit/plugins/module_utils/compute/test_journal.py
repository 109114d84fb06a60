from __future__ import annotations

import fcntl
import os
import pathlib
import stat

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks, secret_hash
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError


def test_undo_removes_what_was_made_and_nothing_else(tmp_path: pathlib.Path) -> None:
    journal = Journal(str(tmp_path / "state"), "u")
    folder = tmp_path / "instances" / "u"
    folder.parent.mkdir()
    journal.note(("dir", str(folder)), ("file", str(folder / "disk")), ("file", str(folder / "never-made")), ("tree", str(folder / "work")))
    (folder / "work" / "sub").mkdir(parents=True)
    (folder / "work" / "sub" / "user_data").write_text("secret")
    (folder / "disk").write_text("x")
    journal.undo()
    assert not folder.exists()
    assert folder.parent.exists()
    assert journal.entries() == []


def test_what_is_foreign_stays(tmp_path: pathlib.Path) -> None:
    journal = Journal(str(tmp_path), "u")
    folder = tmp_path / "u"
    journal.note(("dir", str(folder)))
    folder.mkdir()
    (folder / "notes").write_text("mine")
    journal.undo()
    assert (folder / "notes").read_text() == "mine"


def test_an_existing_path_is_never_taken_over(tmp_path: pathlib.Path) -> None:
    (tmp_path / "disk").write_text("mine")
    journal = Journal(str(tmp_path / "state"), "u")
    with pytest.raises(ServerError, match="exists already"):
        journal.note(("file", str(tmp_path / "disk")))
    journal.undo()
    assert (tmp_path / "disk").read_text() == "mine"


@pytest.mark.parametrize(
    "torn", [b'{"kind": "fi', b"[1]\n", b"\xff\xfe", b"null\n", b'{"kind": "file", "path": 1}\n', b'{"kind": "rocket", "path": "/x"}\n', b"\0\0\0"]
)
def test_a_line_that_cannot_be_read_costs_neither_the_one_before_nor_the_one_after(tmp_path: pathlib.Path, torn: bytes) -> None:
    journal = Journal(str(tmp_path), "u")
    journal.note(("file", str(tmp_path / "one")))
    with (tmp_path / "journal" / "u").open("ab") as file:
        file.write(torn)
    journal.note(("file", str(tmp_path / "two")))
    assert [entry["path"] for entry in journal.entries()] == [str(tmp_path / "one"), str(tmp_path / "two")]
    (tmp_path / "two").write_text("x")
    journal.undo()
    assert not (tmp_path / "two").exists()


def test_what_is_noted_is_on_the_disk_before_anything_is_made(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    Journal(str(tmp_path), "u").note(("file", str(tmp_path / "one")), ("file", str(tmp_path / "two")))
    assert synced == [str(tmp_path / "journal" / "u"), str(tmp_path / "journal")]


def test_an_undo_that_fails_half_way_goes_on_and_keeps_the_journal(tmp_path: pathlib.Path) -> None:
    journal = Journal(str(tmp_path), "u")
    journal.note(("file", str(tmp_path / "one")), ("file", str(tmp_path / "two")))
    (tmp_path / "one").write_text("x")
    (tmp_path / "two").mkdir()
    with pytest.raises(OSError, match="two"):
        journal.undo()
    assert not (tmp_path / "one").exists()
    assert len(journal.entries()) == 2


def test_logs_that_virtlogd_has_rotated_are_removed_with_the_log_and_others_stay(tmp_path: pathlib.Path) -> None:
    journal = Journal(str(tmp_path), "u")
    journal.note(("log", str(tmp_path / "console.log")))
    for name in ("console.log", "console.log.0", "console.log.12", "console.log.old", "console.log.0.gz"):
        (tmp_path / name).write_text("x")
    journal.undo()
    assert {path.name for path in tmp_path.iterdir()} == {"console.log.old", "console.log.0.gz", "journal"}


def test_instance_lock_is_held_and_dropped(tmp_path: pathlib.Path) -> None:
    assert not locks.is_locked(str(tmp_path), "u")
    with locks.instance_lock(str(tmp_path), "u"):
        assert locks.is_locked(str(tmp_path), "u")
        with pytest.raises(ServerError, match="another process"), locks.instance_lock(str(tmp_path), "u"):
            pass
    assert not locks.is_locked(str(tmp_path), "u")


def test_keyed_hash_needs_the_hosts_key(tmp_path: pathlib.Path) -> None:
    key = secret_hash.host_key(str(tmp_path / "state"))
    assert secret_hash.host_key(str(tmp_path / "state")) == key
    assert (tmp_path / "state" / "secret.key").stat().st_mode & 0o777 == 0o600
    one = secret_hash.keyed_hash(key, "u", "secret")
    assert one == secret_hash.keyed_hash(key, "u", "secret")
    assert one not in (secret_hash.keyed_hash(b"other", "u", "secret"), secret_hash.keyed_hash(key, "v", "secret"), "secret")
    assert secret_hash.keyed_hash(key, "u", None) is None


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 31])
def test_a_key_that_is_empty_or_short_is_an_error_that_names_it(tmp_path: pathlib.Path, content: bytes) -> None:
    (tmp_path / "secret.key").write_bytes(content)
    with pytest.raises(ServerError, match=rf"secret\.key has {len(content)} bytes"):
        secret_hash.host_key(str(tmp_path))


def test_the_key_lasts_through_a_power_cut(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode)))
    secret_hash.host_key(str(tmp_path / "state"))
    assert synced == [False, True]


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_on_the_new_one(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, path = locks._open, tmp_path / "locks" / "u"
    opened: list[int] = []

    def removed_at_once(state_path: str, name: str) -> int:
        opened.append(real(state_path, name))
        if len(opened) == 1:
            path.unlink()
        return opened[-1]

    monkeypatch.setattr(locks, "_open", removed_at_once)
    with locks.instance_lock(str(tmp_path), "u"):
        assert locks.is_locked(str(tmp_path), "u")


def test_who_only_looks_whether_a_server_is_locked_fails_no_build(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with locks.instance_lock(str(tmp_path), "u"):
        pass
    looking = os.open(tmp_path / "locks" / "u", os.O_RDWR)
    fcntl.flock(looking, fcntl.LOCK_EX)
    monkeypatch.setattr(locks.time, "sleep", lambda _s: fcntl.flock(looking, fcntl.LOCK_UN))
    with locks.instance_lock(str(tmp_path), "u"):
        os.close(looking)
