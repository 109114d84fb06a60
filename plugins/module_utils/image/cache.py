# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The content-addressed image cache of a host: ``sha256-<hex>`` with a small JSON beside it; what is published is never changed.

Follows the part of ``nova/virt/libvirt/imagecache.py`` that a host needs, with the content's digest in the place of the image's id.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.image import checksum
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.space import Room
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import CachedImage

PARTIAL_AGE_S = 24 * 3600  # how long a cut download waits to be gone on with


def cached_path(cache_path: str, digest: str) -> str:
    """Where the image with this ``sha256:<hex>`` lies."""
    return os.path.join(cache_path, digest.replace(":", "-"))


def _read(path: str) -> CachedImage | None:
    try:
        with open(path + ".json", encoding="utf-8") as file:
            entry = json.load(file)
        image: CachedImage = {
            "digest": entry["digest"],
            "digests": entry["digests"],
            "disk_format": entry["disk_format"],
            "size": entry["size"],
            "virtual_size": entry["virtual_size"],
            "path": path,
        }
        if os.stat(path).st_size == image["size"]:
            return image
    except (OSError, ValueError, KeyError, TypeError):
        # An image without its JSON, or of another size, was not published whole: it is as good as absent, and fetched again.
        return None
    return None


def cached_images(cache_path: str) -> list[CachedImage]:
    """The whole images of the cache."""
    try:
        names = sorted(os.listdir(cache_path))
    except OSError:
        return []
    found = []
    for name in names:
        if name.startswith("sha256-") and not name.endswith(".json"):
            entry = _read(os.path.join(cache_path, name))
            if entry:
                found.append(entry)
    return found


def find(cache_path: str, algorithm: str, digest: str) -> CachedImage | None:
    """The cached image with this digest, by either algorithm."""
    if algorithm == "sha256":
        return _read(cached_path(cache_path, f"sha256:{digest}"))
    for entry in cached_images(cache_path):
        if entry["digests"].get(algorithm) == digest:
            return entry
    return None


def find_declared(cache_path: str, declared: str, disk_format: str) -> CachedImage | None:
    """The cached image with the digest and the format that a catalogue declares; None if the sum stands in a sums file, which has to be read first."""
    algorithm, rest = checksum.parse(declared)
    entry = find(cache_path, algorithm, rest) if checksum.is_digest(algorithm, rest) else None
    return entry if entry and entry["disk_format"] == disk_format else None


def partial_path(cache_path: str, name: str) -> str:
    """Where an image lies while it is being fetched."""
    return os.path.join(cache_path, ".partial", name)


@contextlib.contextmanager
def fetch_lock(cache_path: str, name: str) -> t.Iterator[Room]:
    """Hold the lock of one image's fetch, and the room that it gets: who comes second waits, and then finds the image."""
    os.makedirs(os.path.join(cache_path, ".partial"), mode=0o700, exist_ok=True)
    partial = partial_path(cache_path, name)
    descriptor = os.open(partial + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        room = Room(partial, descriptor)
        room.release()
        yield room
        room.release()
    finally:
        os.close(descriptor)


class Unused(t.NamedTuple):
    """A file of a fetch that nobody is at any more."""

    path: str
    bytes: int  # disk space that it takes
    is_due: bool  # it can't be gone on with, or has waited too long for that


def _unused(partial: str, now: float) -> t.List[Unused]:
    """What a fetch has left whose lock the caller holds; only a download whose server names the version can be gone on with."""
    found: t.Dict[str, os.stat_result] = {}
    for path in (partial, partial + ".etag", partial + ".json"):
        with contextlib.suppress(FileNotFoundError):
            found[path] = os.lstat(path)
    can_go_on = {partial, partial + ".etag"} <= set(found) and found[partial].st_mtime >= now - PARTIAL_AGE_S
    return [Unused(path, info.st_blocks * 512, not can_go_on or path.endswith(".json")) for path, info in found.items()]


def clear_partials(cache_path: str, now: float, *, check_mode: bool = False) -> t.List[Unused]:
    """Remove what cut or killed fetches left, and return it with what stays; ``now`` in seconds since the epoch. In check mode all of it stays."""
    folder = os.path.join(cache_path, ".partial")
    found: t.List[Unused] = []
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return found
    for lock in (name for name in names if name.endswith(".lock")):
        descriptor = os.open(os.path.join(folder, lock), os.O_RDWR | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            unused = _unused(os.path.join(folder, lock[: -len(".lock")]), now)
            for file in unused:
                if file.is_due and not check_mode:
                    os.unlink(file.path)
            found += unused
        except BlockingIOError:
            # It is being fetched.
            continue
        finally:
            os.close(descriptor)
    return found
