# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts have servers on the VXLAN networks of a host, and where they are reached; pure.

A host is believed about itself only, as with the members of security groups (``network/membership.py``): each reports its own networks with a number that
grows, and what one of them said last is what counts of it. So what runs at once tell a host comes to the same in whichever order it arrives, and whatever it
was not told it learns the next time.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import VXLAN
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port, Record, TunnelReport

VERSION = 1  # of what is kept
MOST = 2**24 - 1  # VXLAN network identifiers have 24 bits


class Told(t.NamedTuple):
    """What a host said last of one network."""

    number: int
    address: t.Optional[str]  # None: it has no server there


class Kept(t.TypedDict):
    """How it is kept."""

    version: int  # VERSION
    number: int  # of the host's last report
    told: t.Dict[str, t.Dict[str, t.Tuple[int, t.Optional[str]]]]  # the number and the address, by network and name of the host


class NoTunnelReport(ValueError):
    """What is no TunnelReport."""


def networks_of(records: t.Iterable[Record]) -> t.List[str]:
    """The VXLAN networks that these servers are on."""
    ports: t.Iterable[Port] = (port for record in records for port in record["ports"])
    return sorted({port["binding"]["name"] for port in ports if port["binding"]["type"] == VXLAN}, key=int)


def read_report(given: t.Any) -> TunnelReport:
    """What a host says, read; NoTunnelReport if it is none: it goes into the kernel."""
    try:
        address = None if given["address"] is None else str(ipaddress.ip_address(given["address"]))
        networks: t.List[object] = given["networks"]
        numbers = [int(str(network)) for network in networks]
        if not all(1 <= number <= MOST for number in numbers):
            raise ValueError(f"a VXLAN network identifier is from 1 to {MOST}")
        return {"host": str(given["host"]), "number": int(given["number"]), "address": address, "networks": [str(number) for number in numbers]}
    except (KeyError, TypeError, ValueError) as error:
        raise NoTunnelReport(f"this is no report of which VXLAN networks a host has: {type(error).__name__}: {error}") from error


@dataclasses.dataclass
class Peers:
    """What a host keeps of the others."""

    number: int = 0  # of its own last report
    told: t.Dict[str, t.Dict[str, Told]] = dataclasses.field(default_factory=dict)  # what hosts said, by network and name of the host

    def report(self, host: str, address: t.Optional[str], now_ms: int) -> TunnelReport:
        """What the host says of itself; the clock keeps the number growing where a host has lost what it kept."""
        self.number = max(self.number + 1, now_ms)
        return {"host": host, "number": self.number, "address": address, "networks": sorted(self.told, key=int)}

    def have(self, networks: t.Iterable[str]) -> None:
        """The host has servers on these networks and no others."""
        self.told = {network: self.told.get(network, {}) for network in networks}

    def take(self, reports: t.Iterable[TunnelReport]) -> None:
        """What hosts say of themselves; what is older than what is known is not taken."""
        for report in reports:
            for network, said in self.told.items():
                known = said.get(report["host"])
                if known is None or known.number < report["number"]:
                    said[report["host"]] = Told(report["number"], report["address"] if network in report["networks"] else None)

    def keep_only(self, hosts: t.Container[str]) -> None:
        """These are all hosts of the fleet: nothing is sent to another."""
        for network, said in self.told.items():
            self.told[network] = {host: told for host, told in said.items() if host in hosts}

    def addresses(self, network: str) -> t.Set[str]:
        """Where the hosts are reached that have servers on a network."""
        return {told.address for told in self.told.get(network, {}).values() if told.address is not None}

    def as_dict(self) -> t.Dict[str, object]:
        """As it is kept."""
        return {"version": VERSION, **dataclasses.asdict(self)}


def read_peers(content: Kept) -> Peers:
    """What was kept; KeyError, TypeError or ValueError if it can't be read."""
    if content["version"] != VERSION:
        raise ValueError(f"it is of version {content['version']}, and this collection's is {VERSION}")
    told: t.Dict[str, t.Dict[str, Told]] = {
        str(network): {str(host): Told(int(number), None if address is None else str(address)) for host, (number, address) in said.items()}
        for network, said in content["told"].items()
    }
    return Peers(int(content["number"]), told)
