"""The cache's files are the module's own: nobody else owns one, has one open, or leaves one behind, and there is room for all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import subprocess
import time
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache, fetch, space
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.client import Client
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import WantedImage

UNSET: t.Any = dict.fromkeys(("secret_source", "secret_checksum", "arriving_bytes"))
CONTENT = bytes(range(256)) * 8192  # 2 MiB
NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as the module does on a host")


def image(source: str) -> WantedImage:
    digest = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
    return {"id": "i", "name": None, "source": source, "checksum": digest, "disk_format": "raw", "size": None, "virtual_size": None, **UNSET}


def files(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock"))


@pytest.fixture(params=["staged", "file"])
def brought(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> t.Callable[[], str]:
    """Brings ``sent``, once as a file of the controller, once as one of the host; the cached path."""
    sent = tmp_path / "sent"
    sent.write_bytes(CONTENT)

    def bring() -> str:
        cache_path = tmp_path / "cache"
        cache_path.mkdir(mode=0o711, exist_ok=True)
        if request.param == "staged":
            entry, _fetched = fetch.ensure(str(cache_path), image("disk.raw"), server=Client(5), staged=str(sent))
        else:
            entry, _fetched = fetch.ensure(str(cache_path), image(sent.as_uri()), server=Client(5))
        return entry["path"]

    return bring


def test_who_has_the_sent_file_open_changes_nothing_afterwards(tmp_path: pathlib.Path, brought: t.Callable[[], str]) -> None:
    descriptor = os.open(tmp_path / "sent", os.O_RDWR)
    try:
        path = brought()
        os.pwrite(descriptor, b"evil", 0)
    finally:
        os.close(descriptor)
    assert pathlib.Path(path).read_bytes() == CONTENT
    assert os.stat(path).st_mode & 0o7777 == 0o644


@needs_root
def test_the_login_user_owns_nothing_of_what_he_sent(tmp_path: pathlib.Path, brought: t.Callable[[], str]) -> None:
    os.chown(tmp_path / "sent", NOBODY, NOBODY)
    path = brought()
    assert (os.stat(path).st_uid, os.stat(path).st_gid) == (0, 0)
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    writing = subprocess.run(
        ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "dd", f"of={path}", "conv=notrunc"],
        input=b"evil",
        capture_output=True,
        check=False,
    )
    assert b"Permission denied" in writing.stderr
    assert pathlib.Path(path).read_bytes() == CONTENT


def test_a_staged_link_or_pipe_is_not_followed(tmp_path: pathlib.Path) -> None:
    (tmp_path / "secret").write_bytes(CONTENT)
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "pipe"):
        with pytest.raises(ImageError, match=name):
            fetch.ensure(str(tmp_path / "cache"), image("disk.raw"), server=Client(5), staged=str(tmp_path / name))
    assert files(tmp_path / "cache") == []


def test_a_file_in_the_way_is_replaced_and_never_written_into(tmp_path: pathlib.Path) -> None:
    (tmp_path / "sent").write_bytes(CONTENT)
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "cache" / ".partial").mkdir(parents=True)
    name = f"sha256-{hashlib.sha256(CONTENT).hexdigest()}"
    pathlib.Path(cache.partial_path(str(tmp_path / "cache"), name)).symlink_to(victim)
    fetch.ensure(str(tmp_path / "cache"), image("disk.raw"), server=Client(5), staged=str(tmp_path / "sent"))
    assert victim.read_bytes() == b"precious"


@contextlib.contextmanager
def small_disk(path: pathlib.Path, size: str) -> t.Iterator[None]:
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(path)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(path)], check=True)


@needs_root
@pytest.mark.parametrize("staged", [True, False])
def test_a_disk_that_fills_up_during_the_copy_leaves_nothing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, staged: bool) -> None:
    # Somebody else fills it after the check: the check sees more than there is.
    monkeypatch.setattr(space, "MARGIN", -(1 << 40))
    sent = tmp_path / "sent"
    sent.write_bytes(CONTENT)
    with small_disk(tmp_path / "cache", "1m"):
        with pytest.raises(ImageError) as caught:
            fetch.ensure(str(tmp_path / "cache"), image("disk.raw" if staged else sent.as_uri()), server=Client(5), staged=str(sent) if staged else None)
        assert caught.value.error_class == "NoSpaceForImage"
        assert files(tmp_path / "cache") == []


@needs_root
def test_too_little_room_is_said_before_anything_is_copied(tmp_path: pathlib.Path) -> None:
    (tmp_path / "sent").write_bytes(CONTENT)
    with small_disk(tmp_path / "cache", "65m"):
        with pytest.raises(ImageError, match=rf"needs {len(CONTENT)} bytes and a margin of {space.MARGIN}; \d+ are free"):
            fetch.ensure(str(tmp_path / "cache"), image("disk.raw"), server=Client(5), staged=str(tmp_path / "sent"))
        assert files(tmp_path / "cache") == []


def free(folder: pathlib.Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def test_what_others_were_promised_is_not_free_until_they_have_gone(tmp_path: pathlib.Path) -> None:
    cache_path = str(tmp_path)
    most = (free(tmp_path) - space.MARGIN) * 2 // 3
    with cache.fetch_lock(cache_path, "second") as second:
        with cache.fetch_lock(cache_path, "first") as first:
            first.reserve(most, "first")
            with pytest.raises(ImageError, match=f"{most} of them promised to other images"):
                second.reserve(most, "second")
        second.reserve(most, "second")


def test_a_fetch_that_died_keeps_no_promise(tmp_path: pathlib.Path) -> None:
    most = (free(tmp_path) - space.MARGIN) * 2 // 3
    (tmp_path / ".partial").mkdir()
    (tmp_path / ".partial" / "dead.lock").write_text(str(most))
    with cache.fetch_lock(str(tmp_path), "living") as living:
        living.reserve(most, "living")


def test_a_partial_download_waits_a_day_and_no_longer(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / ".partial"
    for name in ("old", "new", "fetched"):
        with cache.fetch_lock(str(tmp_path), name):
            (folder / name).write_bytes(b"x")
            (folder / f"{name}.etag").write_text('"1"')
    now = os.stat(folder / "old").st_mtime
    for name in ("old", "fetched"):
        for suffix in ("", ".etag"):
            os.utime(folder / f"{name}{suffix}", (now - cache.PARTIAL_AGE_S - 60,) * 2)
    with cache.fetch_lock(str(tmp_path), "fetched"):
        in_check_mode = cache.clear_partials(str(tmp_path), now, check_mode=True)
        assert cache.clear_partials(str(tmp_path), now) == in_check_mode
    assert files(tmp_path) == ["fetched", "fetched.etag", "new", "new.etag"]
    assert [(os.path.basename(file.path), file.is_due) for file in in_check_mode] == [("new", False), ("new.etag", False), ("old", True), ("old.etag", True)]


@pytest.mark.parametrize("name", ["one", "one.etag", "one.json"])
def test_what_a_killed_fetch_has_left_that_nobody_can_go_on_with_waits_for_nothing(tmp_path: pathlib.Path, name: str) -> None:
    with cache.fetch_lock(str(tmp_path), "one"):
        (tmp_path / ".partial" / name).write_bytes(b"x")
        assert cache.clear_partials(str(tmp_path), time.time()) == []
    (found,) = cache.clear_partials(str(tmp_path), time.time())
    assert (os.path.basename(found.path), found.is_due, found.bytes > 0) == (name, True, True)
    assert files(tmp_path) == []


def test_a_published_image_is_on_the_disk_with_its_json_and_its_name(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, brought: t.Callable[[], str]
) -> None:
    synced: list[int] = []
    fsync = os.fsync

    def recorded(descriptor: int) -> None:
        fsync(descriptor)
        synced.append(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", recorded)
    path = brought()
    assert synced == [os.stat(item).st_ino for item in (path, f"{path}.json", tmp_path / "cache")]
