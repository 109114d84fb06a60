# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host can connect guests without privileges: libvirt says that it knows passt, and passt is installed."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.commands import installed
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.user import BACKEND


def missing(hypervisor: HypervisorLike) -> t.Optional[str]:
    """What is missing, as half a sentence; None if nothing is. HypervisorError if libvirt does not answer."""
    try:
        backends = hypervisor.user_backends()
    except HypervisorError as error:
        if error.unknown:
            raise
        return f"the host's libvirt can't tell its domain capabilities: {error}"
    # By its word, not by its version: the 9.0.0 of Debian 12 has passt in its schema, and refuses it in a domain.
    if BACKEND not in backends:
        return f"the host's libvirt does not name {BACKEND} in its domain capabilities"
    return None if installed(BACKEND) else f"{BACKEND} is not installed on the host"
