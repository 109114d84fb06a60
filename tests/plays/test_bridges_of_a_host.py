# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""prepare_host's bridges on this machine's kernel, in a network namespace and with an /etc/network of their own; only the manager's own commands are stubs."""

from __future__ import annotations

import json
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

from ansible_collections.kvmfleet.compute.tests.plays import local_play

NAMESPACES = ("unshare", "--map-root-user", "--net", "--mount", "sh", "-uc")
CAN = subprocess.run([*NAMESPACES, "ip link add name x type bridge && mount --bind /tmp /etc/network"], capture_output=True, check=False).returncode == 0
pytestmark = pytest.mark.skipif(not CAN, reason="this machine makes no bridge in namespaces of its own, or has no /etc/network")
ETC = "network/interfaces.d/kvmfleet-br-int"


def play(folder: pathlib.Path, script: str, addresses: list[str]) -> str:
    """What a script says in which ``"$@"`` runs the role's part; links.json is what the kernel has at its end."""
    (folder / "network" / "interfaces.d").mkdir(parents=True)
    (folder / "network" / "interfaces").write_text("source /etc/network/interfaces.d/*\n")
    commands = folder / "commands"
    commands.mkdir()
    for name, says in (("ifup", ""), ("systemctl", "echo inactive; echo inactive; exit 3")):
        (commands / name).write_text(f"#!/bin/sh\n{says}\n")
        (commands / name).chmod(0o755)
    host = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, "compute_host_bridges": [{"name": "br-int", "addresses": addresses}]}
    (folder / "inventory.yml").write_text(json.dumps({"all": {"hosts": {"h1": host}}}))
    tasks = [{"ansible.builtin.import_role": {"name": "kvmfleet.compute.prepare_host", "tasks_from": "bridges"}}]
    (folder / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    here = shlex.quote(str(folder))
    card = "ip link add name eno1 type veth peer name far && ip address add 192.0.2.11/24 dev eno1"
    before = f"mount --bind {here}/network /etc/network && PATH={here}/commands:$PATH && {card}"
    after = f"ip -json -details address show > {here}/links.json"
    done = local_play.ansible_playbook(folder, "-i", "inventory.yml", "play.yml", within=[*NAMESPACES, f"{before} || exit 9\n{script}\n{after}", "sh"])
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def links(folder: pathlib.Path) -> dict[str, list[str]]:
    """The addresses that were given, by interface."""
    shown = json.loads((folder / "links.json").read_text())
    return {link["ifname"]: [ip["local"] for ip in link["addr_info"] if ip["scope"] == "global"] for link in shown if link["ifname"] not in ("lo", "far")}


def test_a_bridge_is_made_once_and_nothing_in_check_mode(tmp_path: pathlib.Path) -> None:
    output = play(tmp_path, '"$@" --check; ls /etc/network/interfaces.d; ip -brief link show dev br-int; "$@"; "$@"', ["198.51.100.1/24"])
    assert re.findall(r"changed=(\d+) .*failed=(\d+)", output) == [("1", "0"), ("2", "0"), ("0", "0")]
    # What check mode would have left stands between its recap and the next play.
    assert "kvmfleet-br-int" not in output.split("PLAY RECAP")[1].split("PLAY [")[0]
    assert links(tmp_path) == {"eno1": ["192.0.2.11"], "br-int": ["198.51.100.1"]}
    assert "address replace 198.51.100.1/24 dev br-int" in (tmp_path / ETC).read_text()


def test_an_address_of_the_host_s_own_network_is_refused_and_nothing_done(tmp_path: pathlib.Path) -> None:
    output = play(tmp_path, '"$@" || true', ["192.0.2.1/24"])
    assert "h1: 192.0.2.1/24 of bridge br-int overlaps with eno1" in " ".join(output.split())
    assert links(tmp_path) == {"eno1": ["192.0.2.11"]}
    assert not (tmp_path / ETC).exists()
