"""Servers that are there, in a later run: as an inventory to log in by, as a table, with their consoles; and the end of their time."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess

import pytest

from .conftest import NET4, ROOT, STATE, Fleet, server

UNKNOWN_KEYS = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o ConnectTimeout=60"


def afterwards(fleet: Fleet, tool: str, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    """Run a tool of Ansible with the servers that the hypervisors have, and with nothing else, as inventory."""
    config = fleet.folder / "servers.kvmfleet.yml"
    hosts = os.path.relpath(STATE / "inventory" / "hosts.yml", fleet.folder)
    config.write_text(json.dumps({"plugin": "kvmfleet.compute.servers", "source": "hosts", "inventory": [hosts], **options}))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(STATE / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
    }
    command = [str(ROOT / ".venv" / "bin" / tool), "-i", str(config), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300, cwd=pathlib.Path("/"))


@pytest.mark.campaign
def test_one_logs_in_tomorrow(fleet: Fleet) -> None:
    made = fleet.create(
        server("web", min_count=2, tags=["ci"], metadata={"role": "front"}, availability_zone="az1:h1"),
        server("db", availability_zone="az2:h2"),
        compute_wait_for="ssh",
    )
    assert made.code == 0, made.output
    graph = afterwards(fleet, "ansible-inventory", "--graph")
    assert graph.returncode == 0, graph.stderr
    assert "  |--@kvmfleet_host_h1:\n  |  |--web-1\n  |  |--web-2\n" in graph.stdout
    assert "  |--@kvmfleet_zone_az2:\n  |  |--db\n" in graph.stdout
    assert "  |--@kvmfleet_metadata_role_front:\n  |  |--web-1\n  |  |--web-2\n" in graph.stdout
    login = {"ansible_user": "'root'", "ansible_ssh_common_args": f"'{UNKNOWN_KEYS}'"}
    login["ansible_ssh_private_key_file"] = f"'{STATE / 'ssh' / 'id'}'"
    done = afterwards(fleet, "ansible", "kvmfleet_servers", "-m", "ansible.builtin.raw", "-a", "hostname", compose=login)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("web-1", "web-2", "db"):
        assert f"{name} | CHANGED | rc=0 >>\n{name}" in done.stdout.replace("\r", "")
    listed = fleet.play("kvmfleet.compute.list", {})
    assert listed.code == 0, listed.output
    for line in ("project default: 3 servers", *(f"  {name}  " for name in ("db   ", "web-1", "web-2"))):
        assert line in listed.output
    assert all(address["addr"] in listed.output for item in made.result["servers"] for of in item["addresses"].values() for address in of)
    console = fleet.play("kvmfleet.compute.server_console", {"compute_console_name": "web-2", "compute_console_lines": 3})
    assert console.code == 0, console.output
    assert "kvmfleet-micro ready hostname=web-2" in console.output


@pytest.mark.campaign
def test_one_logs_in_through_the_hypervisor(fleet: Fleet) -> None:
    play = fleet.play(
        str(pathlib.Path(__file__).with_name("behind.yml")),
        {
            "compute_servers": [server("behind", availability_zone="az1:h1")],
            "compute_wait_for": "ssh",
            "compute_login_via": "hypervisor",
            "compute_login_user": "root",
            "compute_login_private_key_file": str(STATE / "ssh" / "id"),
        },
    )
    assert play.code == 0, play.output
    # Whom the guest sees: the address of h1, and not the controller's.
    assert f"behind is logged in to from {NET4}.0.11" in play.output
    login = {"ansible_user": "'root'", "ansible_ssh_private_key_file": f"'{STATE / 'ssh' / 'id'}'", "ansible_ssh_extra_args": f"'{UNKNOWN_KEYS}'"}
    arguments = ("-i", str(STATE / "inventory" / "hosts.yml"), "behind", "-m", "ansible.builtin.raw", "-a", "echo from $SSH_CONNECTION")
    done = afterwards(fleet, "ansible", *arguments, compose=login, login_via="hypervisor")
    assert done.returncode == 0 and f"from {NET4}.0.11 " in done.stdout, done.stdout + done.stderr


@pytest.mark.campaign
def test_the_reaper_takes_whose_time_has_passed(fleet: Fleet) -> None:
    # Each host of the testbed has its own clock: that of h3 is two hours ahead.
    brief = [server("over", availability_zone="az1:h1"), server("skewed", availability_zone="az1:h3")]
    made = fleet.create(*brief, compute_ttl="1", compute_owner="ci", compute_job="4711")
    assert made.code == 0, made.output
    lasting = fleet.create(server("fresh", availability_zone="az1:h1"), compute_ttl="3h", compute_job="4711")
    forever = fleet.create(server("forever", availability_zone="az1:h1"))
    assert (lasting.code, forever.code) == (0, 0), lasting.output + forever.output
    there = {name: host.domains("--all") for name, host in fleet.hosts.items()}

    def reap(**variables: object) -> str:
        play = fleet.play("kvmfleet.compute.reap", dict(variables))
        # Of the server on h3 nobody can say whether its time has passed.
        assert (play.code != 0) == ("skewed" in play.output), play.output
        return play.output

    assert "would be deleted: over (" in reap()
    assert {name: host.domains("--all") for name, host in fleet.hosts.items()} == there
    assert reap(reap_apply=True, reap_job="another").count("Nothing is due") == 3
    assert reap(reap_apply=True, reap_older_than="1d", reap_owner="ci").count("Nothing is due") == 3
    assert {name: host.domains("--all") for name, host in fleet.hosts.items()} == there
    output = reap(reap_apply=True, reap_owner="ci", reap_job="4711")
    assert "deleted: over (" in output and "skipped: skewed (" in output and "s from the controller's" in output
    assert fleet.hosts["h1"].domains("--all") == there["h1"] - {made.server("over")["domain"]}
    assert fleet.hosts["h3"].domains("--all") == there["h3"]
    assert made.server("over")["id"] not in fleet.hosts["h1"].folders()
