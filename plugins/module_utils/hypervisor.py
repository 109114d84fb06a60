# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host side needs of a hypervisor. ``libvirt.py`` has the real one; tests bring one of their own."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network_parser import DhcpSubnet
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
    Domain,
    HypervisorHost,
    Interface,
    LibvirtNetwork,
    NetworkFilter,
    Record,
)


class HypervisorLike(t.Protocol):
    """The calls that change or read domains and networks. Every method raises HypervisorError with libvirt's message; each may be repeated."""

    @property
    def lost(self) -> t.Optional[str]:
        """Why nothing more is sent to it; None as long as it answers."""

    def host(self) -> HypervisorHost:
        """Totals and identity of the host."""

    def networks(self) -> t.List[LibvirtNetwork]:
        """Every libvirt network, by name."""

    def user_backends(self) -> t.List[str]:
        """What interfaces of the type user can be connected by, as far as libvirt says it."""

    def start_network(self, name: str) -> None:
        """Activate a libvirt network that is defined."""

    def dhcp_subnets(self, network: str) -> t.List[DhcpSubnet]:
        """Where a libvirt network's own DHCP server answers, as it is defined and as it runs; none if there is no such network."""

    def add_dhcp_host(self, network: str, subnet: DhcpSubnet, xml: str) -> None:
        """The DHCP server of a libvirt network knows a ``<host>``."""

    def remove_dhcp_host(self, network: str, subnet: DhcpSubnet, xml: str) -> None:
        """The DHCP server of a libvirt network knows a ``<host>`` no more."""

    def filters(self) -> t.List[NetworkFilter]:
        """Every network filter, by name."""

    def define_filter(self, xml: str) -> None:
        """Define a network filter, or define it again: guests that run follow it."""

    def undefine_filter(self, name: str) -> None:
        """Remove a network filter that no running guest uses."""

    def bound_filter(self, device: str) -> t.Optional[str]:
        """The name of the network filter that a tap's frames go through; None if it has none."""

    def domains(self, *, live: bool = False) -> t.List[Domain]:
        """Every domain, running or not; ``live``: of those that run what they have now, too."""

    def disk_capacity(self, uuid: str, path: str) -> t.Optional[int]:
        """Virtual size in bytes of a domain's disk; None if libvirt can't tell."""

    def find(self, uuid: str) -> t.Optional[Domain]:
        """One domain; None if it does not exist."""

    def power_state(self, uuid: str) -> str:
        """The domain's power state now."""

    def define(self, xml: str) -> None:
        """Define a domain, or define it again."""

    def start_paused(self, uuid: str) -> None:
        """Start a domain with its CPUs stopped."""

    def resume(self, uuid: str) -> None:
        """Let a paused domain run."""

    def destroy(self, uuid: str) -> None:
        """Stop a domain at once; no error if it is off."""

    def undefine(self, uuid: str) -> None:
        """Remove a domain's definition with its NVRAM, TPM state, managed save and the metadata of snapshots and checkpoints."""

    def set_record(self, uuid: str, record: Record) -> None:
        """Replace the instance record, in the definition and in the running domain."""

    def live_interfaces(self, uuid: str) -> t.List[Interface]:
        """The running domain's interfaces with the tap and the bridge that libvirt really used."""
