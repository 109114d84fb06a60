# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host lacks to be a hypervisor of the fleet, each with its fix; pure.

The packages and services themselves are the role's: here is said what is still missing after it has done, or was not allowed to do, its part.
"""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import FLAT, PROVIDER, VLAN
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.user import User
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Binding, HostNetworks

# The package of each command, by Ansible's os_family.
PACKAGES: dict[str, dict[str, str]] = {
    "Debian": {"qemu-img": "qemu-utils", "mkfs.ext4": "e2fsprogs", "mkswap": "util-linux", "ipset": "ipset", "nft": "nftables", "iso": "genisoimage"},
    "RedHat": {"qemu-img": "qemu-img", "mkfs.ext4": "e2fsprogs", "mkswap": "util-linux", "ipset": "ipset", "nft": "nftables", "iso": "xorriso"},
    "Suse": {"qemu-img": "qemu-tools", "mkfs.ext4": "e2fsprogs", "mkswap": "util-linux", "ipset": "ipset", "nft": "nftables", "iso": "mkisofs"},
}
BINDINGS = {"Debian": "python3-libvirt", "RedHat": "python3-libvirt", "Suse": "python3-libvirt-python"}
NAMES = {"iso": "genisoimage, mkisofs or xorriso"}


def findings(
    os_family: str,
    commands: list[str],
    info: Mapping[str, t.Any],
    networks: Mapping[str, Mapping[str, t.Any] | None],
    virt_type: str | None,
) -> Iterator[str]:
    """A sentence for each thing that is missing: what it is, and what to do about it.

    ``commands``: those that were not found; ``info``: what ``host_info`` returned, facts or a failure; ``networks``: the catalogue's; ``virt_type``: what
    the operator has asked for.
    """
    yield from (_command(os_family, command) for command in commands)
    host = info.get("host")
    if not host:
        yield _no_facts(os_family, str(info.get("msg") or "host_info gave no facts"))
        return
    yield from _networks(host, networks)
    if virt_type != "qemu" and "kvm" not in host["virt_types"]:
        yield (
            "KVM is missing: libvirt offers no kvm guests; switch virtualisation on in the firmware (VT-x, AMD-V) and load kvm_intel or kvm_amd, or set "
            "compute_virt_type: qemu to do without it (slow)"
        )


def _command(os_family: str, command: str) -> str:
    package = PACKAGES.get(os_family, {}).get(command)
    fix = f"install the package {package}" if package else "install it"
    return f"command {NAMES.get(command, command)} is missing: {fix}"


def _no_facts(os_family: str, message: str) -> str:
    message = message.rstrip(".")
    if "libvirt" in message and ("import" in message or "binding" in message):
        package = BINDINGS.get(os_family, "libvirt's Python binding")
        return f"the host can't be read: {message}; fix: install {package} for the Python that Ansible uses there (ansible_python_interpreter)"
    return (
        f"the host can't be read: {message}; fix: look at systemctl status libvirtd (or virtqemud.socket where libvirt is split into daemons), at "
        "compute_libvirt_uri, and at the rights of the login (become: true; without any, docs/networks.md says what works)"
    )


def _networks(host: Mapping[str, t.Any], networks: Mapping[str, Mapping[str, t.Any] | None]) -> Iterator[str]:
    """The bridges, libvirt networks and devices that the catalogue names and the host has not, and what it lacks to make the other networks."""
    bridges = {bridge["name"] for bridge in host["networks"]["bridges"]}
    there = {network["name"] for network in host["networks"]["libvirt"]}
    for name, network in networks.items():
        bridge, libvirt_network = (network or {}).get("bridge"), (network or {}).get("libvirt_network")
        if bridge and bridge not in bridges:
            yield (
                f"bridge {bridge} of network {name} is missing: make it in the host's network configuration (docs/bridges.md), or correct "
                f"compute_networks.{name}.bridge; the host has {', '.join(sorted(bridges)) or 'no bridge'}"
            )
        if libvirt_network and libvirt_network not in there:
            yield (
                f"libvirt network {libvirt_network} of network {name} is missing: virsh net-define it, or correct compute_networks.{name}.libvirt_network; "
                f"the host has {', '.join(sorted(there)) or 'none'}"
            )
        for kind in ("openvswitch", "macvtap"):
            wanted = (network or {}).get(kind)
            lacking = _lacking(host["networks"], Binding(type=kind, name=str(wanted))) if wanted else None
            if lacking:
                yield f"{lacking}, which network {name} needs: see docs/bridges.md, or correct compute_networks.{name}.{kind}"
        backend = (network or {}).get(User.type)
        lacking = _lacking(host["networks"], Binding(type=User.type, name=name, backend=str(backend))) if backend else None
        if lacking:
            yield f"{lacking}, which network {name} needs: see docs/networks.md, or correct compute_networks.{name}.{User.type}"
        no_dhcp = host["networks"].get("no_dhcp") if _is_served(network or {}) else None
        if no_dhcp:
            yield f"guests of network {name} can't be answered by the host: {no_dhcp}; install that, or take dhcp_server from the network's subnets"
        why = _why_not_made(host["networks"], network or {})
        if why:
            yield f"network {name} can't be made on the host: {why}; fix that, or the network's provider:* in compute_networks"


def _is_served(network: Mapping[str, t.Any]) -> bool:
    subnets = network.get("subnets")
    return isinstance(subnets, list) and any(isinstance(subnet, dict) and subnet.get("dhcp_server") is True for subnet in subnets)


def _lacking(networks: HostNetworks, binding: Binding) -> str | None:
    return vif_of(binding).missing(binding, networks)


def _why_not_made(networks: HostNetworks, network: Mapping[str, t.Any]) -> str | None:
    """What the host lacks for a network with a provider:network_type, as half a sentence; what is wrong with the network itself is told elsewhere."""
    kind, physical = network.get("provider:network_type"), network.get("provider:physical_network")
    if kind not in PROVIDER or (kind in (FLAT, VLAN) and not physical):
        return None
    return _lacking(networks, Binding(type=str(kind), name=f"{physical}:0" if kind == VLAN else str(physical)))
