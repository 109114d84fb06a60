# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the DHCP servers of a host's libvirt networks give its servers: reserved before a guest asks, removed with it.

Only where libvirt serves the address's subnet already (``<dhcp>`` in the network's ``<ip>``): on any other network the DHCP server is somebody's own, and to
begin with one beside it could end both. A network has its reservations twice, as it is defined and as it runs; each is looked at and put right by itself, so
that what was cut off in between is found by the next one who makes or removes it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.reservations import host_xml, to_add, to_remove, wanted
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port


class Reservations:
    """The reservations in the libvirt networks of one host."""

    def __init__(self, hypervisor: HypervisorLike) -> None:
        self._hypervisor = hypervisor

    def make(self, ports: t.Iterable[Port]) -> None:
        """The DHCP servers give these ports their addresses. ServerError (PortBindingFailed) if somebody else's reservation is in the way."""
        for reservation in wanted(ports):
            for subnet in to_add(reservation, self._hypervisor.dhcp_subnets(reservation.network)):
                self._hypervisor.add_dhcp_host(reservation.network, subnet, host_xml(reservation.host))

    def remove(self, ports: t.Iterable[Port]) -> None:
        """What was reserved for these ports is no more; what is not exactly as it was reserved is somebody else's."""
        for reservation in wanted(ports):
            for subnet in to_remove(reservation, self._hypervisor.dhcp_subnets(reservation.network)):
                self._hypervisor.remove_dhcp_host(reservation.network, subnet, host_xml(reservation.host))
