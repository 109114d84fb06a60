# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which TCP port of a host leads to the SSH of a guest without an address that anybody reaches; the caller holds the host's lock.

Chosen with the claim and kept in the record: one that no record has, whether its guest runs or not, and that nobody listens at.
"""

from __future__ import annotations

import socket
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.user import LOOPBACK, has_ssh_port
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, Port

# Below what Linux gives out by itself (net.ipv4.ip_local_port_range).
FIRST, LAST = 20000, 29999


def can_be_bound(number: int) -> bool:
    """True if nobody has this port of the host's loopback address."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as found:
        # A connection that has just ended keeps nobody from it.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((LOOPBACK, number))
        except OSError:
            return False
    return True


def with_ssh_ports(ports: t.Iterable[Port], domains: t.Iterable[Domain], is_free: t.Callable[[int], bool] = can_be_bound) -> t.List[Port]:
    """The ports, those that passt connects with one of the host's; ServerError (PortBindingFailed) if none is left."""
    records = [domain["record"] for domain in domains]
    taken = {port["binding"].get("ssh_port") for record in records if record for port in record["ports"]}
    numbers = (number for number in range(FIRST, LAST + 1) if number not in taken and is_free(number))
    return [_with(port, numbers) if has_ssh_port(port["binding"]) else port for port in ports]


def _with(port: Port, numbers: t.Iterator[int]) -> Port:
    number = next(numbers, None)
    if number is None:
        why = f"port {port['id']} on network {port['network_name']}: no TCP port from {FIRST} to {LAST} of the host is free for the guest's SSH"
        raise ServerError("PortBindingFailed", why, reschedule=True)
    return {**port, "binding": {**port["binding"], "ssh_port": number}}
