# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that make a server's files; build and start share them."""

from __future__ import annotations

import base64
import json
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.base import Work
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest import config_drive
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Secrets
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.base import BaseImage
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.table import backend_of

# The folder of an instance lets the emulator's user through to files whose names it knows, and shows nothing.
FOLDER_MODE = 0o711


class ConfigSource(t.TypedDict):
    """What a later rebuild of the config drive needs, and no record may hold."""

    user_data: t.Optional[str]  # base64
    admin_pass: t.Optional[str]  # plain text
    random_seed: str  # base64 of 512 bytes


def config_source(secrets: Secrets) -> ConfigSource:
    """A new one, with a new seed."""
    return {"user_data": secrets["user_data"], "admin_pass": secrets["admin_pass"], "random_seed": base64.b64encode(os.urandom(512)).decode()}


def write_config_source(path: str, source: ConfigSource) -> None:
    """Write it where only root can read it; the file must not exist."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(source, file)


def read_config_source(path: str) -> t.Optional[ConfigSource]:
    """What was written; None if it is gone."""
    try:
        with open(path, encoding="utf-8") as file:
            source: ConfigSource = json.load(file)
    except FileNotFoundError:
        return None
    return source


class DiskSources:
    """What the disks of one server are made of."""

    def __init__(self, work: Work, source: ConfigSource) -> None:
        self._work = work
        self._source = source

    def base_image(self) -> BaseImage:
        """The image that the image stage brought, or the one in the cache; ImageNotFound if there is none."""
        image = self._work.record["image"]
        host = self._work.builder.host
        if image is None:
            raise ServerError("ImageNotFound", "the server's root disk needs an image, and its record names none")
        result = host.images.get(image["id"])
        if result is not None:
            if result["error"]:
                raise ServerError(result["error"]["error_class"], result["error"]["message"])
            if result["path"] is not None and result["virtual_size"] is not None:
                return BaseImage(result["path"], result["disk_format"], result["virtual_size"])
        cached = cache.find_declared(host.image_cache_path, image["checksum"], image["disk_format"])
        if cached is None:
            raise ServerError("ImageNotFound", f"image {image['name']} is not in the host's cache any more", reschedule=True)
        return BaseImage(cached["path"], cached["disk_format"], cached["virtual_size"])

    def config_drive(self) -> t.Dict[str, bytes]:
        """The content of the config drive."""
        source = self._source
        return config_drive.files(self._work.record, user_data=source["user_data"], admin_pass=source["admin_pass"], random_seed=source["random_seed"])


def make_folder(work: Work) -> None:
    """The server's folder, with what a rebuild of its config drive needs."""
    work.journal.make_dir(work.files.folder, FOLDER_MODE)
    write_config_source(work.journal.make_file(work.files.config_source), config_source(work.builder.secrets(work.uuid)))


def make_disks(work: Work) -> None:
    """Each disk, written into the journal first."""
    sources = DiskSources(work, read_config_source(work.files.config_source) or config_source(work.builder.secrets(work.uuid)))
    for disk in work.record["disks"]:
        backend, path = backend_of(disk), work.files.disk(disk)
        work.journal.note(backend.journal_kind, path)
        backend.make(disk, path, sources)
    # QEMU makes it at the start; it goes when the build is undone.
    work.journal.make_file(work.files.console_log)


def make_missing_disks(work: Work) -> None:
    """The disks of a server that are gone."""
    os.makedirs(work.files.folder, mode=FOLDER_MODE, exist_ok=True)
    missing = work.files.missing(work.record["disks"])
    sources = DiskSources(work, read_config_source(work.files.config_source) or config_source(work.builder.secrets(work.uuid)))
    for disk in missing:
        backend_of(disk).make(disk, work.files.disk(disk), sources)
