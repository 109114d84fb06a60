# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a server's SSH is asked for: at its addresses, or, on networks without privileges, at ports of its host's loopback address; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.user import LOOPBACK, SSH_PORT, is_reached
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port

Way = t.Tuple[str, int]  # an address and a TCP port


def direct(ports: t.Iterable[Port]) -> t.List[Way]:
    """From whatever is on the networks."""
    return [(ip["ip_address"], SSH_PORT) for port in ports if is_reached(port["binding"]) for ip in port["fixed_ips"]]


def by_host(ports: t.Iterable[Port]) -> t.List[Way]:
    """From the server's host itself."""
    return [(LOOPBACK, port["binding"]["ssh_port"]) for port in ports if "ssh_port" in port["binding"]]


def is_only_by_host(ports: t.Collection[Port]) -> bool:
    """True if nobody but its host may reach the server."""
    return bool(ports) and not any(is_reached(port["binding"]) for port in ports)
