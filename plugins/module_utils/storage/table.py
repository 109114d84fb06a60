# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of disk. To add one: its file, its line here, its test."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Disk
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.base import DiskBackend
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.blank import Blank
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.config_drive import ConfigDrive
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.overlay import Overlay

KINDS: t.Dict[str, DiskBackend] = {backend.kind: backend for backend in (Overlay(), Blank(), ConfigDrive())}


def backend_of(disk: Disk) -> DiskBackend:
    """The back end of a disk."""
    return KINDS[disk["kind"]]
