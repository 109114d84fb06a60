"""Security groups from inside guests, over the whole chain; what a filter does to single frames is in test_port_filters.py."""

from __future__ import annotations

import subprocess
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.integration.conftest import NET4, NET6, SSH, Fleet, server, ssh

SSH_IN = {"direction": "ingress", "protocol": "tcp", "port_range_min": 22, "port_range_max": 22, "remote_ip_prefix": f"{NET4}.0.1/32"}
GROUPS = {
    "default": {},
    "web": {"rules": [SSH_IN, {"direction": "ingress", "protocol": "icmp", "remote_group": "web"}]},
}
CLOSED_S = 5


def answers_ssh(address: str) -> bool:
    return subprocess.run([*SSH, "-o", f"ConnectTimeout={CLOSED_S}", f"root@{address}", "true"], capture_output=True, check=False).returncode == 0


def pings(address: str, target: str, *options: str) -> bool:
    return ssh(address, f"busybox ping -c 1 -W 5 {' '.join(options)} {target} > /dev/null && echo yes || echo no").strip() == "yes"


def address_of(fleet_server: dict[str, t.Any]) -> str:
    return t.cast(str, fleet_server["addresses"]["lan"][0]["addr"])


@pytest.mark.campaign
def test_guests_reach_each_other_as_their_groups_say(fleet: Fleet) -> None:
    before = {name: host.filters() for name, host in fleet.hosts.items()}
    web = {"security_groups": [{"name": "web"}]}
    asked = [
        server("one", availability_zone="az1:h1", **web),
        server("two", availability_zone="az2:h2", **web),
        server("lonely", availability_zone="az2:h2"),
    ]
    variables = {"compute_security_groups": GROUPS}
    # The guests in web answer SSH; who is in default never does.
    first = fleet.create(*asked[:2], compute_wait_for="ssh", compute_wait_timeout_s=300, **variables)
    assert first.code == 0, first.output
    second = fleet.create(*asked, **variables)
    assert second.code == 0, second.output
    one, two, lonely = (address_of(second.server(name)) for name in ("one", "two", "lonely"))
    # A member of the same group, on another host; from the controller, which is none; and who is in no group with it.
    assert pings(one, two) and pings(two, one)
    assert subprocess.run(["busybox", "ping", "-c", "1", "-W", "3", one], capture_output=True, check=False).returncode
    assert not answers_ssh(lonely)
    # All may go out; with another address than its own nothing does.
    assert pings(one, f"{NET4}.0.1")
    ssh(one, f"ip addr add {NET4}.1.251/16 dev eth0")
    assert not pings(one, f"{NET4}.0.1", "-I", f"{NET4}.1.251")
    again = fleet.create(*asked, **variables)
    assert (again.code, again.changed()) == (0, 0), again.output
    gone = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["one", "two", "lonely"]})
    assert gone.code == 0, gone.output
    assert {name: host.filters() for name, host in fleet.hosts.items()} == before
    assert all(not host.run("virsh", "-q", "nwfilter-binding-list").strip() for host in fleet.hosts.values())


def members_known(fleet: Fleet, host: str) -> set[str]:
    """Every address that rules of a host's ports let in because of a group; the only other one is the controller's."""
    entries = {entry for name, entries in fleet.hosts[host].ip_sets().items() if name.endswith(("-ia", "-ip")) for entry in entries}
    return {entry.split(",")[0] for entry in entries} - {f"{NET4}.0.1"}


@pytest.mark.campaign
def test_members_on_other_hosts_are_known_from_their_first_frame_and_gone_before_their_address_is_free(fleet: Fleet) -> None:
    before = {name: (host.filters(), host.ip_sets()) for name, host in fleet.hosts.items()}
    variables = {"compute_security_groups": GROUPS}
    web = {"security_groups": [{"name": "web"}]}
    one, two = server("one", availability_zone="az1:h1", **web), server("two", availability_zone="az2:h2", **web)
    waiting = {"compute_wait_for": "ssh", "compute_wait_timeout_s": 300, **variables}
    first = fleet.create(one, **waiting)
    assert first.code == 0, first.output
    # A run that builds nothing on the first one's host.
    second = fleet.create(two, **waiting)
    assert second.code == 0, second.output
    here, there = address_of(first.server("one")), address_of(second.server("two"))
    assert members_known(fleet, "h1") == members_known(fleet, "h2") == {here, there}
    assert pings(there, here) and pings(here, there)
    # A run that changes no group that a rule names has no task for them.
    open_ports = fleet.create(server("other", security_groups=[{"name": "alone"}]), compute_security_groups={**GROUPS, "alone": {"rules": [SSH_IN]}})
    assert open_ports.code == 0 and "Ask the hosts who is in which security group" not in open_ports.output, open_ports.output
    # Who can't be told holds up the delete.
    fleet.testbed("cut", "h1")
    try:
        refused = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["two"]})
    finally:
        fleet.testbed("heal", "h1")
    assert refused.code != 0 and fleet.where("two-") == ["h2"], refused.output
    assert "could not be told to, or asked of: h1" in refused.told() and "Nothing was deleted" in refused.told(), refused.output
    assert pings(here, there)
    gone = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["two"]})
    assert gone.code == 0, gone.output
    assert members_known(fleet, "h1") == {here}
    # Its address is somebody else's now, whom the group does not let in.
    stranger = server("stranger", availability_zone="az2:h2", security_groups=[{"name": "alone"}], networks=[{"name": "lan", "fixed_ip": there}])
    third = fleet.create(stranger, **{**waiting, "compute_security_groups": {**GROUPS, "alone": {"rules": [SSH_IN]}}})
    assert third.code == 0, third.output
    assert not pings(there, here)
    everything = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["one", "other", "stranger"]})
    assert everything.code == 0, everything.output
    assert {name: (host.filters(), host.ip_sets()) for name, host in fleet.hosts.items()} == before


@pytest.mark.campaign
def test_a_host_that_was_rebooted_has_its_sets_before_a_guest_runs(fleet: Fleet) -> None:
    web = {"security_groups": [{"name": "web"}]}
    asked = [server("one", availability_zone="az1:h1", **web), server("two", availability_zone="az2:h2", **web)]
    variables = {"compute_security_groups": GROUPS, "compute_wait_for": "ssh", "compute_wait_timeout_s": 300}
    first = fleet.create(*asked, **variables)
    assert first.code == 0, first.output
    fleet.testbed("reboot", "h1")
    host = fleet.hosts["h1"]
    (domain,) = host.domains("--all")
    assert host.ip_sets() == {}
    # By hand it does not start half filtered.
    assert "error" in host.run("sh", "-c", f"virsh -q start {domain} 2>&1 || true") and domain not in host.domains()
    again = fleet.create(*asked, **variables)
    assert again.code == 0, again.output
    assert pings(address_of(first.server("one")), address_of(first.server("two")))


def pinged(address: str) -> bool:
    """By the controller, which is in no group."""
    return subprocess.run(["busybox", "ping", "-c", "1", "-W", "3", address], capture_output=True, check=False).returncode == 0


@pytest.mark.campaign
def test_edited_rules_and_what_somebody_has_flushed_are_brought_back_by_the_playbook(fleet: Fleet) -> None:
    web = {"security_groups": [{"name": "web"}]}
    variables = {"compute_security_groups": GROUPS}
    made = fleet.create(server("one", availability_zone="az1:h1", **web), compute_wait_for="ssh", compute_wait_timeout_s=300, **variables)
    assert made.code == 0, made.output
    address, host = address_of(made.server("one")), fleet.hosts["h1"]

    def applied(rules: list[dict[str, t.Any]], *options: str) -> t.Any:
        play = fleet.play("kvmfleet.compute.security_groups", {"compute_security_groups": {**GROUPS, "web": {"rules": rules}}}, *options)
        assert play.code == 0, play.output
        return play

    rules = GROUPS["web"]["rules"]
    nothing = applied(rules)
    assert nothing.changed() == 0 and nothing.output.count("nothing to do") == len(fleet.hosts), nothing.output
    assert not pinged(address)
    open_to_ping = [*rules, {"direction": "ingress", "protocol": "icmp", "remote_ip_prefix": f"{NET4}.0.1/32"}]
    looked = applied(open_to_ping, "--check")
    assert looked.changed() == 1 and "rules of security group web" in looked.output and not pinged(address)
    assert applied(open_to_ping).changed() == 1 and pinged(address)
    assert applied(rules).changed() == 1 and not pinged(address)
    # All that the kernel has; the guest is open then.
    host.run("iptables", "-F")
    assert pinged(address)
    device = made.server("one")["ports"][0]["device"] if "ports" in made.server("one") else "tap"
    mended = applied(rules)
    assert mended.changed() == 1 and f"rules in the kernel for {device}" in mended.told() and not pinged(address), mended.output
    for name in host.ip_sets():
        if name[-1] in "ap":
            host.run("ipset", "flush", name)
    assert "IP sets of security group web" in applied(rules).output
    assert applied(rules).changed() == 0
    # A run that builds something mends it, too.
    host.run("ip6tables", "-F")
    host.run("ebtables", "-t", "nat", "-F")
    again = fleet.create(server("two", availability_zone="az2:h2", **web), **variables)
    assert again.code == 0 and "host h1 does not filter its guests as it must" in again.told(), again.output
    assert applied(rules).changed() == 0


@pytest.mark.campaign
def test_what_nftables_has_of_a_server_comes_back_after_a_flush_and_goes_with_it(fleet: Fleet) -> None:
    v4 = {"cidr": f"{NET4}.0.0/16", "gateway_ip": f"{NET4}.0.1", "allocation_pools": [{"start": f"{NET4}.2.10", "end": f"{NET4}.2.250"}]}
    networks = {
        "dual": {"bridge": "br-ext", "mtu": 1500, "subnets": [v4, {"cidr": f"{NET6}/64", "gateway_ip": None}]},
        "own": {"provider:network_type": "local", "subnets": [{"cidr": "192.168.56.0/24", "gateway_ip": None}]},
    }
    host, asked = fleet.hosts["h1"], server("one", availability_zone="az1:h1", networks=[{"name": "dual"}, {"name": "own"}])
    made = fleet.create(asked, compute_networks=networks)
    assert made.code == 0, made.output
    loaded = host.nft_chains()
    assert [sorted(name.split("-")[0] for name in loaded[family]) for family in ("bridge", "inet")] == [
        ["discovery", "of", "port", "prerouting"],
        ["of", "prerouting", "zone"],
    ]
    # All that the kernel has, libvirt's rules, too.
    host.run("nft", "flush", "ruleset")
    mended = fleet.play("kvmfleet.compute.security_groups", {})
    assert mended.code == 0 and mended.output.count("rules of nftables for") >= 2, mended.output
    assert host.nft_chains() == loaded
    again = fleet.create(asked, compute_networks=networks)
    assert (again.code, again.changed()) == (0, 0) and "does not filter" not in again.told(), again.output
    gone = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["one"]})
    assert gone.code == 0, gone.output
    assert host.nft_chains() == {}
