# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests of a user without rights, in the user's own libvirt (qemu:///session): by slirp with the testbed's libvirt, by passt with that of the next Debian."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.integration.conftest import NET4, STATE, Fleet, Play, server

HERE = pathlib.Path(__file__).parent
HOST, ADDRESS = "h2", f"{NET4}.0.12"
OPTIONS = "-o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR"
OPEN = {"port_security_enabled": False, "mtu": 1500}
VARIABLES: dict[str, t.Any] = {
    "compute_networks": {
        "slirp": {"user": "slirp", "subnets": [{"cidr": "198.51.100.0/24", "gateway_ip": "198.51.100.2", "dns_nameservers": ["198.51.100.3"]}], **OPEN},
        "passt": {"user": "passt", "subnets": [{"cidr": "198.51.100.0/24", "gateway_ip": "198.51.100.1"}], **OPEN},
    },
    "compute_hosts": "laptops",
}


class Laptops(t.NamedTuple):
    """Plays over hosts of a user without rights."""

    fleet: Fleet
    inventory: pathlib.Path

    def play(self, playbook: str, options: tuple[str, ...] = (), **variables: t.Any) -> Play:
        return self.fleet.play(playbook, {**VARIABLES, **variables}, "-i", str(self.inventory), *options)

    def create(self, *servers: dict[str, t.Any], **variables: t.Any) -> Play:
        return self.play("kvmfleet.compute.create_server", compute_servers=list(servers), **variables)

    def ops(self, command: str) -> str:
        """Run by the user there, in the testbed's own system."""
        return self.fleet.hosts[HOST].run("su", "ops", "-c", f"cd; {command}")


@pytest.fixture
def laptops(fleet: Fleet) -> t.Iterator[Laptops]:
    """The user ops on h2, who does not say sudo; without the folders and guests of an earlier test."""
    host = {
        "ansible_host": ADDRESS,
        "ansible_user": "ops",
        "ansible_become": False,
        "ansible_ssh_private_key_file": str(STATE / "ssh" / "id"),
        "ansible_ssh_common_args": OPTIONS,
        "ansible_python_interpreter": "/usr/bin/python3",
        "compute_virt_type": "qemu",
        "compute_libvirt_uri": "qemu:///session",
        "compute_instances_path": "~/.local/share/kvmfleet/instances",
        "compute_image_cache_path": "~/.local/share/kvmfleet/images",
        "compute_state_path": "~/.local/state/kvmfleet",
    }
    inventory = fleet.folder / "inventory"
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "hosts.yml").write_text(json.dumps({"laptops": {"hosts": {"old": {}}, "vars": host}}))
    (inventory / "group_vars" / "all.yml").write_text((STATE / "inventory" / "group_vars" / "all.yml").read_text())
    made = Laptops(fleet, inventory)
    yield made
    made.ops(
        "for d in $(virsh -q -c qemu:///session list --name); do virsh -q -c qemu:///session destroy $d; done;"
        " for d in $(virsh -q -c qemu:///session list --all --name); do virsh -q -c qemu:///session undefine $d; done; rm -rf .local"
    )


def test_a_user_without_rights_builds_and_deletes_in_his_own_libvirt(laptops: Laptops) -> None:
    only_slirp = {"slirp": VARIABLES["compute_networks"]["slirp"]}
    ready = laptops.play("kvmfleet.compute.prepare_host", compute_networks=only_slirp)
    assert ready.code == 0, ready.output
    asked = server("mine", networks=[{"name": "slirp"}])
    made = laptops.create(asked)
    assert made.code == 0, made.output
    uuid = made.server("mine")["id"]
    (address,) = made.server("mine")["addresses"]["slirp"]
    assert address["ssh_port"] is None
    assert laptops.ops("virsh -q -c qemu:///session list --name").split() == [made.server("mine")["domain"]]
    assert "mine" not in laptops.fleet.hosts[HOST].run("virsh", "-q", "list", "--all", "--name")
    console = laptops.ops(f"timeout 200 tail -n +1 -f .local/share/kvmfleet/instances/{uuid}/console.log | grep -m 1 ready")
    assert f"hostname=mine addresses={address['addr']}" in console
    again = laptops.create(asked)
    assert (again.code, again.changed(), again.server("mine")["drift"]) == (0, 0, []), again.output
    gone = laptops.play("kvmfleet.compute.delete_server", compute_delete_names=["mine"])
    assert gone.code == 0, gone.output
    left = "find .local/share/kvmfleet/instances .local/state/kvmfleet/journal -mindepth 1"
    assert laptops.ops(f"virsh -q -c qemu:///session list --all --name; {left}").split() == []


@pytest.mark.campaign
def test_who_asks_for_a_login_gets_no_server_without_one(laptops: Laptops) -> None:
    unready = laptops.play("kvmfleet.compute.prepare_host")
    assert "is not ready. the host's libvirt does not name passt in its domain capabilities, which network passt needs" in unready.told(), unready.output
    refused = laptops.create(server("mine", networks=[{"name": "passt"}]))
    assert refused.code != 0 and "libvirt does not name passt in its domain capabilities" in refused.told(), refused.output


@pytest.fixture
def newer(laptops: Laptops) -> t.Iterator[Laptops]:
    """The next Debian there, too, with a way out of the testbed: passt wants one."""
    (laptops.inventory / "newer.yml").write_text(json.dumps({"laptops": {"hosts": {"new": {"ansible_port": 2222}}}}))
    laptops.fleet.testbed("newer", "start", HOST)
    laptops.fleet.hosts[HOST].run("ip", "route", "replace", "default", "via", f"{NET4}.0.1")
    yield laptops
    laptops.fleet.hosts[HOST].run("ip", "route", "del", "default")
    laptops.fleet.testbed("newer", "stop", HOST)


LOGIN = {"compute_login_user": "root", "compute_login_private_key_file": str(STATE / "ssh" / "id"), "compute_wait_for": "ssh", "compute_wait_timeout_s": 500}


@pytest.mark.campaign
def test_each_guest_by_passt_has_a_port_of_its_host_by_which_plays_log_in(newer: Laptops) -> None:
    asked = server("mine", networks=[{"name": "passt"}], min_count=2)
    play = newer.play(str(HERE / "next_play_by_port.yml"), compute_servers=[asked], **LOGIN)
    assert play.code == 0, play.output
    assert [play.server(f"mine-{number}")["host"] for number in (1, 2)] == ["new", "new"]
    ports = {name: play.server(name)["addresses"]["passt"][0]["ssh_port"] for name in ("mine-1", "mine-2")}
    assert len(set(ports.values())) == 2 and all(20000 <= port <= 29999 for port in ports.values())
    for name in ports:
        assert f"{name} answers as {name}" in play.output
    again = newer.play(str(HERE / "next_play_by_port.yml"), compute_servers=[asked], **LOGIN)
    assert (again.code, again.changed()) == (0, 0), again.output
    assert "mine-2 answers as mine-2" in again.output
    # Tomorrow, from what the hypervisors say.
    (newer.inventory / "zz.kvmfleet.yml").write_text(
        json.dumps({"plugin": "kvmfleet.compute.servers", "source": "hosts", "inventory": ["hosts.yml", "newer.yml"], "hosts": "laptops"})
    )
    extra = {"ansible_user": "root", "ansible_ssh_private_key_file": str(STATE / "ssh" / "id")}
    (newer.inventory / "group_vars" / "kvmfleet_servers.yml").write_text(json.dumps(extra))
    tomorrow = newer.play(str(HERE / "ask_servers.yml"))
    assert tomorrow.code == 0, tomorrow.output
    for name in ports:
        assert f"{name} answers as {name}" in tomorrow.output
    gone = newer.play("kvmfleet.compute.delete_server", compute_delete_names=list(ports))
    assert gone.code == 0, gone.output
    assert newer.fleet.hosts[HOST].run("sh", "-c", "ss -Htln | grep -c 127.0.0.1:2[0-9][0-9][0-9][0-9] || true").strip() == "0"
