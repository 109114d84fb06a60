# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New guests run when their ports are plugged: on bridges with a spanning tree, and on some that break meanwhile."""

from __future__ import annotations

import contextlib
import subprocess
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.integration.conftest import TESTBED, Fleet, Host, server

BRIDGE = "br-plug"
HOOK = "/etc/libvirt/hooks/qemu"
NETWORKS = {"plug": {"bridge": BRIDGE, "subnets": [{"cidr": "192.168.9.0/24"}]}}
OF_LIBVIRT = {"plug": {"libvirt_network": "plug", "subnets": [{"cidr": "192.168.9.0/24"}]}}
XML = f"<network><name>plug</name><bridge name='{BRIDGE}' stp='on' delay='4'/><dns enable='no'/></network>"
SHORT, LONG = 400, 3000  # forward delays, in hundredths of a second
# Tells of the first guest that is let run what the bridge does with its frames then; ends with it, or with its standard input.
WATCHER = f"""
import glob, os, sys, threading, libvirt
def seen(connection, domain, event, detail, opaque):
    if event == libvirt.VIR_DOMAIN_EVENT_RESUMED:
        print(*[open(path).read().strip() for path in glob.glob("/sys/class/net/{BRIDGE}/brif/*/state")], flush=True)
        os._exit(0)
libvirt.virEventRegisterDefaultImpl()
connection = libvirt.open("qemu:///system")
connection.domainEventRegisterAny(None, libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, seen, None)
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
print("listening", flush=True)
while True:
    libvirt.virEventRunDefaultImpl()
"""


def add_bridge(host: Host, forward_delay: int | None) -> None:
    stp = f"stp_state 1 forward_delay {forward_delay}" if forward_delay else ""
    host.run("sh", "-c", f"ip link add {BRIDGE} type bridge {stp} && ip link set {BRIDGE} up")


@pytest.fixture
def plugged(fleet: Fleet) -> t.Iterator[Fleet]:
    """A fleet whose bridges and hooks are as before afterwards."""
    hooks = {host: host.run("cat", HOOK) for host in fleet.hosts.values()}
    yield fleet
    fleet.remove_servers()
    for host, hook in hooks.items():
        host.run("sh", "-c", f'printf %s "$1" > {HOOK}', "sh", hook)
        host.run("sh", "-c", f"virsh -q net-destroy plug; virsh -q net-undefine plug; ip link del {BRIDGE}", check=False)


@contextlib.contextmanager
def watched(host: Host) -> t.Iterator[subprocess.Popen[str]]:
    """Its first line after this one says what the bridge did with the guest's frames when it was let run."""
    argv = [str(TESTBED / "exec"), host.name, "python3", "-c", WATCHER]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as watcher:
        assert watcher.stdout is not None and watcher.stdin is not None
        try:
            assert watcher.stdout.readline() == "listening\n"
            yield watcher
        finally:
            watcher.stdin.close()


def state_at_resume(watcher: subprocess.Popen[str]) -> str:
    assert watcher.stdout is not None
    return watcher.stdout.readline().strip()


def hook(host: Host, when: str, command: str) -> None:
    """Let libvirt run a command on the host when it starts a guest."""
    text = host.run("cat", HOOK).replace("#!/bin/sh\n", f'#!/bin/sh\n[ "$2" != {when} ] || {{\n{command}\n}}\n', 1)
    host.run("sh", "-c", f'printf %s "$1" > {HOOK}', "sh", text)


def meanwhile(command: str) -> str:
    """A command of a hook that does not hold up libvirt: the guest's port is waited for by then, or soon."""
    return f"setsid sh -c '{command}' < /dev/null > /dev/null 2>&1 &"


def asked(**fields: t.Any) -> dict[str, t.Any]:
    return server("web", networks=[{"name": "plug"}], **fields)


@pytest.mark.parametrize("networks", [NETWORKS, pytest.param(OF_LIBVIRT, marks=pytest.mark.campaign)], ids=["bridge", "libvirt network"])
def test_a_guest_runs_once_its_port_forwards(plugged: Fleet, networks: dict[str, t.Any]) -> None:
    first = plugged.hosts["h1"]
    if networks is NETWORKS:
        add_bridge(first, SHORT)
    else:
        first.run("sh", "-c", 'printf %s "$1" > /tmp/plug.xml && virsh -q net-define /tmp/plug.xml && virsh -q net-start plug', "sh", XML)
    with watched(first) as watcher:
        play = plugged.create(asked(availability_zone="az1:h1"), compute_networks=networks)
        assert play.code == 0, play.output
        assert state_at_resume(watcher) == "3"
    assert play.server("web")["warnings"] == []


def test_a_port_that_does_not_forward_in_time_is_told_and_its_guest_runs_where_that_is_not_fatal(plugged: Fleet) -> None:
    add_bridge(plugged.hosts["h1"], LONG)
    variables = {"compute_networks": NETWORKS, "compute_vif_plugging_timeout_s": 1, "compute_vif_plugging_is_fatal": False}
    with watched(plugged.hosts["h1"]) as watcher:
        play = plugged.create(asked(availability_zone="az1:h1"), **variables)
        assert play.code == 0, play.output
        assert state_at_resume(watcher) == "1"
    (said,) = play.server("web")["warnings"]
    assert f"is listening on bridge {BRIDGE}, not forwarding after 1 s; the guest runs all the same" in said
    assert "the guest runs all the same" in play.told()
    # One that was there is not waited for, and what comes by itself is not worth a word.
    plugged.hosts["h1"].run("virsh", "-q", "destroy", play.server("web")["domain"])
    with watched(plugged.hosts["h1"]) as watcher:
        again = plugged.create(asked(availability_zone="az1:h1"), compute_networks=NETWORKS)
        assert state_at_resume(watcher) == "1"
    assert (again.code, again.server("web")["state"], again.server("web")["warnings"]) == (0, "ACTIVE", []), again.output


def test_else_its_build_is_undone_and_tried_elsewhere(plugged: Fleet) -> None:
    hosts = [plugged.hosts["h1"], plugged.hosts["h2"]]
    for host in hosts:
        add_bridge(host, LONG)
    play = plugged.create(asked(), compute_networks=NETWORKS, compute_vif_plugging_timeout_s=1)
    lost = play.server("web")
    assert (play.code, lost["state"]) == (2, "ERROR"), play.output
    assert sorted((attempt["host"], attempt["stage"]) for attempt in lost["attempts"]) == [("h1", "build"), ("h2", "build")]
    assert lost["error"]["error_class"] == "VirtualInterfacePlugException"
    assert f"is listening on bridge {BRIDGE}, not forwarding; waited for 1 s" in lost["error"]["message"]
    for host in hosts:
        assert host.domains("--all") == set() and host.folders() == set() and host.taps(BRIDGE) == set()
        assert not {name for name in host.filters() if name.startswith("kvmfleet-port-")}


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (f"ip link del {BRIDGE}", f"is on no bridge, not on {BRIDGE}"),
        # After that the port forwards.
        (
            f"tap=$(ls /sys/class/net/{BRIDGE}/brif); virsh -q nwfilter-binding-delete $tap;"
            f" ip link set {BRIDGE} type bridge stp_state 0; bridge link set dev $tap state 3",
            "by nothing, not by kvmfleet-port-",
        ),
    ],
    ids=["bridge", "filter"],
)
def test_what_vanishes_after_the_guest_s_start_fails_the_build_at_once_whatever_is_fatal(plugged: Fleet, command: str, reason: str) -> None:
    first = plugged.hosts["h1"]
    add_bridge(first, LONG)
    hook(first, "started", meanwhile(command))
    play = plugged.create(asked(availability_zone="az1:h1"), compute_networks=NETWORKS, compute_vif_plugging_is_fatal=False)
    lost = play.server("web")
    assert (play.code, lost["state"]) == (2, "ERROR"), play.output
    assert lost["error"]["error_class"] == "VirtualInterfacePlugException" and reason in lost["error"]["message"], lost
    assert first.domains("--all") == set() and first.folders() == set()


@pytest.mark.campaign
def test_a_filter_that_the_kernel_refuses_fails_the_build_before_the_guest_runs(plugged: Fleet) -> None:
    first = plugged.hosts["h1"]
    add_bridge(first, None)
    # The rules of its group look into sets of the kernel, which takes no rule without its set.
    hook(first, "prepare", "for name in $(ipset list -name); do ipset destroy $name; done")
    groups = {"default": {"rules": [{"direction": "ingress", "remote_group": "default"}]}}
    play = plugged.create(asked(availability_zone="az1:h1"), compute_networks=NETWORKS, compute_security_groups=groups)
    lost = play.server("web")
    assert (play.code, lost["state"]) == (2, "ERROR"), play.output
    assert lost["error"]["error_class"] == "LibvirtError" and "doesn't exist" in lost["error"]["message"], lost
    assert first.domains("--all") == set() and first.folders() == set() and first.taps(BRIDGE) == set()
