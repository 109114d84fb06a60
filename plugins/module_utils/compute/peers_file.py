# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host keeps of those that it shares VXLAN networks with, in one file of its state directory. Whoever writes it holds the host's lock for networks."""

from __future__ import annotations

import json
import os

from ansible_collections.kvmfleet.compute.plugins.module_utils.durable import sync_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.peers import Kept, Peers, read_peers

FILE = "tunnels.json"


def read(state_path: str) -> Peers:
    """What is there, nothing if there is no file; ServerError (PortBindingFailed) if that can't be told."""
    path = os.path.join(state_path, FILE)
    try:
        with open(path, encoding="utf-8") as file:
            content: Kept = json.load(file)
        return read_peers(content)
    except FileNotFoundError:
        return Peers()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"what the host keeps of its VXLAN networks, {path}, can't be read: {type(error).__name__}: {error}"
        what_to_do = "remove it, and the next run that creates a server on one of them brings it back"
        raise ServerError("PortBindingFailed", f"{why}; {what_to_do}", reschedule=True) from error


def write(state_path: str, peers: Peers) -> None:
    """It lasts through a power cut, after which the flood lists are made of it. A process that dies leaves the old one or the new one."""
    os.makedirs(state_path, mode=0o700, exist_ok=True)
    path = os.path.join(state_path, FILE)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(peers.as_dict(), file)
    os.chmod(f"{path}.new", 0o600)
    sync_file(f"{path}.new")
    os.replace(f"{path}.new", path)
    sync_file(state_path)
