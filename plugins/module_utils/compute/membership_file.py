# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host keeps of the members of security groups, in one file of its state directory. Whoever writes it holds the host's lock for network filters."""

from __future__ import annotations

import json
import os
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.durable import sync_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.membership import Membership, read_membership

FILE = "security_groups.json"


def read(state_path: str) -> Membership:
    """What is there, nothing if there is no file; ServerError if that can't be told."""
    path = os.path.join(state_path, FILE)
    try:
        with open(path, encoding="utf-8") as file:
            content: t.Dict[str, t.Any] = json.load(file)
        return read_membership(content)
    except FileNotFoundError:
        return Membership()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = f"what the host keeps of the members of security groups, {path}, can't be read: {type(error).__name__}: {error}"
        raise ServerError("SecurityGroupCannotBeApplied", f"{why}; remove it, and the playbook security_groups brings it back", reschedule=True) from error


def write(state_path: str, membership: Membership) -> None:
    """It lasts through a power cut, after which the sets are made of it. A process that dies leaves the old one or the new one."""
    os.makedirs(state_path, mode=0o700, exist_ok=True)
    path = os.path.join(state_path, FILE)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        json.dump(membership.as_dict(), file)
    os.chmod(f"{path}.new", 0o600)
    sync_file(f"{path}.new")
    os.replace(f"{path}.new", path)
    sync_file(state_path)
