# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the host has for networks that are made on demand: its physical networks, from where it sends VXLAN, and what its kernel can make.

That a kernel has VLAN or VXLAN links is tried in a network namespace of its own, which is gone afterwards: they may be built in, or come with the first link.
What a kernel has as modules is loaded by the try, as by such a link.
"""

from __future__ import annotations

import functools
import ipaddress
import json
import os
import socket
import subprocess
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import bridges
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.own_addresses import own_addresses
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import HostNetworks, PhysicalNetwork, Tunnel

# A VLAN on a bridge, as there is always one to be made; then VXLAN.
TRIED = (
    "link add name kvmfleet-try type bridge",
    "link add link kvmfleet-try name kvmfleet-vlan type vlan id 5",
    "link add name kvmfleet-vxlan type vxlan id 5 dstport 4789",
)
TIMEOUT_S = 10.0
# By way of the default route; nothing is sent there (RFC 5737, RFC 3849).
SOMEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
DISCARD = 9  # any port


class Lacks(t.NamedTuple):
    """What the kernel can't make, each as half a sentence."""

    vlans: t.Optional[str]
    vxlans: t.Optional[str]


NOTHING = Lacks(None, None)


def lacks_of(code: int, errors: str) -> Lacks:
    """What the answer of ``ip -force -batch`` says; nothing if the try itself did not get as far as that."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    failed = {line.rpartition(":")[2]: lines[max(0, index - 1)] for index, line in enumerate(lines) if line.startswith("Command failed")}
    if code == 0 or "1" in failed or not failed:
        return NOTHING

    def lacks(number: str, what: str) -> t.Optional[str]:
        return f"the host's kernel can't make {what} links: {failed[number]}" if number in failed else None

    return Lacks(lacks("2", "VLAN (802.1Q)"), lacks("3", "VXLAN"))


@functools.lru_cache(maxsize=1)
def lacks() -> Lacks:
    """What this host's kernel can't make; nothing if that can't be tried here: then the first network tells."""
    unshare, ip = commands.installed("unshare"), commands.installed("ip")
    if ip is None:
        why = "the host has no ip (iproute2)"
        return Lacks(why, why)
    if unshare is None:
        return NOTHING
    try:
        done = subprocess.run(
            [unshare, "--net", ip, "-force", "-batch", "-"],
            input="\n".join(TRIED).encode(),
            capture_output=True,
            timeout=TIMEOUT_S,
            env=dict(os.environ, LC_ALL="C"),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return NOTHING
    return lacks_of(done.returncode, done.stderr.decode("utf-8", "replace"))


def physical_networks(mappings: t.Mapping[str, str]) -> t.List[PhysicalNetwork]:
    """The devices of the host's physical networks; ``mappings``: {physical network: device}."""
    return [
        {"name": name, "device": device, "is_bridge": bridges.is_bridge(device), "up": bridges.is_up(device), "mtu": bridges.mtu_of(device)}
        for name, device in sorted(mappings.items())
    ]


def default_address() -> t.Optional[str]:
    """The host's own address on its default route, of IPv4 if it has both; None if it has none."""
    for family, address in SOMEWHERE:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asked:
                asked.connect((address, DISCARD))
                name: t.Tuple[str, int] = asked.getsockname()[:2]
                return str(ipaddress.ip_address(name[0]))
        except (OSError, ValueError):
            continue
    return None


def _mtu(address: str) -> t.Optional[int]:
    """Of the device that has the address, in bytes; None if that can't be told."""
    try:
        text = commands.run([commands.administrators("ip"), "-json", "address", "show", "to", address], TIMEOUT_S)
        entries: t.List[t.Dict[str, t.Any]] = json.loads(text or "[]")
        return next((int(entry["mtu"]) for entry in entries if entry), None)
    except (ServerError, ValueError, KeyError, TypeError):
        return None


def tunnel(given: t.Optional[str]) -> t.Tuple[t.Optional[Tunnel], t.Optional[str]]:
    """(from where the host sends VXLAN, why it can't as half a sentence); ``given``: its address, if that is not to be the one on its default route."""
    if lacks().vxlans:
        return None, lacks().vxlans
    try:
        address = str(ipaddress.ip_address(given)) if given else default_address()
    except ValueError:
        return None, f"compute_tunnel_address of the host is {given}, which is no IP address"
    if address is None:
        return None, "the host has no default route, and so no address to send VXLAN from: set compute_tunnel_address"
    if address not in own_addresses():
        return None, f"{address}, from which the host is to send VXLAN (compute_tunnel_address), is no address of the host"
    mtu = _mtu(address)
    return (None, f"the device of {address}, from which the host is to send VXLAN, can't be told") if mtu is None else ({"address": address, "mtu": mtu}, None)


def add_offer(networks: HostNetworks, mappings: t.Mapping[str, str], tunnel_address: t.Optional[str]) -> None:
    """Add to what the host offers ports what it has for networks that are made on demand."""
    networks["physical_networks"] = physical_networks(mappings)
    networks["no_vlans"] = lacks().vlans
    networks["tunnel"], networks["no_tunnels"] = tunnel(tunnel_address)
