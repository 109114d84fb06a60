# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Are the kernel's rules of a port there that libvirt has made of its filter (iptables, ip6tables, ebtables)? Somebody may have flushed them.

Libvirt leads what comes from a tap through chains of the tap's name, from chains of its own (``nwfilter_ebiptables_driver.c``). Seen is whether the way there
is whole and the chains have rules, not whether each of these is what it was.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.port_filter import ethertypes
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port

TOOLS = {"IPv4": "iptables", "IPv6": "ip6tables"}
# The kernel's chain, libvirt's in which each tap has a rule, and the beginning of the tap's own.
WAYS = (("FORWARD", "libvirt-in", "FI-"), ("FORWARD", "libvirt-out", "FO-"), ("INPUT", "libvirt-host-in", "HI-"))
FRAMES = (("PREROUTING", "-i", "libvirt-I-"), ("POSTROUTING", "-o", "libvirt-O-"))
Chains = t.Dict[str, t.List[t.List[str]]]  # the words of each rule, by chain


class PacketRulesLike(t.Protocol):
    """The kernel's rules on a host."""

    def unfiltered_ports(self, ports: t.Collection[Port]) -> t.List[Port]:
        """Those of these ports, whose guests are running, that lack rules which their filters have."""


def chains_of_packets(text: str) -> Chains:
    """What ``iptables -S`` lists."""
    found: Chains = {}
    for words in map(str.split, text.splitlines()):
        if words[:1] == ["-A"]:
            found.setdefault(words[1], []).append(words[2:])
    return found


def chains_of_frames(text: str) -> Chains:
    """What ``ebtables -L`` lists."""
    found: Chains = {}
    chain: t.List[t.List[str]] = []
    for line in text.splitlines():
        if line.startswith("Bridge chain: "):
            chain = found.setdefault(line.split()[2].rstrip(","), [])
        elif line.strip() and not line.startswith("Bridge table: "):
            chain.append(line.split())
    return found


def _leads(chains: Chains, chain: str, *words: str) -> bool:
    return any(set(words) <= set(rule) for rule in chains.get(chain, []))


def filters_packets(chains: Chains, device: str) -> bool:
    """True if packets of a tap go through rules of their own."""
    return all(
        _leads(chains, kernels, "-j", libvirts) and _leads(chains, libvirts, device, f"{own}{device}") and f"{own}{device}" in chains
        for kernels, libvirts, own in WAYS
    )


def filters_frames(chains: Chains, device: str) -> bool:
    """True if frames of a tap go through rules of their own."""
    return all(_leads(chains, kernels, option, device, f"{own}{device}") and chains.get(f"{own}{device}") for kernels, option, own in FRAMES)


def unfiltered_ports(ports: t.Collection[Port]) -> t.List[Port]:
    """Those of these ports, whose guests are running, that lack rules which their filters have."""
    if not ports:
        return []
    frames = chains_of_frames(commands.run([commands.administrators("ebtables"), "-t", "nat", "-L"]))
    spoken = {ethertype for port in ports for ethertype in ethertypes(port)}
    packets = {ethertype: chains_of_packets(commands.run([commands.administrators(TOOLS[ethertype]), "-w", "-S"])) for ethertype in sorted(spoken)}
    return [
        port
        for port in ports
        if not filters_frames(frames, port["device"]) or not all(filters_packets(packets[ethertype], port["device"]) for ethertype in ethertypes(port))
    ]
