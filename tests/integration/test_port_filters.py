"""What a port's network filter does to frames: two taps on a bridge of a hypervisor, one of them filtered as a guest's is."""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import group_sets
from ansible_collections.kvmfleet.compute.plugins.module_utils.filter_parser import parse_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ip_sets
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters import tables
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.group_filter import group_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import group_filter_name, group_key, port_filter_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.port_filter import port_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.membership import Membership, Told
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import bridge_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import FilterRule, GroupRules, Port
from ansible_collections.kvmfleet.compute.tests.integration import frames
from ansible_collections.kvmfleet.compute.tests.integration.conftest import TESTBED, Host
from ansible_collections.kvmfleet.compute.tests.integration.frames import End
from ansible_collections.kvmfleet.compute.tests.unit import make

MAC, NEIGHBOUR_MAC = "fa:16:3e:00:00:05", "fa:16:3e:00:00:99"
GUEST, GUEST_6 = End(MAC, "192.0.2.5"), End(MAC, "2001:db8::5")
LINK_LOCAL = End(MAC, "fe80::f816:3eff:fe00:5")
OTHER, OTHER_6 = End(NEIGHBOUR_MAC, "192.0.2.99"), End(NEIGHBOUR_MAC, "2001:db8::99")
STRANGER = End(NEIGHBOUR_MAC, "198.51.100.1")
ALL_NODES = End("33:33:00:00:00:01", "ff02::1")
NOBODY, ALL = End(MAC, "0.0.0.0"), End(frames.EVERYBODY, "255.255.255.255")
OUT, IN = 0, 1  # which tap sends: the guest's or its neighbour's
Step = tuple[int, bytes]
Entries = t.Mapping[str, t.Collection[str]]
PORT: Port = make.port(
    mac_address=MAC,
    device="tapf0",
    fixed_ips=[make.fixed_ip(ip_address=GUEST.ip), make.fixed_ip(ip_address=GUEST_6.ip, version=6)],
    allowed_address_pairs=[{"mac_address": MAC, "ip_address": "203.0.113.0/24"}, {"mac_address": MAC, "ip_address": "2001:db8:7::/48"}],
)


def rule(
    direction: str, ethertype: str, protocol: str | None, first: int | None, remote: list[str] | None = None, remote_group: str | None = None
) -> FilterRule:
    last = None if protocol == "icmp" else first
    return make.rule(direction, ethertype, protocol=protocol, port_range_min=first, port_range_max=last, remote=remote, remote_group=remote_group)


ASKED = rule("ingress", "IPv4", "udp", 53, ["192.0.2.96/28"])
GROUP: GroupRules = {
    "id": "g",
    "name": "g",
    "rules": [
        ASKED,
        rule("ingress", "IPv6", "udp", 53),
        rule("ingress", "IPv4", "icmp", 8),
        rule("ingress", "IPv6", "icmp", 128),
        rule("ingress", "IPv4", "tcp", 22),
        rule("egress", "IPv4", "udp", 123),
        rule("egress", "IPv6", "udp", 123),
        # Sets can't say so many ports.
        make.rule(protocol="udp", port_range_min=30000, port_range_max=32767, remote=["192.0.2.96/28"]),
        *(rule("ingress", version, "udp", 55, remote_group="friends") for version in ("IPv4", "IPv6")),
        *(rule("egress", version, "udp", 56, remote_group="friends") for version in ("IPv4", "IPv6")),
        rule("ingress", "IPv4", "icmp", None, remote_group="friends"),
        rule("ingress", "IPv4", None, None, remote_group="family"),
    ],
}
SETS = {name for version in ("IPv4", "IPv6") for name in parse_filter(group_filter(GROUP, "p", version))["sets"]}
BINDING = (
    "<filterbinding><owner><name>frames</name><uuid>00000000-0000-4000-8000-00000000f00d</uuid></owner><portdev name='tapf0'/>"
    f"<mac address='{MAC}'/><filterref filter='{port_filter_name(PORT['id'])}'/></filterbinding>"
)
TARGETS = tables.Chain(*tables.port_chain(PORT) or ())
TWIN = bridge_of({"type": "local", "name": "twin"})


class HostSets:
    """The IP sets of a hypervisor, of which a test has no Python."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def missing(self) -> str | None:
        return None

    def contents(self) -> dict[str, set[str]]:
        return {name: set(map(ip_sets.as_written, entries)) for name, entries in self.host.ip_sets().items()}

    def names(self) -> list[str]:
        return list(self.contents())

    def add(self, entries: Entries) -> None:
        self.host.run("sh", "-c", 'printf %s "$0" | ipset restore', ip_sets.to_add(entries))

    def remove(self, entries: Entries) -> None:
        self.host.run("sh", "-c", 'printf %s "$0" | ipset restore', ip_sets.to_remove(entries))

    def destroy(self, names: t.Iterable[str]) -> None:
        for name in sorted(names):
            self.host.run("ipset", "destroy", name)


class Bench:
    """Two taps on a bridge."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.sets = HostSets(host)

    def define(self, kind: str, xml: str) -> None:
        self.host.run("sh", "-c", 'printf %s "$1" > /tmp/frames.xml && virsh -q "$0" /tmp/frames.xml', kind, xml)

    def bring(self, group: GroupRules, friends: t.Sequence[str] = (), family: t.Sequence[str] = ()) -> None:
        """These rules, and these members of the groups that they name."""
        said = {group_key(name, "p"): {"h1": Told(1, list(addresses))} for name, addresses in (("friends", friends), ("family", family))}
        membership = Membership(wanted=said)
        membership.bring(group_key("g", "p"), group)
        different = group_sets.difference(self.sets, membership, SETS)
        group_sets.add_missing(self.sets, different)
        for ethertype in ("IPv4", "IPv6"):
            self.define("nwfilter-define", group_filter(group, "p", ethertype))
        group_sets.remove_extra(self.sets, different)

    def load(self, *chains: tables.Chain) -> None:
        """Chains of nftables, beside those that are loaded."""
        script = tables.to_add(chains, self.host.nft_chains())
        self.host.run("sh", "-c", 'printf %s "$0" | nft -f -', script)

    def add_bridge(self, bridge: str, *taps: str) -> None:
        for command in (
            f"ip link add {bridge} type bridge forward_delay 0 mcast_snooping 0",
            *(f"ip tuntap add dev {tap} mode tap" for tap in taps),
            *(f"ip link set {tap} master {bridge} up" for tap in taps),
            f"ip link set {bridge} up",
        ):
            self.host.run(*command.split())

    def raise_taps(self) -> None:
        self.add_bridge("br-frames", "tapf0", "tapf1")
        self.load(TARGETS)
        self.bring(GROUP)
        self.define("nwfilter-define", port_filter(PORT, ["g"], "p"))
        self.define("nwfilter-binding-create", BINDING)

    def remove(self) -> None:
        names = [port_filter_name(PORT["id"]), *(group_filter_name("g", "p", ethertype) for ethertype in ("IPv4", "IPv6"))]
        filters = "; ".join(f"virsh -q nwfilter-undefine {name}" for name in names)
        taps = "; ".join(f"ip link del {device}" for device in ("tapf0", "tapf1", "br-frames", "tapf2", "tapf3", TWIN))
        loaded = "; ".join(f"nft delete table {family} {tables.TABLE}" for family in (tables.TARGETS, tables.ZONES))
        said = self.host.run("sh", "-c", f"(virsh -q nwfilter-binding-delete tapf0; {filters}; {taps}; {loaded}) 2>&1; true")
        self.sets.destroy(self.sets.names())
        left = self.host.run("virsh", "-q", "nwfilter-binding-list").strip(), self.host.ip_sets()
        assert left == ("", {}), said

    def passing(self, *steps: Step, taps: tuple[str, str] = ("tapf0", "tapf1")) -> list[bool]:
        """Which frames come out at the other tap, sent one after another."""
        marks = [frames.arp(end, "192.0.2.254").hex() for end in (GUEST, OTHER)]
        asked = {"taps": taps, "marks": marks, "steps": [(which, frame.hex()) for which, frame in steps]}
        script = (TESTBED / "frames.py").read_text()
        argv = [str(TESTBED / "exec"), self.host.name, "python3", "-c", script]
        done = subprocess.run(argv, input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        return t.cast("list[bool]", json.loads(done.stdout))


@pytest.fixture(scope="module")
def bench(testbed: None) -> t.Iterator[Bench]:
    made = Bench(Host("h1"))
    made.remove()
    made.raise_taps()
    yield made
    made.remove()


def check(bench: Bench, expected: dict[str, tuple[Step, bool]]) -> None:
    """Each by its name."""
    came = bench.passing(*(step for step, _passes in expected.values()))
    assert dict(zip(expected, came, strict=True)) == {name: passes for name, (_step, passes) in expected.items()}


def test_a_guest_speaks_as_itself_only(bench: Bench) -> None:
    spoofed, pair = End(MAC, OTHER.ip), End(MAC, "203.0.113.7")
    check(
        bench,
        {
            "its own question": ((OUT, frames.arp(GUEST, OTHER.ip)), True),
            "its own answer": ((OUT, frames.arp(GUEST, OTHER.ip, answer=True)), True),
            "an answer for another address": ((OUT, frames.arp(spoofed, GUEST.ip, answer=True)), False),
            "an answer for another MAC address": ((OUT, frames.arp(End(NEIGHBOUR_MAC, GUEST.ip), OTHER.ip, mac=MAC, answer=True)), False),
            "a question from another MAC address": ((OUT, frames.arp(End(NEIGHBOUR_MAC, GUEST.ip), OTHER.ip)), False),
            "is this address free?": ((OUT, frames.arp(NOBODY, GUEST.ip)), True),
            "a packet": ((OUT, frames.udp(GUEST, 1000, OTHER, 123)), True),
            "from another address": ((OUT, frames.udp(spoofed, 1000, OTHER, 123)), False),
            "from another MAC address": ((OUT, frames.udp(End("fa:16:3e:00:00:06", GUEST.ip), 1000, OTHER, 123)), False),
            "from an address pair": ((OUT, frames.udp(pair, 1000, OTHER, 123)), True),
            "an address pair's answer": ((OUT, frames.arp(pair, OTHER.ip, answer=True)), True),
            "a packet of IPv6": ((OUT, frames.udp(GUEST_6, 1000, OTHER_6, 123)), True),
            "from another address of IPv6": ((OUT, frames.udp(End(MAC, "2001:db8::6"), 1000, OTHER_6, 123)), False),
            "with a VLAN tag": ((OUT, frames.tagged(frames.udp(GUEST, 1000, OTHER, 123), 5)), False),
            "of another protocol": ((OUT, frames.ethernet(MAC, NEIGHBOUR_MAC, frames.LLDP, b"x")), False),
        },
    )


def test_a_guest_is_no_router_and_no_dhcp_server_even_if_its_groups_let_all_out(bench: Bench) -> None:
    bench.bring({**GROUP, "rules": [*GROUP["rules"], *(rule("egress", version, None, None) for version in ("IPv4", "IPv6"))]})
    advertises, redirects = frames.router_advertisement(LINK_LOCAL, ALL_NODES), frames.redirect(LINK_LOCAL, OTHER_6, "2001:db8::7")
    offers_6 = frames.udp(GUEST_6, 547, OTHER_6, 546)
    try:
        check(
            bench,
            {
                "sends what it likes": ((OUT, frames.udp(GUEST, 67, ALL, 69)), True),
                "sends what it likes over IPv6": ((OUT, frames.behind_options(frames.udp(GUEST_6, 547, OTHER_6, 548), frames.DESTINATION)), True),
                "asks for a DHCP lease": ((OUT, frames.udp(NOBODY, 68, ALL, 67)), True),
                "offers a DHCP lease": ((OUT, frames.udp(GUEST, 67, ALL, 68)), False),
                "offers a DHCPv6 lease": ((OUT, offers_6), False),
                "offers a DHCPv6 lease behind options": ((OUT, frames.behind_options(offers_6, frames.DESTINATION)), False),
                "advertises itself as a router": ((OUT, advertises), False),
                "advertises itself as a router behind options": ((OUT, frames.behind_options(advertises, frames.DESTINATION)), False),
                "redirects": ((OUT, redirects), False),
                "redirects behind options": ((OUT, frames.behind_options(redirects, frames.DESTINATION)), False),
                "looks whether its address is free": ((OUT, frames.neighbour(End(MAC, "::"), ALL_NODES, 135, GUEST_6.ip)), True),
                "solicits a neighbour": ((OUT, frames.neighbour(LINK_LOCAL, ALL_NODES, 135, OTHER_6.ip)), True),
                "advertises itself": ((OUT, frames.neighbour(GUEST_6, OTHER_6, 136, GUEST_6.ip)), True),
                "advertises itself from a neighbour's address": ((OUT, frames.neighbour(End(MAC, OTHER_6.ip), ALL_NODES, 136, OTHER_6.ip)), False),
                "hears of a router": ((IN, frames.router_advertisement(End(NEIGHBOUR_MAC, "fe80::99"), ALL_NODES)), True),
                "is solicited": ((IN, frames.neighbour(OTHER_6, GUEST_6, 135, GUEST_6.ip)), True),
                "gets a DHCP lease": ((IN, frames.udp(OTHER, 67, GUEST, 68)), True),
            },
        )
    finally:
        bench.bring(GROUP)


def test_a_guest_advertises_its_own_addresses_only(bench: Bench) -> None:
    def advertised(target: str) -> bytes:
        return frames.neighbour(GUEST_6, OTHER_6, 136, target)

    own, foreign = advertised(GUEST_6.ip), advertised(OTHER_6.ip)
    # The header before ICMPv6 ends in the second fragment.
    whole = frames.behind_options(foreign, frames.DESTINATION)
    long = whole[:54] + whole[54:55] + bytes([2, 1, 20]) + bytes(20) + whole[62:]
    check(
        bench,
        {
            "its own": ((OUT, own), True),
            "its own link-local one": ((OUT, advertised(LINK_LOCAL.ip)), True),
            "an address pair's": ((OUT, advertised("2001:db8:7:1::9")), True),
            "a neighbour's": ((OUT, foreign), False),
            "a neighbour's link-local one": ((OUT, advertised("fe80::99")), False),
            "its own behind options": ((OUT, frames.behind_options(own, frames.DESTINATION)), True),
            "a neighbour's behind options": ((OUT, whole), False),
            "a neighbour's behind options for routers": ((OUT, frames.behind_options(foreign, frames.HOP_BY_HOP)), False),
            "its own in a fragment": ((OUT, frames.in_fragment(own)), False),
            "a neighbour's in a fragment": ((OUT, frames.in_fragment(foreign)), False),
            "a neighbour's in a fragment behind options": ((OUT, frames.in_fragment(whole)), False),
            "the beginning of options in a fragment": ((OUT, frames.in_fragment(long[:62], more=True)), False),
            "a router advertisement in a fragment": ((OUT, frames.in_fragment(frames.router_advertisement(LINK_LOCAL, ALL_NODES))), False),
            "without a target": ((OUT, frames.icmpv6(GUEST_6, OTHER_6, 136, bytes(4))), False),
            "is its own address free?": ((OUT, frames.neighbour(End(MAC, "::"), ALL_NODES, 135, GUEST_6.ip)), True),
            "is a neighbour's address free?": ((OUT, frames.neighbour(End(MAC, "::"), ALL_NODES, 135, OTHER_6.ip)), False),
            "where is a neighbour?": ((OUT, frames.neighbour(GUEST_6, ALL_NODES, 135, OTHER_6.ip)), True),
            "a neighbour advertises itself": ((IN, frames.neighbour(OTHER_6, GUEST_6, 136, OTHER_6.ip)), True),
            "listens to a group": ((OUT, frames.behind_options(frames.icmpv6(LINK_LOCAL, ALL_NODES, 143, bytes(4)), frames.HOP_BY_HOP)), True),
        },
    )


def test_networks_with_the_same_addresses_do_not_share_connections(bench: Bench) -> None:
    bench.add_bridge(TWIN, "tapf2", "tapf3")

    def answered(port: int) -> bool:
        """Is the guest answered, on one network, because a guest with its address has asked on the other?"""
        asked = bench.passing((OUT, frames.udp(GUEST, port, OTHER, 123)), taps=("tapf2", "tapf3"))
        assert asked == [True]
        return bench.passing((IN, frames.udp(OTHER, 123, GUEST, port)))[0]

    # Without a zone it is, which shows that the test can tell.
    assert answered(9001)
    (zone,) = tables.zone_chains([TWIN], {})
    bench.load(zone)
    assert not answered(9002)
    assert bench.passing((OUT, frames.udp(GUEST, 9002, OTHER, 123)), (IN, frames.udp(OTHER, 123, GUEST, 9002))) == [True, True]


def test_rules_let_through_what_they_say_and_its_answers(bench: Bench) -> None:
    check(
        bench,
        {
            "asked in": ((IN, frames.udp(OTHER, 2000, GUEST, 53)), True),
            "its answer": ((OUT, frames.udp(GUEST, 53, OTHER, 2000)), True),
            "an answer to nothing": ((OUT, frames.udp(GUEST, 53, OTHER, 2001)), False),
            "another port": ((IN, frames.udp(OTHER, 2000, GUEST, 54)), False),
            "by a stranger": ((IN, frames.udp(STRANGER, 2000, GUEST, 53)), False),
            "at one of many ports": ((IN, frames.udp(OTHER, 2000, GUEST, 32767)), True),
            "its answer from there": ((OUT, frames.udp(GUEST, 32767, OTHER, 2000)), True),
            "at the port behind them": ((IN, frames.udp(OTHER, 2000, GUEST, 32768)), False),
            "at one of many ports by a stranger": ((IN, frames.udp(STRANGER, 2000, GUEST, 32767)), False),
            "asked out": ((OUT, frames.udp(GUEST, 3000, OTHER, 123)), True),
            "the answer to it": ((IN, frames.udp(OTHER, 123, GUEST, 3000)), True),
            "out to another port": ((OUT, frames.udp(GUEST, 3000, OTHER, 124)), False),
            "pinged": ((IN, frames.icmp(OTHER, GUEST, 8)), True),
            "its echo": ((OUT, frames.icmp(GUEST, OTHER, 0)), True),
            "pings": ((OUT, frames.icmp(GUEST, OTHER, 8)), False),
            "asked in over IPv6": ((IN, frames.udp(OTHER_6, 2000, GUEST_6, 53)), True),
            "its answer over IPv6": ((OUT, frames.udp(GUEST_6, 53, OTHER_6, 2000)), True),
            "another port over IPv6": ((IN, frames.udp(OTHER_6, 2000, GUEST_6, 54)), False),
            "pinged over IPv6": ((IN, frames.echo_of_6(OTHER_6, GUEST_6, 128)), True),
            "its echo over IPv6": ((OUT, frames.echo_of_6(GUEST_6, OTHER_6, 129)), True),
            "pings over IPv6": ((OUT, frames.echo_of_6(GUEST_6, OTHER_6, 128)), False),
            "called": ((IN, frames.tcp(OTHER, 7000, GUEST, 22, frames.SYN)), True),
            "takes the call": ((OUT, frames.tcp(GUEST, 22, OTHER, 7000, frames.SYN | frames.ACK, 1, 2)), True),
            "is talked to": ((IN, frames.tcp(OTHER, 7000, GUEST, 22, frames.ACK, 2, 2)), True),
            "called at another port": ((IN, frames.tcp(OTHER, 7000, GUEST, 23, frames.SYN)), False),
            "calls": ((OUT, frames.tcp(GUEST, 7001, OTHER, 22, frames.SYN)), False),
            "goes on with a call that was none": ((OUT, frames.tcp(GUEST, 22, OTHER, 7002, frames.SYN | frames.ACK, 1, 2)), False),
            # A guest takes a frame of VLAN 0 for one without a tag.
            "behind a VLAN tag": ((IN, frames.tagged(frames.udp(OTHER, 2000, GUEST, 54), 0)), False),
        },
    )


def test_a_changed_group_is_followed_and_cuts_what_it_no_longer_allows(bench: Bench) -> None:
    asked, answer = (IN, frames.udp(OTHER, 4000, GUEST, 53)), (OUT, frames.udp(GUEST, 53, OTHER, 4000))
    kept = (OUT, frames.udp(GUEST, 5000, OTHER, 123)), (IN, frames.udp(OTHER, 123, GUEST, 5000))
    other_rules = [rule for rule in GROUP["rules"] if rule is not ASKED]
    assert bench.passing(asked, answer, *kept) == [True] * 4
    try:
        bench.bring({**GROUP, "rules": other_rules})
        assert bench.passing(asked, answer, kept[1]) == [False, False, True]
        # From the sets into the filter, and back.
        wide = make.rule(protocol="udp", port_range_min=1, port_range_max=1000, remote=["192.0.2.96/28"])
        bench.bring({**GROUP, "rules": [*other_rules, wide]})
        assert bench.passing(asked, answer, kept[1]) == [True] * 3
        bench.bring({**GROUP, "rules": other_rules})
        assert bench.passing(asked, answer, kept[1]) == [False, False, True]
    finally:
        bench.bring(GROUP)
    assert bench.passing(asked, answer) == [True, True]


def test_who_is_a_member_is_let_in_and_out_and_one_who_leaves_is_cut_off(bench: Bench) -> None:
    steps = {
        "a member asks": (IN, frames.udp(OTHER, 6000, GUEST, 55)),
        "is answered": (OUT, frames.udp(GUEST, 55, OTHER, 6000)),
        "a member asks over IPv6": (IN, frames.udp(OTHER_6, 6000, GUEST_6, 55)),
        "is answered over IPv6": (OUT, frames.udp(GUEST_6, 55, OTHER_6, 6000)),
        "a member asks the time": (IN, frames.icmp(OTHER, GUEST, 13)),
        "is told the time": (OUT, frames.icmp(GUEST, OTHER, 14)),
        "a member asks at another port": (IN, frames.udp(OTHER, 6000, GUEST, 56)),
        "a member calls": (IN, frames.tcp(OTHER, 6000, GUEST, 55, frames.SYN)),
        "a member is asked": (OUT, frames.udp(GUEST, 6001, OTHER, 56)),
        "answers": (IN, frames.udp(OTHER, 56, GUEST, 6001)),
        "a stranger asks": (IN, frames.udp(STRANGER, 6000, GUEST, 55)),
        "a stranger asks at another port": (IN, frames.udp(STRANGER, 6000, GUEST, 57)),
    }
    of_strangers = {name for name in steps if "stranger" in name}
    of_friends = set(steps) - of_strangers - {"a member asks at another port", "a member calls"}
    for friends, family, passing in (
        ([], [], set()),
        ([OTHER.ip, OTHER_6.ip], [], of_friends),
        ([STRANGER.ip], [], {"a stranger asks"}),
        ([], ["198.51.100.0/24"], of_strangers),
        ([], [], set()),
    ):
        bench.bring(GROUP, friends, family)
        check(bench, {name: (step, name in passing) for name, step in steps.items()})


def test_a_rule_whose_set_is_missing_keeps_the_tap_closed(bench: Bench) -> None:
    bench.host.run("virsh", "-q", "nwfilter-binding-delete", "tapf0")
    bench.sets.destroy(bench.sets.names())
    with pytest.raises(AssertionError, match="Set"):
        bench.define("nwfilter-binding-create", BINDING)
    bench.bring(GROUP)
    bench.define("nwfilter-binding-create", BINDING)


def test_a_restart_of_libvirtd_keeps_it(bench: Bench) -> None:
    subprocess.run([str(TESTBED / "restart-libvirtd"), bench.host.name], check=True)
    bench.host.run("timeout", "60", "sh", "-c", "until virsh -q nwfilter-binding-list > /dev/null 2>&1; do sleep 0.1; done")
    steps = [(IN, frames.udp(OTHER, 2000, GUEST, port)) for port in (54, 53, 55)]
    assert bench.passing(*steps) == [False, True, False]
    bench.bring(GROUP, [OTHER.ip])
    assert bench.passing(*steps) == [False, True, True]
