# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By which addresses a server is a member of its security groups; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port


def addresses_of_members(ports: t.Iterable[Port]) -> t.List[str]:
    """The addresses and allowed address pairs of ports with port security: the others are in no group."""
    found = []
    for port in ports:
        # A host may leave out either.
        if port.get("port_security_enabled"):
            found += [ip["ip_address"] for ip in port["fixed_ips"]]
            found += [pair["ip_address"] for pair in port.get("allowed_address_pairs") or []]
    return found
