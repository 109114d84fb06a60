# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A verified file becomes an image of the cache, whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.durable import sync_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.cache import cached_path
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import CachedImage


@dataclasses.dataclass(frozen=True)
class Publication:
    """A verified file on its way into the cache."""

    cache_path: str
    partial: str  # where the file lies
    digests: t.Dict[str, str]  # hex digest by algorithm, sha256 among them
    disk_format: str
    size: int  # bytes
    virtual_size: int  # bytes

    @property
    def image(self) -> CachedImage:
        """The cache's image that it becomes."""
        digest = f"sha256:{self.digests['sha256']}"
        return {
            "digest": digest,
            "digests": self.digests,
            "disk_format": self.disk_format,
            "size": self.size,
            "virtual_size": self.virtual_size,
            "path": cached_path(self.cache_path, digest),
        }

    @property
    def described(self) -> str:
        """Where its JSON lies until the image has its place."""
        return f"{self.partial}.json"


def seal(work: Publication) -> None:
    """Everybody may read the file, and its content lasts."""
    descriptor = os.open(work.partial, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, 0o644)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def describe(work: Publication) -> None:
    """Its JSON is written beside it."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(work.described)
    entry = {key: value for key, value in work.image.items() if key != "path"}
    with open(work.described, "x", encoding="utf-8") as file:
        json.dump(entry, file)
        file.flush()
        os.fsync(file.fileno())


def place(work: Publication) -> None:
    """Both get their names. The image first: a JSON without its image would say that it is there."""
    path = work.image["path"]
    os.replace(work.partial, path)
    os.replace(work.described, path + ".json")


def settle(work: Publication) -> None:
    """Their names last."""
    sync_file(work.cache_path)


Step = t.Callable[[Publication], None]
STEPS: t.Tuple[Step, ...] = (seal, describe, place, settle)


def publish(work: Publication) -> CachedImage:
    """The published image; OSError if that fails, and then nothing is left beside the file."""
    try:
        for step in STEPS:
            step(work)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(work.described)
        raise
    return work.image
