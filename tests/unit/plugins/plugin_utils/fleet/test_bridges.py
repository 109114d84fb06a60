"""Bridges on request: nothing that is there is touched, the second time there is nothing to do, and what would cut a host off is refused."""

from __future__ import annotations

import configparser
import ipaddress
import json
import shlex
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.bridges import MANAGERS, Bridge, File, Link, Network, plan
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.host_network import UnreadNetwork, network

CARD = Link("eno1", False, True, (ipaddress.ip_interface("192.0.2.11/24"), ipaddress.ip_interface("fe80::1/64")))
LOOPBACK = Link("lo", False, True, (ipaddress.ip_interface("127.0.0.1/8"), ipaddress.ip_interface("::1/128")))
CONTROLLER = "203.0.113.7"


def bridge(name: str, *addresses: str) -> Bridge:
    return {"name": name, "addresses": list(addresses)}


def host(*links: Link, manager: str | None = "systemd-networkd", files: tuple[str, ...] = ()) -> Network:
    there = {link.name: link for link in (LOOPBACK, CARD, *links)}
    return Network(there, frozenset({ipaddress.ip_address(CONTROLLER)}), manager, frozenset(files))


def words(commands: list[list[str]]) -> list[str]:
    return [" ".join(command) for command in commands]


@pytest.mark.parametrize("manager", MANAGERS)
def test_a_bridge_is_made_and_written_down(manager: str) -> None:
    made = plan([bridge("br-int", "198.51.100.1/24", "2001:db8::1/64")], host(manager=manager))
    assert made["faults"] == []
    assert words(made["commands"]) == [
        "ip link add name br-int type bridge stp_state 0 forward_delay 0",
        "sysctl -q -e -w net/ipv6/conf/br-int/accept_ra=0",
        "ip address replace 198.51.100.1/24 dev br-int",
        "ip address replace 2001:db8::1/64 dev br-int",
        "ip link set dev br-int up",
    ]
    assert made["files"]
    # Nothing else of the host is in it.
    assert not [file for file in made["files"] if "eno1" in file["content"]]


def test_what_is_there_is_not_made_again() -> None:
    wanted = [bridge("br-int", "198.51.100.1/24")]
    files = tuple(file["path"] for file in plan(wanted, host())["files"])
    link = Link("br-int", True, True, (ipaddress.ip_interface("198.51.100.1/24"),))
    made = plan(wanted, host(link, files=files))
    assert (made["faults"], made["commands"]) == ([], [])
    assert [file["path"] for file in made["files"]] == list(files)


def test_an_own_bridge_gets_what_it_lacks() -> None:
    files = tuple(file["path"] for file in plan([bridge("br-int")], host())["files"])
    made = plan([bridge("br-int", "198.51.100.1/24")], host(Link("br-int", True, False, ()), files=files))
    assert words(made["commands"]) == ["ip address replace 198.51.100.1/24 dev br-int", "ip link set dev br-int up"]


def test_a_bridge_of_somebody_else_stays_as_it_is() -> None:
    theirs = Link("br0", True, False, (ipaddress.ip_interface("198.51.100.1/24"),))
    assert plan([bridge("br0", "198.51.100.1/24")], host(theirs, manager=None)) == {"faults": [], "files": [], "commands": []}


@pytest.mark.parametrize(
    ("wanted", "links", "fault"),
    [
        ([bridge("eno1")], [], "eno1 is there, and is no bridge: give the bridge another name"),
        ([bridge("br/0")], [], "compute_host_bridges: 'br/0' is no name for a bridge"),
        ([bridge("a-name-of-16-char")], [], "is no name for a bridge: at most 15"),
        ([bridge("br0; reboot")], [], "is no name for a bridge"),
        ([bridge("br0"), bridge("br0")], [], "compute_host_bridges has br0 more than once"),
        ([bridge("br0", "198.51.100.1")], [], "compute_host_bridges: '198.51.100.1' of br0 is no address with a prefix"),
        ([bridge("br0", "gateway")], [], "compute_host_bridges: 'gateway' of br0 is no address with a prefix"),
        ([bridge("br0", "192.0.2.1/25")], [], "192.0.2.1/25 of bridge br0 overlaps with eno1: traffic of that network would go to the bridge"),
        ([bridge("br0", "203.0.113.1/24")], [], "203.0.113.1/24 of bridge br0 would cut this host's connection with 203.0.113.7"),
        ([bridge("br0", "198.51.100.1/24"), bridge("br1", "198.51.100.9/24")], [], "198.51.100.1/24 of bridge br0 overlaps with bridge br1"),
        ([bridge("br0", "198.51.100.1/24")], [Link("br0", True, True, ())], "bridge br0 is there without 198.51.100.1/24, and has not been made by this role"),
    ],
)
def test_what_would_harm_is_refused_in_a_sentence(wanted: list[Bridge], links: list[Link], fault: str) -> None:
    # A bridge that is right, beside the one that is not: all or nothing.
    made = plan([*wanted, bridge("br-right")], host(*links))
    assert any(fault in sentence for sentence in made["faults"]), made
    assert (made["files"], made["commands"]) == ([], [])


def test_a_manager_that_is_not_known_is_said() -> None:
    (fault,) = plan([bridge("br0")], host(manager=None))["faults"]
    assert "NetworkManager, systemd-networkd, or ifupdown" in fault
    assert "docs/bridges.md" in fault


def sections(file: File) -> configparser.RawConfigParser:
    # One key may stand more than once in networkd's.
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[method-assign,assignment]
    parser.read_string(file["content"])
    return parser


def test_the_files_are_what_their_managers_read() -> None:
    wanted = [bridge("br-int", "198.51.100.1/24", "198.51.100.2/24")]
    netdev, of_network = (sections(file) for file in plan(wanted, host())["files"])
    assert dict(netdev["NetDev"]) == {"Name": "br-int", "Kind": "bridge"}
    assert dict(of_network["Match"]) == {"Name": "br-int"}
    assert of_network["Network"]["IPv6AcceptRA"] == "no"
    (file,) = plan(wanted, host(manager="NetworkManager"))["files"]
    profile = sections(file)
    # NetworkManager takes no profile that others can read.
    assert file["mode"] == "0600"
    assert (profile["connection"]["type"], profile["connection"]["interface-name"]) == ("bridge", "br-int")
    assert dict(profile["ipv4"]) == {"method": "manual", "never-default": "true", "address1": "198.51.100.1/24", "address2": "198.51.100.2/24"}
    assert dict(profile["ipv6"]) == {"method": "disabled"}


@pytest.mark.parametrize(
    ("daemons", "ifupdown", "manager"),
    [
        ("active\nactive\n", "", "NetworkManager"),
        ("inactive\nactive\n", "source /etc/network/interfaces.d/*", "systemd-networkd"),
        ("inactive\ninactive\n", "source /etc/network/interfaces.d/*", "ifupdown"),
        ("inactive\nfailed\n", "", None),
        ("", "", None),
    ],
)
def test_the_manager_is_the_one_that_works(daemons: str, ifupdown: str, manager: str | None) -> None:
    assert network("[]", "", daemons, ifupdown, "").manager == manager


def test_connections_are_those_with_other_machines() -> None:
    lines = "0 0 192.0.2.11:22 203.0.113.7:50000\n0 0 127.0.0.1:1 127.0.0.1:2\n0 0 [::ffff:192.0.2.11]:22 [::ffff:203.0.113.8]:1\n"
    found = network("[]", lines + "0 0 [fe80::1%eno1]:22 [fe80::2%eno1]:9\n", "", "", "").peers
    assert {str(address) for address in found} == {"203.0.113.7", "203.0.113.8", "fe80::2"}


@pytest.mark.parametrize("answer", ["", "{", "null", "[1]", "[{}]", '[{"ifname": "a", "addr_info": [{"local": "x", "prefixlen": 1}]}]'])
def test_an_answer_of_another_shape_is_an_error(answer: str) -> None:
    with pytest.raises(UnreadNetwork, match="can't be read"):
        network(answer, "", "", "", "")


def _in_a_namespace(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["unshare", "--map-root-user", "--net", "sh", "-euc", script], capture_output=True, text=True, check=False)


NO_NAMESPACE = not shutil.which("ip") or not shutil.which("unshare") or _in_a_namespace("ip link add name x type bridge").returncode != 0


@pytest.mark.skipif(NO_NAMESPACE, reason="this machine makes no bridge in a network namespace of its own")
def test_linux_takes_the_commands_and_needs_them_once() -> None:
    wanted = [bridge("br-int", "198.51.100.1/24", "2001:db8::1/64"), bridge("br-bare")]
    made = plan(wanted, network("[]", "", "inactive active", "", ""))
    steps = "\n".join(shlex.join(command) for command in made["commands"])
    done = _in_a_namespace(f"{steps}\ncat /proc/sys/net/ipv6/conf/br-int/accept_ra >&2\nip -json -details address show")
    assert done.returncode == 0, done.stderr
    files = " ".join(file["path"] for file in made["files"])
    after = network(done.stdout, "", "inactive active", "", files)
    assert plan(wanted, after) == {"faults": [], "files": made["files"], "commands": []}
    (shown,) = [entry for entry in json.loads(done.stdout) if entry["ifname"] == "br-int"]
    options: dict[str, t.Any] = shown["linkinfo"]["info_data"]
    assert (options["stp_state"], options["forward_delay"]) == (0, 0)
    # Nothing where the kernel has no IPv6.
    assert done.stderr.strip() in ("0", "")


@pytest.mark.skipif(NO_NAMESPACE, reason="this machine makes no bridge in a network namespace of its own")
def test_linux_takes_the_commands_of_ifupdown_s_file() -> None:
    (file,) = plan([bridge("br-int", "198.51.100.1/24")], host(manager="ifupdown"))["files"]
    steps = [line.strip().split(" ", 1)[1] for line in file["content"].splitlines() if line.strip().startswith(("pre-up ", "up "))]
    # At a restart of the network the bridge is there already.
    done = _in_a_namespace("\n".join([*steps, *steps, "ip -brief address show dev br-int"]))
    assert (done.returncode, "198.51.100.1/24" in done.stdout) == (0, True), done.stderr
