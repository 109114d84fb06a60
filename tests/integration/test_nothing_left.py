# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts have of networks: the same after the same run, after a start that mends what somebody has flushed, and, once all servers are gone, as before."""

from __future__ import annotations

import json
import typing as t

import pytest

from . import test_open_vswitch
from .conftest import NET4, NET6, Fleet, Host, server
from .host_networks import differences, of_host
from .test_port_filters import Bench

switched = test_open_vswitch.switched  # Open vSwitch on h1 and h2
POOL = {"start": f"{NET4}.9.10", "end": f"{NET4}.9.20"}, {"start": f"{NET6}9:10", "end": f"{NET6}9:20"}
NETWORKS: dict[str, t.Any] = {
    "dual": {
        "bridge": "br-ext",
        "subnets": [
            {"cidr": f"{NET4}.0.0/16", "gateway_ip": f"{NET4}.0.1", "allocation_pools": [POOL[0]]},
            {"cidr": f"{NET6}/64", "gateway_ip": None, "allocation_pools": [POOL[1]]},
        ],
    },
    "five": {"provider:network_type": "vxlan", "provider:segmentation_id": 5, "subnets": [{"cidr": "192.168.55.0/24", "gateway_ip": None}]},
    "red": {"openvswitch": "br-ovs", "vlan": 5, "port_security_enabled": False, "subnets": [{"cidr": "192.168.65.0/24", "gateway_ip": None}]},
}
GROUPS = {"web": {"rules": [{"direction": "ingress", "ethertype": ethertype, "remote_group": "web"} for ethertype in ("IPv4", "IPv6")]}}
VARIABLES: dict[str, t.Any] = {"compute_networks": NETWORKS, "compute_security_groups": GROUPS, "compute_tunnel_address": "{{ ansible_host }}"}
WHERE = {"one": "az1:h1", "two": "az2:h2"}
ASKED = [
    server(name, availability_zone=zone, networks=[{"name": name} for name in NETWORKS], security_groups=[{"name": "web"}]) for name, zone in WHERE.items()
]


def have_filtered(host: Host) -> None:
    """Libvirt leaves the chains that all ports' chains hang on, once it has filtered one."""
    bench = Bench(host)
    bench.remove()
    bench.raise_taps()
    bench.remove()


def seen(fleet: Fleet) -> dict[str, dict[str, t.Any]]:
    return {name: of_host(host) for name, host in fleet.hosts.items()}


@pytest.mark.campaign
def test_hosts_stay_as_they_are_until_somebody_changes_them_and_are_as_before_in_the_end(switched: Fleet) -> None:
    for host in switched.hosts.values():
        have_filtered(host)
    before = seen(switched)
    first = switched.create(*ASKED, **VARIABLES)
    assert first.code == 0, first.output
    once = seen(switched)
    # Whatever is looked at has something of these servers; the hosts have no addresses on their networks.
    assert [kind for kind, items in before["h1"].items() if once["h1"][kind] == items] == ["routes"]
    again = switched.create(*ASKED, **VARIABLES)
    assert (again.code, again.changed()) == (0, 0), again.output
    assert differences(once, seen(switched)) == []
    applied = switched.play("kvmfleet.compute.security_groups", VARIABLES)
    assert (applied.code, applied.changed()) == (0, 0), applied.output
    assert differences(once, seen(switched)) == []
    # While a guest is off somebody takes away what would filter it, and what filters another is flushed.
    h1, h2 = switched.hosts["h1"], switched.hosts["h2"]
    h1.run("virsh", "-q", "destroy", first.server("one")["domain"])
    h1.run("sh", "-c", "for name in $(virsh -q nwfilter-list | awk '{print $2}' | grep ^kvmfleet-port-); do virsh -q nwfilter-undefine $name; done")
    h2.run("sh", "-c", "iptables -F; ip6tables -F; ebtables -t nat -F")
    facts = switched.play("kvmfleet.compute.fleet", {"compute_fleet_file": str(switched.folder / "fleet.json"), **VARIABLES})
    assert facts.code == 0, facts.output
    hosts = json.loads((switched.folder / "fleet.json").read_text())["hosts"]
    gaps = {name: hosts[name]["host_info"]["host"]["networks"]["gaps"] for name in hosts}
    assert gaps["h1"] and gaps["h2"] and not gaps["h3"], gaps
    started = switched.create(*ASKED, **VARIABLES)
    assert started.code == 0, started.output
    assert differences(once, seen(switched)) == []
    gone = switched.play("kvmfleet.compute.delete_server", {"compute_delete_names": list(WHERE), **VARIABLES})
    assert gone.code == 0, gone.output
    assert differences(before, seen(switched)) == []
