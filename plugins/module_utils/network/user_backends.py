# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By what a host can connect guests without privileges: what libvirt says that it knows, and passt must be installed."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.commands import installed
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.user import PASST, SLIRP

# Where the kernel says its IPv4 routes.
ROUTES = "/proc/net/route"
NONE = "00000000"
# What libvirt calls QEMU's slirp, which it takes without a <backend>.
DEFAULT = "default"


def missing(hypervisor: HypervisorLike) -> t.Dict[str, t.Optional[str]]:
    """What is missing for each, as half a sentence; None if nothing is. HypervisorError if libvirt does not answer."""
    try:
        known = hypervisor.user_backends()
    except HypervisorError as error:
        if error.unknown:
            raise
        why = f"the host's libvirt can't tell its domain capabilities: {error}"
        return {PASST: why, SLIRP: why}
    # A libvirt that names none is older than its first word on this, and older than QEMU without slirp.
    no_slirp = f"the host's QEMU has no {SLIRP}" if known and DEFAULT not in known else None
    return {PASST: _no_passt(known), SLIRP: no_slirp}


def _no_passt(known: t.Collection[str]) -> t.Optional[str]:
    # By its word, not by its version: the 9.0.0 of Debian 12 has passt in its schema, and refuses it in a domain.
    if PASST not in known:
        return f"the host's libvirt does not name {PASST} in its domain capabilities"
    if not installed(PASST):
        return f"{PASST} is not installed on the host"
    # Connections from the host come to the guest from the address of its gateway, and without one passt drops them.
    return None if _has_gateway() else f"the host has no default route with a gateway, without which {PASST} leads nobody to its guests"


def _has_gateway() -> bool:
    with open(ROUTES, encoding="ascii") as file:
        routes = [dict(zip(header, line.split())) for header in [next(file).split()] for line in file]
    return any(route["Destination"] == route["Mask"] == NONE != route["Gateway"] for route in routes)
