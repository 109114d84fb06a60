# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host keeps of the registrar, in one file of its state directory. Whoever writes it holds the host's lock."""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.durable import sync_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch_data import read_epoch
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.host_state import CARRY, FOUND, NOTHING, HostState
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ticket_data import read_ended

FILE = "registrar.json"
VERSION = 1  # of the file


def read(state_path: str) -> HostState:
    """What is there; NOTHING if there is no file. Refused (EpochUnreadable) if that can't be told: it is never nothing then."""
    path = os.path.join(state_path, FILE)
    try:
        with open(path, encoding="utf-8") as file:
            content: t.Dict[str, t.Any] = json.load(file)
        if content["version"] != VERSION:
            raise ValueError(f"it is of version {content['version']}, and this collection's is {VERSION}")
        if content["ledger_due"] not in (None, FOUND, CARRY):
            raise ValueError(f"ledger_due is {content['ledger_due']!r}")
        return HostState(
            content["epoch"] and read_epoch(content["epoch"]), int(content["highest_ticket"]), content["ledger_due"], read_ended(content.get("ended", []))
        )
    except FileNotFoundError:
        return NOTHING
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused("EpochUnreadable", f"what the host holds of the registrar, {path}, can't be read: {type(error).__name__}: {error}") from error


def write(state_path: str, state: HostState) -> None:
    """It lasts through a power cut. A process that dies leaves the old one or the new one."""
    os.makedirs(state_path, mode=0o700, exist_ok=True)
    path = os.path.join(state_path, FILE)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump({"version": VERSION, **state._asdict()}, file)
    sync_file(f"{path}.new")
    os.replace(f"{path}.new", path)
    sync_file(state_path)
