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


def cached_path(cache_path: str, digest: str) -> str:
    """Where the image with this ``sha256:<hex>`` lies."""
    return os.path.join(cache_path, digest.replace(":", "-"))


def _read(path: str) -> dict[str, t.Any] | None:
    try:
        with open(path + ".json", encoding="utf-8") as file:
            entry = json.load(file)
        if os.stat(path).st_size == entry["size"]:
            return t.cast("dict[str, t.Any]", entry)
    except (OSError, ValueError, KeyError, TypeError):
        # An image without its JSON, or of another size, was not published whole: it is as good as absent, and fetched again.
        return None
    return None


def cached_images(cache_path: str) -> list[dict[str, t.Any]]:
    """The whole images of the cache: [{digest, digests, path, disk_format, size, virtual_size}]."""
    try:
        names = sorted(os.listdir(cache_path))
    except OSError:
        return []
    found = []
    for name in names:
        if name.startswith("sha256-") and not name.endswith(".json"):
            entry = _read(os.path.join(cache_path, name))
            if entry:
                found.append(dict(entry, path=os.path.join(cache_path, name)))
    return found


def find(cache_path: str, algorithm: str, digest: str) -> dict[str, t.Any] | None:
    """The cached image with this digest, by either algorithm."""
    if algorithm == "sha256":
        path = cached_path(cache_path, f"sha256:{digest}")
        entry = _read(path)
        return dict(entry, path=path) if entry else None
    for entry in cached_images(cache_path):
        if entry["digests"].get(algorithm) == digest:
            return entry
    return None


def find_declared(cache_path: str, declared: str, disk_format: str) -> dict[str, t.Any] | None:
    """The cached image with the digest and the format that a catalogue declares; None where the sum stands in a file of sums that has to be read first."""
    algorithm, rest = checksum.parse(declared)
    entry = find(cache_path, algorithm, rest) if checksum.is_digest(algorithm, rest) else None
    return entry if entry and entry["disk_format"] == disk_format else None


def partial_path(cache_path: str, name: str) -> str:
    """Where an image lies while it is being fetched."""
    return os.path.join(cache_path, ".partial", name)


@contextlib.contextmanager
def fetch_lock(cache_path: str, name: str) -> t.Iterator[None]:
    """Hold the lock of one image's fetch: who comes second waits, and then finds it."""
    os.makedirs(os.path.join(cache_path, ".partial"), mode=0o700, exist_ok=True)
    descriptor = os.open(partial_path(cache_path, name) + ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def publish(cache_path: str, partial: str, entry: dict[str, t.Any]) -> dict[str, t.Any]:
    """Move a verified file into the cache, whole or not at all; ``entry``: {digest, digests, disk_format, size, virtual_size}."""
    path = cached_path(cache_path, entry["digest"])
    descriptor = os.open(partial, os.O_RDONLY)
    try:
        os.fchmod(descriptor, 0o644)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    temporary = f"{partial}.json"
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(entry, file)
        file.flush()
        os.fsync(file.fileno())
    # The image first: a JSON without its image would say that it is there.
    os.replace(partial, path)
    os.replace(temporary, path + ".json")
    return dict(entry, path=path)
