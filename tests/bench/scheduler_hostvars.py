# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times the plugins in a real play that plans from the fact cache: hostvars, templating and workers included. No host is touched."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import scheduler_fleet as fleet

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / ".build" / "collections"))
from ansible_collections.kvmfleet.compute.tests.unit import make  # noqa: E402 (it is where the line before says)

NETWORK = {"bridge": "br0", "subnets": [{"cidr": "10.0.0.0/8"}]}
VARIABLES = {
    "compute_use_cached_facts": True,
    "compute_flavors": {"bench": {key: value for key, value in fleet.FLAVOR.items() if key != "name"}},
    "compute_images": {"bench": {"source": "/srv/bench.qcow2", "checksum": "sha256:" + 64 * "0", "disk_format": "qcow2"}},
    "compute_networks": {"lan": NETWORK},
    "compute_security_groups": {"default": {}},
    "compute_quotas": {"instances": -1, "cores": -1, "ram": -1},
}
PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.import_role:
        name: kvmfleet.compute.create_server
        tasks_from: plan
    - ansible.builtin.debug:
        msg: "seconds: {{ __create_server_api.seconds }} {{ __create_server_schedule.seconds }} servers: {{ report | length }}"
      vars:
        report: "{{ lookup('ansible.builtin.file', __create_server_conducted.report.run_file) | from_json }}"
      run_once: true
"""


def record(host: fleet.Data, number: int, uuid: str) -> fleet.Data:
    """An instance as its host reports it, as long as a real one."""
    name = f"old-{host['name']}-{number}"
    address = f"10.{int(host['name'][3:]) // 250}.{int(host['name'][3:]) % 250}.{number + 1}"
    port = make.port(id=uuid, device=f"tap{uuid[:11]}", mac_address=f"52:54:00:{uuid[0:2]}:{uuid[2:4]}:{uuid[4:6]}")
    port["fixed_ips"] = [make.fixed_ip(ip_address=address, cidr="10.0.0.0/8")]
    of = make.instance(name, uuid=uuid, display_description=name, project_id="default", ports=[port], metadata={"role": "web", "stage": "production"})
    of["disks"] = [make.root_disk(), make.config_disk()]
    joined = make.fleet_record(of)
    return {key: value for key, value in joined.items() if key not in ("host", "live", "gone")}


def host_info(host: fleet.Data) -> fleet.Data:
    """What host_info would return for a host."""
    instances = [record(host, number, instance["uuid"]) for number, instance in enumerate(host["instances"])]
    domains = [
        {
            "name": item["domain_name"],
            "uuid": item["uuid"],
            "power_state": "running",
            "vcpus": 1,
            "memory_mb": 512,
            "disk_gb": 2,
            "foreign": False,
            "mac_addresses": [port["mac_address"] for port in item["ports"]],
        }
        for item in instances
    ]
    networks = {"bridges": [{"name": "br0", "up": True, "mtu": 1500}], "libvirt": []}
    facts = {key: value for key, value in host.items() if key != "name"}
    facts |= {"version": 1, "node": host["name"], "instances": instances, "domains": domains, "networks": networks, "num_instances": len(instances)}
    facts |= {"traits": [f"HW_CPU_X86_{number}" for number in range(40)], "cpu_info": {"features": [f"feature-{number}" for number in range(80)]}}
    facts |= {"numa_cells": None, "pci_pools": [], "arch": "x86_64", "libvirt_version": 10000000, "virt_types": ["kvm", "qemu"], "images": []}
    return {"changed": False, "failed": False, "host": facts}


def fill_cache(facts: list[fleet.Data]) -> None:
    """Put the facts into the fact cache as a run of playbooks/fleet.yml would; the environment says where it is."""
    from ansible.plugins.loader import cache_loader

    cache = cache_loader.get("jsonfile")
    for host in facts:
        cache.set(host["name"], {"kvmfleet_host_info": json.dumps(host_info(host))})


def run(number: int, batch: int) -> fleet.Data:
    """{hosts, batch, what the two plugins took, what the whole command took}."""
    facts = fleet.hosts(number)
    for key in [key for key in os.environ if key.startswith("ANSIBLE_")]:
        del os.environ[key]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        os.environ.update(ANSIBLE_CACHE_PLUGIN="jsonfile", ANSIBLE_CACHE_PLUGIN_CONNECTION=f"{folder}/cache", ANSIBLE_CACHE_PLUGIN_TIMEOUT="0")
        os.environ.update(ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".build" / "collections"), ANSIBLE_NOCOLOR="1")
        fill_cache(facts)
        members = {host["name"]: {"compute_availability_zone": fleet.zone(index)} for index, host in enumerate(facts)}
        (folder / "inventory.json").write_text(json.dumps({"all": {"hosts": members, "vars": VARIABLES}}))
        (folder / "play.yml").write_text(PLAY)
        asked = {"name": "bench", "flavor": "bench", "image": "bench", "networks": [{"name": "lan"}], "min_count": batch}
        (folder / "asked.json").write_text(json.dumps({"compute_servers": [asked]}))
        program = [str(ROOT / ".venv" / "bin" / "python"), "-m", "ansible", "playbook", "-i", "inventory.json", "-e", "@asked.json", "play.yml"]
        begin = time.perf_counter()
        done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
        wall = time.perf_counter() - begin
    found = re.search(r"seconds: (\S+) (\S+) servers: (\d+)", done.stdout)
    if done.returncode or not found or int(found[3]) != batch:
        shown = done.stdout.partition("PLAY RECAP")[0]
        sys.exit(f"the plan failed:\n{shown[-4000:]}{done.stderr[-4000:]}")
    return {"hosts": number, "batch": batch, "validate_s": float(found[1]), "schedule_s": float(found[2]), "wall_s": round(wall, 2)}


def best(rows: list[fleet.Data]) -> float:
    """The shortest time that validation and scheduling together have taken, in seconds."""
    return min(float(row["validate_s"]) + float(row["schedule_s"]) for row in rows)


def against(before: pathlib.Path, number: int, batch: int, times: int = 3) -> fleet.Data:
    """This work tree against another one of the project, by turns, as other work on the machine slows both; the best of each, and their ratio."""
    rows: dict[pathlib.Path, list[fleet.Data]] = {before: [], ROOT: []}
    for _turn in range(times):
        for root, done in rows.items():
            program = [str(root / ".venv" / "bin" / "python"), str(root / "tests" / "bench" / "scheduler_hostvars.py"), str(number), str(batch)]
            done.append(json.loads(subprocess.run(program, capture_output=True, text=True, check=True).stdout))
    found = {"before_s": round(best(rows[before]), 3), "after_s": round(best(rows[ROOT]), 3)}
    return {"hosts": number, "batch": batch, **found, "ratio": round(best(rows[ROOT]) / best(rows[before]), 3)}


if __name__ == "__main__":
    print(json.dumps(run(*fleet.arguments())))
