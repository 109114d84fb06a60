# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bridge whose guests dnsmasq answers, in namespaces of its own; test_served_bridge.py runs it as a program, and reads what it says."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.dhcp_servers import DhcpServers
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.dnsmasq import Dnsmasq
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.kernel import Kernel
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, Port
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute import ask_dhcpv6

TELL = "#!/bin/sh\n[ \"$1\" != bound ] || env | grep -E '^(ip|router|mtu)='\n"
SIX: dict[str, t.Any] = {**make.fixed_ip(), "ip_address": "2001:db8::9", "version": 6, "cidr": "2001:db8::/64", "gateway_ip": None, "address_mode": "slaac"}
ASK = ["busybox", "udhcpc", "-i", "eth0", "-f", "-n", "-q", "-t", "3", "-T", "1", "-O", "mtu", "-s", "/run/tell"]


def run(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout


def in_guest(mac: str, *argv: str) -> str:
    """What a program says in a guest."""
    for command in (
        "netns add guest",
        f"link add name tap0 type veth peer name eth0 address {mac} netns guest",
        "link set tap0 master br0 up",
        # It has its link-local address at once.
        "netns exec guest sysctl -qw net.ipv6.conf.eth0.accept_dad=0",
        "-n guest link set eth0 up",
    ):
        run("ip", *command.split())
    said = run("ip", "netns", "exec", "guest", *argv)
    run("ip", "link", "delete", "tap0")
    run("ip", "netns", "delete", "guest")
    return said


def ask(mac: str) -> dict[str, str]:
    """What a guest is told."""
    return dict(line.split("=", 1) for line in in_guest(mac, *ASK).splitlines())


def ask_6(mac: str, what: str) -> dict[str, list[str]]:
    """What a guest is told by DHCPv6."""
    return t.cast("dict[str, list[str]]", json.loads(in_guest(mac, sys.executable, ask_dhcpv6.__file__, "eth0", mac, what)))


def running() -> list[str]:
    """The processes that are no dead ones: here is no init that would bury them."""
    return [pid for pid in run("pgrep", "-x", "dnsmasq").split() if pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]


def devices() -> set[str]:
    return {line.split(":")[1] for line in run("ip", "-o", "link").splitlines()}


class Domains:
    """A hypervisor with a guest for each port."""

    def __init__(self) -> None:
        self.ports: list[Port] = []

    def domains(self, *, live: bool = False) -> list[Domain]:
        return t.cast(list[Domain], [{"record": {"ports": [port]}} for port in self.ports])


def port(number: int, last: int, *others: t.Any) -> Port:
    asked: t.Any = {**make.fixed_ip(address_mode="dhcp", ip_address=f"192.0.2.{last}"), "served": True}
    return make.port(fixed_ips=[asked, *others], mac_address=f"fa:16:3e:00:00:{number:02x}", mtu=1400)


def main() -> None:
    run("mount", "-t", "tmpfs", "tmpfs", "/run")
    pathlib.Path("/run/tell").write_text(TELL, encoding="ascii")
    pathlib.Path("/run/tell").chmod(0o755)
    for command in ("link set lo up", "link add name br0 type bridge forward_delay 0", "link set br0 up"):
        run("ip", *command.split())
    before = devices()
    there, said = Domains(), dict[str, t.Any]()
    servers = DhcpServers(t.cast(t.Any, there), "h1", "/run/state", Kernel(), Dnsmasq(), check_mode=False)
    one, two, three = port(1, 5, {**SIX, "served": True}), port(2, 6), port(3, 6)
    there.ports = [one]
    servers.make([one])
    said["one"], said["stranger"] = ask(one["mac_address"]), ask("fa:16:3e:00:00:09")
    pids = [running()]
    servers.make([one])
    pids.append(running())
    there.ports = [one, two]
    servers.make([two])
    said["two"] = ask(two["mac_address"])
    there.ports = [one]
    servers.sweep()
    there.ports = [one, three]
    servers.make([three])
    said["three"], said["gone"] = ask(three["mac_address"]), ask(two["mac_address"])
    said["again"] = ask(one["mac_address"])
    said["same_process"] = pids[0] == pids[1] != []
    for what in ("stateful", "stateless"):
        six: t.Any = {**SIX, "address_mode": f"dhcpv6-{what}", "dns_nameservers": ["2001:db8::53"], "served": True}
        there.ports = [port(4, 7, six)]
        servers.make(there.ports)
        said[what] = [ask_6(mac, what) for mac in (there.ports[0]["mac_address"], "fa:16:3e:00:00:09")]
    there.ports = []
    servers.sweep()
    said["left"] = [*running(), run("ip", "netns", "list"), str(devices() == before), run("ls", "/run/kvmfleet/dhcp")]
    print(json.dumps(said))


if __name__ == "__main__":
    main()
