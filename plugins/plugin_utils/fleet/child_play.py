# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of another inventory, read by Ansible itself: it knows how to reach them, and the controller needs no libvirt.

The playbook ``kvmfleet.compute.fleet`` runs in a process of its own, and what it read comes back in a fleet file.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable

from ansible import constants

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import FleetError, read_fleet_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet

# Set for the process that reads the hosts: whatever inventory it is given, this is where it ends.
READING = "KVMFLEET_INVENTORY_IS_READING"
PLAYBOOK = "kvmfleet.compute.fleet"
MOST_SHOWN = 1000


def is_reading() -> bool:
    """True in the process that reads the hosts for an inventory."""
    return READING in os.environ


def read_hosts(inventory: Iterable[str], hosts: str) -> Fleet:
    """The fleet of the hosts of these inventories that match the pattern ``hosts``; FleetError with Ansible's words if they could not be read."""
    sources = [option for source in inventory for option in ("-i", source)]
    with tempfile.TemporaryDirectory(prefix="kvmfleet-") as folder:
        path = os.path.join(folder, "fleet.json")
        variables = {"compute_hosts": hosts, "compute_fleet_file": path}
        environment = {
            **os.environ,
            READING: "1",
            # What is read for an inventory is nobody's fact.
            "ANSIBLE_CACHE_PLUGIN": "memory",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_STDOUT_CALLBACK": "default",
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(constants.COLLECTIONS_PATHS),
        }
        command = [sys.executable, "-m", "ansible", "playbook", PLAYBOOK, *sources, "-e", json.dumps(variables)]
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if not os.path.exists(path):
            raise FleetError(f"the hosts could not be read: ansible-playbook {PLAYBOOK} ended with {done.returncode}: {_end(done.stdout, done.stderr)}")
        return read_fleet_file(path)


def _end(*texts: str) -> str:
    """The last words, in one line."""
    words = " ".join(" ".join(texts).split())
    return words if len(words) <= MOST_SHOWN else f"…{words[-MOST_SHOWN:]}"
