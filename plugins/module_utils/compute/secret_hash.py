# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyed hashes of what a record must not hold, so that a changed user data or password is seen. The key never leaves the host."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.durable import sync_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError

KEY_BYTES = 32


def key_path(state_path: str) -> str:
    """Where the host's key lies."""
    return os.path.join(state_path, "secret.key")


def temporary_keys(state_path: str) -> t.List[str]:
    """The paths of keys on their way, of a process that was killed there or is at it."""
    name = os.path.basename(key_path(state_path))
    try:
        return [os.path.join(state_path, other) for other in sorted(os.listdir(state_path)) if re.match(re.escape(name) + r"\.[0-9]+\.[0-9a-f]{8}\Z", other)]
    except FileNotFoundError:
        return []


def host_key(state_path: str) -> bytes:
    """The host's key (32 bytes, mode 0600), made at first use; ServerError (InvalidKey) if it is shorter."""
    path = key_path(state_path)
    os.makedirs(state_path, mode=0o700, exist_ok=True)
    if not os.path.exists(path):
        # Written aside and linked into place, so that two processes at once agree on one whole key.
        temporary = f"{path}.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, os.urandom(KEY_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            with contextlib.suppress(FileExistsError):
                os.link(temporary, path)
        finally:
            os.unlink(temporary)
        sync_file(state_path)
    with open(path, "rb") as file:
        key = file.read()
    if len(key) < KEY_BYTES:
        raise ServerError(
            "InvalidKey",
            f"{path} has {len(key)} bytes, not {KEY_BYTES}: bring it back from a backup, or remove it; without it every secret counts as changed",
        )
    return key


def keyed_hash(key: bytes, uuid: str, value: str | None) -> str | None:
    """HMAC-SHA256 of a secret of one instance; None for no secret."""
    if value is None:
        return None
    return hmac.new(key, f"{uuid}\0{value}".encode(), hashlib.sha256).hexdigest()
