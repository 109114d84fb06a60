"""Security groups from inside guests, over the whole chain; what a filter does to single frames is in test_port_filters.py."""

from __future__ import annotations

import subprocess
import typing as t

from ansible_collections.kvmfleet.compute.tests.integration.conftest import NET4, SSH, Fleet, server, ssh

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
