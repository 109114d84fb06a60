# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which ports have port security; pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import CataloguePort, Network


def is_secured(port: CataloguePort | None, network: Network) -> bool:
    """True if a port made beforehand, or one that is made for a server, has port security."""
    own = port["port_security_enabled"] if port else None
    return network["port_security_enabled"] if own is None else own
