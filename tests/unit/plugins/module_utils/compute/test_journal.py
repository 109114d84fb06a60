from __future__ import annotations

import pathlib

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks, secret_hash
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError


def test_undo_removes_what_was_made_and_nothing_else(tmp_path: pathlib.Path) -> None:
    journal = Journal(str(tmp_path / "state"), "u")
    folder = tmp_path / "instances" / "u"
    folder.parent.mkdir()
    journal.make_dir(str(folder), 0o711)
    pathlib.Path(journal.make_file(str(folder / "disk"))).write_text("x")
    journal.make_file(str(folder / "never-made"))
    journal.undo()
    assert not folder.exists()
    assert folder.parent.exists()
    assert journal.entries() == []


def test_what_is_foreign_stays(tmp_path: pathlib.Path) -> None:
    journal = Journal(str(tmp_path), "u")
    folder = tmp_path / "u"
    journal.make_dir(str(folder), 0o711)
    (folder / "notes").write_text("mine")
    journal.undo()
    assert (folder / "notes").read_text() == "mine"


def test_an_existing_path_is_never_taken_over(tmp_path: pathlib.Path) -> None:
    (tmp_path / "disk").write_text("mine")
    journal = Journal(str(tmp_path / "state"), "u")
    with pytest.raises(ServerError, match="exists already"):
        journal.make_file(str(tmp_path / "disk"))
    journal.undo()
    assert (tmp_path / "disk").read_text() == "mine"


def test_a_line_cut_off_by_a_crash_is_no_entry(tmp_path: pathlib.Path) -> None:
    journal = Journal(str(tmp_path), "u")
    journal.make_file(str(tmp_path / "disk"))
    with (tmp_path / "journal" / "u").open("a") as file:
        file.write('{"kind": "fi')
    assert [entry["kind"] for entry in journal.entries()] == ["file"]


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
