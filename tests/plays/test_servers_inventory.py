# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as its user meets it: ansible-inventory over a fleet file, the fact cache, and hosts that answer what they like."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.plays import local_play
from ansible_collections.kvmfleet.compute.tests.unit import make

TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'echo run >> ran') }}"


def record(name: str, uuid: str, address: str, **changes: t.Any) -> dict[str, t.Any]:
    ports = [make.port(fixed_ips=[make.fixed_ip(ip_address=address)])]
    return {**make.fleet_record(make.web(**{"uuid": uuid, "display_name": name, "ports": ports, **changes}))}


def answer(*records: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"host": {"vcpus": 8, "memory_mb": 8192, "disk_gb": 100, "instances": list(records)}}


WEB = record("web", "u1", "192.0.2.5", tags=["ci"], metadata={"role": "front"}, availability_zone="az1")
FLEET = {"version": 1, "hosts": {"h1": {"host_info": answer(WEB, record("db", "u2", "192.0.2.6", availability_zone="az1"))}}}


def inventory_of(done: subprocess.CompletedProcess[str]) -> dict[str, t.Any]:
    """What ansible-inventory --list has said; it writes {"__ansible_unsafe": text} for a text that is never run as a template."""
    found: dict[str, t.Any] = json.loads(done.stdout, object_hook=lambda item: item.get("__ansible_unsafe", item))
    return found


def is_said(sentence: str, done: subprocess.CompletedProcess[str]) -> bool:
    """True if a warning has the sentence: ansible-core folds them, the older ones at hyphens too."""
    return "".join(sentence.split()) in "".join(done.stderr.split())


class Inventory:
    """A folder with a configuration of the plugin, and what ansible-inventory says of it."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.before: list[str] = []  # sources that are read before

    def write(self, **options: t.Any) -> None:
        (self.folder / "servers.kvmfleet.yml").write_text(json.dumps({"plugin": "kvmfleet.compute.servers", **options}))

    def fleet(self, document: object) -> None:
        (self.folder / "fleet.json").write_text(json.dumps(document))

    def run(self, *arguments: str, cli: str = "inventory", **environment: str) -> subprocess.CompletedProcess[str]:
        sources = [option for source in (*self.before, "servers.kvmfleet.yml") for option in ("-i", source)]
        command = [sys.executable, "-m", "ansible", cli, *sources, *arguments]
        env = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(local_play.COLLECTIONS),
            "ANSIBLE_LOCAL_TEMP": str(self.folder / "local"),
            "ANSIBLE_REMOTE_TEMP": str(self.folder / "remote"),
            "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1",
            "ANSIBLE_NOCOLOR": "1",
            "COLUMNS": "4000",
            **environment,
        }
        return subprocess.run(command, capture_output=True, text=True, check=False, env=env, cwd=self.folder, stdin=subprocess.DEVNULL)

    def listed(self, **environment: str) -> dict[str, t.Any]:
        done = self.run("--list", **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return inventory_of(done)


@pytest.fixture
def inventory(tmp_path: pathlib.Path) -> Inventory:
    return Inventory(tmp_path)


def test_the_graph_of_a_fleet_file(inventory: Inventory) -> None:
    inventory.fleet(FLEET)
    inventory.write(fleet_file="fleet.json")
    done = inventory.run("--graph")
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        "@all:\n  |--@ungrouped:\n"
        "  |--@kvmfleet_servers:\n  |  |--db\n  |  |--web\n"
        "  |--@kvmfleet_project_p:\n  |  |--db\n  |  |--web\n"
        "  |--@kvmfleet_host_h1:\n  |  |--db\n  |  |--web\n"
        "  |--@kvmfleet_zone_az1:\n  |  |--db\n  |  |--web\n"
        "  |--@kvmfleet_tag_ci:\n  |  |--web\n"
        "  |--@kvmfleet_metadata_role_front:\n  |  |--web\n"
    )
    variables = inventory.listed()["_meta"]["hostvars"]["web"]
    assert (variables["ansible_host"], variables["kvmfleet_id"], variables["kvmfleet_host"]) == ("192.0.2.5", "u1", "h1")
    assert variables["kvmfleet_addresses"] == {"lan": [{"version": 4, "addr": "192.0.2.5", "mac_addr": "fa:16:3e:00:00:01"}]}


def test_variables_and_groups_of_one_s_own(inventory: Inventory) -> None:
    inventory.fleet(FLEET)
    own = {
        "compose": {"ansible_user": "'debian' if kvmfleet_image is match('debian') else 'root'"},
        "groups": {"front": "kvmfleet_metadata.role | default('') == 'front'"},
        "keyed_groups": [{"key": "kvmfleet_flavor", "prefix": "flavor"}],
    }
    inventory.write(fleet_file="fleet.json", prefix="vm-", **own)
    found = inventory.listed()
    assert found["_meta"]["hostvars"]["vm-web"]["ansible_user"] == "debian"
    assert (found["front"]["hosts"], found["flavor_small"]["hosts"]) == (["vm-web"], ["vm-db", "vm-web"])
    inventory.write(fleet_file="fleet.json", strict=True, compose={"wrong": "no_such_variable.at_all"})
    done = inventory.run("--list")
    assert done.returncode != 0 and "Could not set wrong" in done.stderr


def test_what_a_host_says_is_never_a_template(inventory: Inventory) -> None:
    evil = record(TEMPLATE, "u9", "192.0.2.9", tags=[TEMPLATE], metadata={TEMPLATE: TEMPLATE, "role": TEMPLATE}, project_id=TEMPLATE, reservation_id=TEMPLATE)
    inventory.fleet({"version": 1, "hosts": {"h1": {"host_info": answer(evil)}}})
    inventory.write(fleet_file="fleet.json", compose={"composed": "kvmfleet_metadata.role"}, keyed_groups=[{"key": "kvmfleet_tags", "prefix": "t"}])
    found = inventory.listed()
    ((name, variables),) = found["_meta"]["hostvars"].items()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz_.-")
    assert TEMPLATE in json.dumps(variables["kvmfleet_tags"])
    (inventory.folder / "play.yml").write_text(
        json.dumps(
            [
                {
                    "hosts": "all",
                    "connection": "local",
                    "gather_facts": False,
                    "tasks": [{"ansible.builtin.debug": {"msg": "{{ [kvmfleet_tags, kvmfleet_metadata, kvmfleet_project, composed] }}"}}],
                }
            ]
        )
    )
    done = inventory.run("play.yml", cli="playbook")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lookup(" in done.stdout
    assert not (inventory.folder / "ran").exists()


def test_what_the_inventory_has_is_not_taken(inventory: Inventory) -> None:
    static = {"all": {"hosts": {"web": {"ansible_host": "198.51.100.1"}, "kept": {"kvmfleet_id": "u2", "ansible_host": "198.51.100.2"}}}}
    (inventory.folder / "static.yml").write_text(json.dumps(static))
    inventory.before = ["static.yml"]
    inventory.fleet({"version": 1, "hosts": {"h1": {"host_info": answer(WEB, record("kept", "u2", "192.0.2.6"))}}})
    inventory.write(fleet_file="fleet.json")
    done = inventory.run("--list")
    found = inventory_of(done)
    of_hosts = found["_meta"]["hostvars"]
    assert of_hosts["web"] == {"ansible_host": "198.51.100.1"}
    assert of_hosts["p_web"]["ansible_host"] == "192.0.2.5"
    assert of_hosts["kept"] == {"ansible_host": "198.51.100.2", "kvmfleet_id": "u2"}
    assert sorted(found["kvmfleet_servers"]["hosts"]) == ["kept", "p_web"]
    assert is_said("is p_web in the inventory: web is a host of the inventory that is not this server", done)


def test_a_host_that_could_not_be_read_fails_or_is_left_out_aloud(inventory: Inventory) -> None:
    lost = {"host_info": {"unreachable": True, "msg": "no route to host"}}
    inventory.fleet({"version": 1, "hosts": {**FLEET["hosts"], "h2": lost, "h3": {"host_info": {"host": {"vcpus": "many"}}}}})
    inventory.write(fleet_file="fleet.json")
    done = inventory.run("--list")
    assert done.returncode != 0
    assert is_said("host h2: no route to host; unreachable_hosts: ignore leaves its servers out", done)
    assert "Traceback" not in done.stderr
    inventory.write(fleet_file="fleet.json", unreachable_hosts="ignore")
    done = inventory.run("--list")
    assert sorted(inventory_of(done)["_meta"]["hostvars"]) == ["db", "web"]
    assert is_said("host h2: no route to host; its servers are left out", done)
    assert is_said("host h3: facts of host h3:", done)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({}, "fleet_file: source fleet_file needs a file"),
        ({"fleet_file": "none.json"}, "none.json: No such file"),
        ({"source": "hosts"}, "inventory: source hosts needs the inventories"),
        ({"source": "fact_cache"}, "has no kvmfleet_host_info; ansible-playbook kvmfleet.compute.fleet puts it there"),
        ({"source": "here"}, "here"),
    ],
)
def test_what_is_wrong_is_one_sentence(inventory: Inventory, options: dict[str, t.Any], sentence: str) -> None:
    inventory.write(**options)
    done = inventory.run("--list")
    assert done.returncode != 0
    assert is_said(sentence, done) and "Traceback" not in done.stderr


def test_servers_behind_their_hypervisor(inventory: Inventory) -> None:
    (inventory.folder / "hosts.yml").write_text(
        json.dumps({"hypervisors": {"hosts": {"h1": {"ansible_host": "198.51.100.1"}}, "vars": {"ansible_user": "ops"}}})
    )
    inventory.before = ["hosts.yml"]
    inventory.fleet(FLEET)
    inventory.write(fleet_file="fleet.json", login_via="hypervisor")
    task = {"ansible.builtin.debug": {"var": "ansible_ssh_common_args"}}
    (inventory.folder / "play.yml").write_text(json.dumps([{"hosts": "web", "gather_facts": False, "connection": "local", "tasks": [task]}]))
    done = inventory.run("play.yml", cli="playbook")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[%h]:%p" in done.stdout and "-l ops 198.51.100.1" in done.stdout


def local_hosts(folder: pathlib.Path, **answers: object) -> str:
    """An inventory of hypervisors that give these answers."""
    hosts = {name: {"ansible_connection": "local", "ansible_python_interpreter": local_play.interpreter(folder, name, said)} for name, said in answers.items()}
    path = folder / f"{'_'.join(answers)}.yml"
    path.write_text(json.dumps({"hypervisors": {"hosts": hosts}}))
    return path.name


def test_the_fact_cache(inventory: Inventory) -> None:
    environment = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": "facts", "ANSIBLE_CACHE_PLUGIN_PREFIX": "mine_"}
    both = local_hosts(inventory.folder, h1=answer(WEB), gone=answer(record("old", "u7", "192.0.2.7")))
    inventory.write(source="fact_cache")
    inventory.before = [both]
    done = inventory.run("kvmfleet.compute.fleet", cli="playbook", KVMFLEET_INVENTORY_IS_READING="1", **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    inventory.before = []
    assert sorted(inventory.listed(**environment)["kvmfleet_servers"]["hosts"]) == ["old", "web"]
    # Of a host that has left the fleet the cache still has facts.
    inventory.before = [local_hosts(inventory.folder, h1={})]
    assert inventory.listed(**environment)["kvmfleet_servers"]["hosts"] == ["web"]


def test_hosts_are_read_by_ansible_and_the_answer_is_cached(inventory: Inventory) -> None:
    hosts = local_hosts(inventory.folder, h1=answer(WEB))
    cached = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": "kept"}
    # With the whole folder as the hypervisors' inventory the process that reads them meets this file again, and adds nothing.
    inventory.write(source="hosts", inventory=[hosts, "servers.kvmfleet.yml"], **cached)
    for _look in range(2):
        assert inventory.listed()["_meta"]["hostvars"]["web"]["ansible_host"] == "192.0.2.5"
    assert local_play.modules(inventory.folder, "h1") == ["AnsiballZ_host_info.py"]
    inventory.write(source="hosts", inventory=[hosts], cache=False)
    inventory.listed()
    assert len(local_play.modules(inventory.folder, "h1")) == 2


def test_hosts_that_ansible_can_not_read_are_its_own_words(inventory: Inventory) -> None:
    inventory.write(source="hosts", inventory=["nowhere.yml"])
    done = inventory.run("--list")
    assert done.returncode != 0
    assert is_said("the hosts could not be read: ansible-playbook kvmfleet.compute.fleet ended with", done)
