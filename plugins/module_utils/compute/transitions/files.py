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
from ansible_collections.kvmfleet.compute.plugins.module_utils.durable import sync_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest import config_drive
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Disk, Secrets
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.base import BaseImage
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.table import backend_of

# The folder of an instance lets the emulator's user through to files whose names it knows, and shows nothing.
FOLDER_MODE = 0o711


WRITTEN_ROLES = ("root", "ephemeral")  # of disks with what a guest has written and nobody else has


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
        file.flush()
        os.fsync(file.fileno())


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
        """The content of the config drive. The domain is defined by now, so that its devices have their addresses."""
        source, work = self._source, self._work
        return config_drive.files(
            work.record, user_data=source["user_data"], admin_pass=source["admin_pass"], random_seed=source["random_seed"], hardware=work.domain
        )


def note_files(work: Work) -> None:
    """All that is made next stands in the journal first, whole or on its way; the console log too, which QEMU makes at the start."""
    files = work.files
    disks: t.List[t.Tuple[str, str]] = []
    for disk in work.record["disks"]:
        backend, path = backend_of(disk), files.disk(disk)
        disks += [(backend.journal_kind, path), *((kind, scratch) for scratch, kind in backend.scratch(path).items())]
    work.journal.note(("dir", files.folder), ("file", files.config_source), *disks, ("log", files.console_log))


def make_folder(work: Work) -> None:
    """The server's folder, with what a rebuild of its config drive needs; the record goes with it, whatever the secrets were when it was claimed."""
    os.mkdir(work.files.folder, FOLDER_MODE)
    os.chmod(work.files.folder, FOLDER_MODE)
    write_config_source(work.files.config_source, config_source(work.builder.secrets(work.uuid)))
    work.record = {**work.record, "secrets": work.builder.secret_hashes(work.uuid)}


def make_disks(work: Work) -> None:
    """Each disk."""
    sources = DiskSources(work, read_config_source(work.files.config_source) or config_source(work.builder.secrets(work.uuid)))
    for disk in work.record["disks"]:
        backend_of(disk).make(disk, work.files.disk(disk), sources)
    sync_file(work.files.folder)
    sync_file(os.path.dirname(work.files.folder))


def _missing(work: Work) -> t.List[t.Tuple[Disk, str]]:
    """The disks that are gone, each with the path where its domain looks for it; one that was detached is not missed. OSError if that can't be read."""
    defined = {disk["target"]: disk["path"] for disk in work.domain["disks"]} if work.domain is not None else {}
    found = []
    for disk in work.record["disks"]:
        path = defined.get(disk["device_name"])
        if path is not None and not backend_of(disk).exists(path):
            found.append((disk, path))
    return found


def check_disks(work: Work) -> None:
    """What the guest has written is there. DiskNotFound if not: such a disk is made anew only for a server that the operator has named."""
    for disk, path in _missing(work):
        if path == work.files.disk(disk) and (disk["role"] not in WRITTEN_ROLES or work.uuid in work.builder.blank_missing_disks):
            continue
        raise ServerError(
            "DiskNotFound",
            f"the {disk['role']} disk {path} is not there, and none is made anew over what a guest has written: check that its file system is mounted and that "
            f"nobody has moved the disk; if it is lost and the server may start with an empty one, name {work.uuid} in blank_missing_disks",
        )


def make_missing_disks(work: Work) -> None:
    """The config drive and swap, and what ``check_disks`` let pass."""
    missing = _missing(work)
    if not missing:
        return
    os.makedirs(work.files.folder, mode=FOLDER_MODE, exist_ok=True)
    sources = DiskSources(work, read_config_source(work.files.config_source) or config_source(work.builder.secrets(work.uuid)))
    for disk, path in missing:
        backend_of(disk).make(disk, path, sources)
    sync_file(work.files.folder)
