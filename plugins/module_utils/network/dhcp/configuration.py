# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the DHCP server of a bridge gives the guests of its host, as dnsmasq's configuration; pure.

The server has no address of the subnet: where it asks for none, none has to be kept free on every host. It answers from a link-local one (SERVER_ADDRESS),
and for that says which subnets are on the bridge (``shared-network``). What it gives holds without end, so that no guest has to ask again: an address is the
port's as long as the port is there, and once the port is gone so is its guest. Leases are nowhere but in the process, which begins anew when a port has gone.

Follows ``neutron/agent/linux/dhcp.py: Dnsmasq`` in what a guest is told.
"""

from __future__ import annotations

import hashlib
import ipaddress
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.names import INNER
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FixedIp, Port

# Nobody chooses it for himself (RFC 3927, 2.1), and nobody is told to send there. It is the same on all hosts: no frame goes to it.
SERVER_ADDRESS = "169.254.0.67"
IPV4, IPV6 = 4, 6
DHCP, SLAAC, STATELESS = "dhcp", "slaac", "dhcpv6-stateless"
MICROSOFTS_ROUTES = 249  # classless static routes, as Windows asks for them
MOST_LEASES = 65536
KNOWN = "slaac"  # a tag that says nothing
ALWAYS = (
    "port=0",  # no name server
    f"interface={INNER}",
    "bind-interfaces",
    "except-interface=lo",
    "no-ping",
    "no-hosts",
    "no-resolv",
    "leasefile-ro",
    f"dhcp-lease-max={MOST_LEASES}",
    # Who asks for the address that he has got it again, from a process that has begun anew, too. Nobody else is answered at all.
    "dhcp-authoritative",
    # A client of whom only an address of the other IP version is known is of another net to it.
    "dhcp-ignore=tag:!known,tag:!known-othernet",
)


class Client(t.NamedTuple):
    """What the guest of one port is given."""

    mac_address: str
    mtu: t.Optional[int]  # bytes
    fixed_ips: t.Tuple[FixedIp, ...]


class Served(t.NamedTuple):
    """What the DHCP server of one bridge has to know."""

    bridge: str
    mtu: int  # the most bytes of a packet of its guests that is known; 0: none is
    options: t.Tuple[str, ...]  # lines of the configuration
    hosts: t.Tuple[str, ...]  # a line for each port
    prefixes: t.Tuple[str, ...]  # of IPv6, of which the server needs an address


def bridge_of(port: Port) -> t.Optional[str]:
    """The bridge on which the port's guest is answered by its host; None if it is not."""
    return vif_of(port["binding"]).source(port["binding"])["bridge"] if any(ip.get("served") for ip in port["fixed_ips"]) else None


def served(ports: t.Iterable[Port]) -> t.Dict[str, Served]:
    """What the DHCP servers of a host have to know, by bridge, of all ports of its servers."""
    found: t.Dict[str, t.List[Client]] = {}
    for port in ports:
        bridge = bridge_of(port)
        if bridge is not None:
            fixed_ips = tuple(ip for ip in port["fixed_ips"] if ip.get("served"))
            found.setdefault(bridge, []).append(Client(port["mac_address"].lower(), port["mtu"], fixed_ips))
    return {bridge: _served(bridge, clients) for bridge, clients in found.items()}


def _served(bridge: str, clients: t.Sequence[Client]) -> Served:
    options: t.Set[str] = set()
    prefixes: t.Set[str] = set()
    for client in clients:
        for ip in client.fixed_ips:
            options.update(_options(ip, client.mtu))
            prefixes.update([_cidr(ip)] if ip["version"] == IPV6 else [])
    mtu = max((client.mtu or 0 for client in clients), default=0)
    if prefixes:
        # It tells prefixes, and is no router.
        options.update(["enable-ra", f"ra-param={INNER},{f'mtu:{mtu},' if mtu else ''}0,0"])
    return Served(bridge, mtu, tuple(sorted(options)), tuple(sorted(map(_host, clients))), tuple(sorted(prefixes)))


def _cidr(ip: FixedIp) -> str:
    return str(ipaddress.ip_network(ip["cidr"], strict=False))


def _options(ip: FixedIp, mtu: t.Optional[int]) -> t.Iterator[str]:
    cidr = ipaddress.ip_network(ip["cidr"], strict=False)
    servers = [str(ipaddress.ip_address(server)) for server in ip["dns_nameservers"]]
    if ip["version"] == IPV6:
        mode = {SLAAC: "ra-only,64", STATELESS: "ra-stateless,64"}.get(ip["address_mode"] or "", "static,64")
        # Of the prefix, and not of the port: a router advertisement has it, too, which is for nobody alone.
        prefix = f"p{hashlib.sha256(str(cidr).encode()).hexdigest()[:10]}"
        yield f"dhcp-range=set:{prefix},{cidr.network_address},{mode},infinite"
        if servers:
            yield f"dhcp-option=tag:{prefix},option6:dns-server,{','.join(f'[{server}]' for server in servers)}"
        return
    tag = _tag(ip, mtu)
    yield f"shared-network={INNER},{cidr.network_address}"
    yield f"dhcp-range={cidr.network_address},static,{cidr.netmask},infinite"
    # Without a value an option is not sent.
    yield ",".join([f"dhcp-option=tag:{tag},option:router", *([str(ipaddress.ip_address(ip["gateway_ip"]))] if ip["gateway_ip"] else [])])
    yield ",".join([f"dhcp-option=tag:{tag},option:dns-server", *servers])
    routes = [(str(ipaddress.ip_network(route["destination"], strict=False)), str(ipaddress.ip_address(route["nexthop"]))) for route in ip["host_routes"]]
    if routes:
        # Who takes these takes no other (RFC 3442).
        routes += [("0.0.0.0/0", str(ipaddress.ip_address(ip["gateway_ip"])))] if ip["gateway_ip"] else []
        words = ",".join(word for route in routes for word in route)
        yield f"dhcp-option=tag:{tag},option:classless-static-route,{words}"
        yield f"dhcp-option=tag:{tag},{MICROSOFTS_ROUTES},{words}"
    if mtu:
        # Clients that don't ask for it need it, too.
        yield f"dhcp-option-force=tag:{tag},option:mtu,{mtu}"


def _tag(ip: FixedIp, mtu: t.Optional[int]) -> str:
    """Ports that are told the same have the same: what they are told was the catalogue's when each was placed."""
    told = (_cidr(ip), ip["gateway_ip"], ip["dns_nameservers"], [(route["destination"], route["nexthop"]) for route in ip["host_routes"]], mtu)
    return f"s{hashlib.sha256(repr(told).encode()).hexdigest()[:10]}"


def _host(client: Client) -> str:
    """``dhcp-host`` of a port. Of IPv4 a client gets one address; one that it makes itself is not given."""
    first = next((ip for ip in client.fixed_ips if ip["version"] == IPV4), None)
    others = [ip for ip in client.fixed_ips if ip["version"] == IPV6]
    given = [f"set:{_tag(first, client.mtu)}", str(ipaddress.ip_address(first["ip_address"]))] if first else []
    given += [f"[{ipaddress.ip_address(ip['ip_address'])}]" for ip in others if ip["address_mode"] not in (SLAAC, STATELESS)]
    # Without anything to give it is a client that is known.
    return ",".join([client.mac_address, *(given or [f"set:{KNOWN}"])])


def configuration(wanted: Served, folder: str) -> str:
    """The text of its configuration, with its files in a folder."""
    lines = [*ALWAYS, f"pid-file={folder}/pid", f"dhcp-hostsfile={folder}/hosts", *wanted.options]
    return "".join(f"{line}\n" for line in lines)


def server_addresses(wanted: Served, mac_address: str) -> t.List[str]:
    """The IPv6 addresses that the server needs, of its MAC address as guests make theirs (modified EUI-64), each with its prefix."""
    octets = [int(octet, 16) for octet in mac_address.split(":")]
    tail = int.from_bytes(bytes([octets[0] ^ 2, *octets[1:3], 0xFF, 0xFE, *octets[3:]]), "big")
    return [f"{ipaddress.ip_network(prefix)[tail]}/64" for prefix in wanted.prefixes]
