# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The epoch that a host holds, in its state directory. The caller holds the host's lock."""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.durable import sync_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import accepted
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, EpochOffer

FILE = "epoch.json"


def held(state_path: str) -> t.Optional[Epoch]:
    """The epoch; None if the host was never given one. Refused (EpochUnreadable) if that can't be told: it is never none then."""
    path = os.path.join(state_path, FILE)
    try:
        with open(path, encoding="utf-8") as file:
            epoch: Epoch = json.load(file)
            return {
                "number": int(epoch["number"]),
                "id": epoch["id"],
                "fleet": epoch["fleet"],
                "store": epoch["store"],
                "registrar": epoch["registrar"],
                "is_carried": epoch["is_carried"],
                "hosts": epoch["hosts"],
                "replaces": epoch["replaces"],
            }
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused("EpochUnreadable", f"the host's epoch {path} can't be read: {type(error).__name__}: {error}") from error


def take(state_path: str, offer: EpochOffer) -> t.Optional[Epoch]:
    """What the host holds after an offer; it lasts through a power cut."""
    before = held(state_path)
    after = accepted(before, offer)
    if after is not None and after != before:
        os.makedirs(state_path, mode=0o700, exist_ok=True)
        path = os.path.join(state_path, FILE)
        # A process that dies leaves the old one or the new one.
        with open(f"{path}.new", "w", encoding="utf-8") as file:
            json.dump(after, file)
        sync_file(f"{path}.new")
        os.replace(f"{path}.new", path)
        sync_file(state_path)
    return after
