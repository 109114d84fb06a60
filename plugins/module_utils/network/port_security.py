# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can the host enforce port security?"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network import bridge_netfilter, ip_sets, packet_tables


def unfiltered() -> t.Optional[str]:
    """Why it can't, as half a sentence; None if it can, or will with the first rule."""
    return bridge_netfilter.unfiltered() or packet_tables.missing() or ip_sets.missing()
