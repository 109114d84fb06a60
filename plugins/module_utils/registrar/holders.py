# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds what must be unique: names in a project, ports, MAC and IP addresses in a segment; pure."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.pool import canonical

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Reservation, ServerWish

Key = t.Tuple[str, str, str]  # name, port, mac or ip; its project or segment; the thing itself


class Holders:
    """The servers that hold each unique thing. Two runs may have one server in hand: it is not in its own way on one host, and on two it is."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._holders: t.Dict[Key, t.Set[str]] = {}
        self._until: t.Dict[str, int] = {}
        self._hosts: t.Dict[str, t.Set[str]] = {}

    def add(self, held: Reservation) -> None:
        """Count a reservation."""
        self._hosts.setdefault(held["server"], set()).add(held["host"])
        if held["released_at"] is None:
            self._until[held["server"]] = max(held["expires"], self._until.get(held["server"], 0))
        keys: t.List[Key] = [("name", held["project"], held["name"])]
        for port in held["ports"]:
            keys += [("port", "", port["id"]), ("mac", port["segment"], port["mac_address"])]
            keys += [("ip", port["segment"], address) for address in port["ip_addresses"]]
        for key in keys:
            self._holders.setdefault(key, set()).add(held["server"])

    def has_other(self, segment: str, ip_address: str, server: str) -> bool:
        """True if another server holds an address, in its one spelling."""
        return self._other(("ip", segment, ip_address), server) is not None

    def check(self, wish: ServerWish) -> None:
        """ServerError if another server holds what a server names: not its host's fault, so no other host does better."""
        server = wish["uuid"]
        elsewhere = sorted(self._hosts.get(server, set()) - {wish["host"]})
        if elsewhere:
            raise ServerError("InstanceExists", f"server {server} is reserved on host {elsewhere[0]} by another run")
        self._refuse_if_held(("name", wish["project"], wish["name"]), server, "InstanceExists", f"the name {wish['name']} in project {wish['project']}")
        for port in wish["ports"]:
            self._refuse_if_held(("port", "", port["id"]), server, "PortInUse", f"port {port['id']}")
            mac = port["mac_address"].lower()
            self._refuse_if_held(("mac", port["segment"], mac), server, "MacAddressInUse", f"MAC address {mac}")
            for address in port["addresses"]:
                if address["ip_address"]:
                    key = ("ip", port["segment"], canonical(address["ip_address"]))
                    self._refuse_if_held(key, server, "FixedIpAlreadyInUse", f"fixed IP {address['ip_address']}")

    def _refuse_if_held(self, key: Key, server: str, error_class: str, what: str) -> None:
        other = self._other(key, server)
        if other is not None:
            left = self._until.get(other, 0) - self._now
            raise ServerError(error_class, f"{what} is reserved for server {other}" + (f", for {left} s at most" if left > 0 else ""))

    def _other(self, key: Key, server: str) -> t.Optional[str]:
        return min((holder for holder in self._holders.get(key, ()) if holder != server), default=None)
