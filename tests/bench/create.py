"""Times the create_server playbook, the same guests by bare libvirt calls on the hosts (the floor), and a loop of community.libvirt tasks."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import typing as t

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATE = pathlib.Path(os.environ.get("KVMFLEET_TESTBED", f"/var/lib/kvmfleet-testbed{os.environ.get('KVMFLEET_TESTBED_NUMBER', '0').lstrip('0')}"))
EXEC = str(ROOT / "tests" / "testbed" / "exec")
INSTANCES = "/var/lib/libvirt/kvmfleet/instances"
ENVIRONMENT = {
    **os.environ,
    "ANSIBLE_CONFIG": str(STATE / "ansible.cfg"),
    "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"),
    "ANSIBLE_NOCOLOR": "1",
}
WIPE = (
    "for d in $(virsh -q list --all --name); do virsh -q destroy $d; virsh -q undefine --nvram $d; done >/dev/null 2>&1;"
    f"rm -rf {INSTANCES}/* /var/lib/kvmfleet/journal /var/lib/kvmfleet/locks; true"
)


def hosts() -> list[str]:
    """The hypervisors of the testbed."""
    return sorted(path.name for path in (STATE / "hosts").iterdir())


def wipe() -> None:
    """No guest anywhere."""
    for host in hosts():
        subprocess.run([EXEC, host, "sh", "-c", WIPE], check=True)


def playbook(name: str, variables: dict[str, t.Any], program: str = str(ROOT / ".venv" / "bin" / "ansible-playbook")) -> tuple[float, str]:
    """(seconds, output) of a playbook that must succeed."""
    path = STATE / "bench.json"
    path.write_text(json.dumps(variables))
    begin = time.monotonic()
    done = subprocess.run([program, name, "-e", f"@{path}"], env=ENVIRONMENT, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begin
    if done.returncode:
        sys.exit(f"{name} failed:\n{done.stdout[-4000:]}{done.stderr[-2000:]}")
    return seconds, done.stdout


def guests() -> dict[str, list[tuple[str, str]]]:
    """{host: [(domain, XML without ids)]} of what runs now: the guests that the floor and the peer make again."""
    found: dict[str, list[tuple[str, str]]] = {}
    for host in hosts():
        names = subprocess.run([EXEC, host, "virsh", "-q", "list", "--name"], capture_output=True, text=True, check=True).stdout.split()
        found[host] = []
        for name in names:
            xml = subprocess.run([EXEC, host, "virsh", "dumpxml", "--inactive", name], capture_output=True, text=True, check=True).stdout
            found[host].append((name, re.sub(r"<metadata.*?</metadata>", "", xml, flags=re.S)))
    return found


FIRST_IMAGE = "ls /var/lib/libvirt/kvmfleet/images/sha256-* | grep -v json | head -n 1"

FLOOR = """
import json, os, subprocess, sys, libvirt
from concurrent.futures import ThreadPoolExecutor
work = json.load(sys.stdin)
connection = libvirt.open("qemu:///system")
def make(item):
    folder, base, xml = item["folder"], item["base"], item["xml"]
    os.makedirs(folder)
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", "qcow2", folder + "/disk", "1G"], check=True)
    os.makedirs(folder + "/tree/openstack/latest")
    open(folder + "/tree/openstack/latest/meta_data.json", "w").write("{}")
    subprocess.run(["genisoimage", "-quiet", "-J", "-r", "-V", "config-2", "-o", folder + "/disk.config", folder + "/tree"], check=True)
    connection.defineXML(xml).create()
with ThreadPoolExecutor(10) as pool:
    list(pool.map(make, work))
"""


def floor(made: dict[str, list[tuple[str, str]]]) -> float:
    """Seconds of bare libvirt calls for the same guests: overlay, config drive, define, start, all hosts at once and ten guests at once on each."""
    wipe()
    begin = time.monotonic()
    running = []
    for host, domains in made.items():
        base = subprocess.run([EXEC, host, "sh", "-c", FIRST_IMAGE], capture_output=True, text=True, check=True)
        work = [{"folder": re.search(f"{INSTANCES}/[0-9a-f-]+", xml).group(0), "base": base.stdout.strip(), "xml": xml} for _name, xml in domains]
        process = subprocess.Popen([EXEC, host, "/usr/bin/python3", "-c", FLOOR], stdin=subprocess.PIPE, text=True)
        process.stdin.write(json.dumps(work))
        process.stdin.close()
        running.append(process)
    if any(process.wait() for process in running):
        sys.exit("the floor failed")
    return time.monotonic() - begin


PEER = """
- hosts: hypervisors
  gather_facts: false
  tasks:
    - name: Overlay
      ansible.builtin.command: "qemu-img create -q -f qcow2 -b {{ item.base }} -F qcow2 {{ item.folder }}/disk 1G"
      loop: "{{ guests[inventory_hostname] }}"
      loop_control: {label: "{{ item.name }}"}
    - name: Config drive
      ansible.builtin.command: "genisoimage -quiet -J -r -V config-2 -o {{ item.folder }}/disk.config {{ item.folder }}"
      loop: "{{ guests[inventory_hostname] }}"
      loop_control: {label: "{{ item.name }}"}
    - name: Define
      community.libvirt.virt:
        command: define
        xml: "{{ item.xml }}"
      loop: "{{ guests[inventory_hostname] }}"
      loop_control: {label: "{{ item.name }}"}
    - name: Start
      community.libvirt.virt:
        name: "{{ item.name }}"
        state: running
      loop: "{{ guests[inventory_hostname] }}"
      loop_control: {label: "{{ item.name }}"}
"""


def peer(made: dict[str, list[tuple[str, str]]]) -> float:
    """Seconds of a play with a loop of tasks per guest, as one does it with community.libvirt."""
    wipe()
    base = "/var/lib/libvirt/kvmfleet/images/base"
    work: dict[str, list[dict[str, str]]] = {}
    for host, domains in made.items():
        subprocess.run([EXEC, host, "sh", "-c", f"ln -sf $({FIRST_IMAGE}) {base}"], check=True)
        work[host] = []
        for name, xml in domains:
            folder = re.search(f"{INSTANCES}/[0-9a-f-]+", xml).group(0)
            subprocess.run([EXEC, host, "mkdir", "-p", folder], check=True)
            work[host].append({"name": name, "folder": folder, "base": base, "xml": xml})
    path = STATE / "peer.yml"
    path.write_text(PEER)
    seconds = playbook(str(path), {"guests": work}, str(ROOT / ".cache" / "peers" / "bin" / "ansible-playbook"))[0]
    for host in made:
        subprocess.run([EXEC, host, "rm", "-f", base], check=True)
    return seconds


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=30)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    asked = {"name": "bench", "flavor": "m1.micro", "image": "micro", "networks": [{"name": "lan"}], "key_name": "testbed"}
    wipe()
    # Images and QEMU's capabilities are cached before anything is measured: neither the floor nor the peer fetches them.
    playbook("kvmfleet.compute.create_server", {"compute_servers": [dict(asked, min_count=len(hosts()))]})
    wipe()
    wall, output = playbook("kvmfleet.compute.create_server", {"compute_servers": [dict(asked, min_count=arguments.servers)]})
    made = guests()
    if sum(map(len, made.values())) != arguments.servers:
        sys.exit("not every server runs")
    result: dict[str, t.Any] = {"servers": arguments.servers, "hosts": len(made), "tasks": output.count("\nTASK ["), "wall_s": round(wall, 2)}
    result["floor_s"] = round(floor(made), 2)
    result["community_libvirt_s"] = round(peer(made), 2) if arguments.peers else None
    wipe()
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"{result['servers']} servers on {result['hosts']} hosts, {result['tasks']} tasks: {wall:.1f} s")
    print(f"bare libvirt calls: {result['floor_s']:.1f} s ({wall / result['floor_s']:.2f} times the floor)")
    if arguments.peers:
        print(f"community.libvirt: {result['community_libvirt_s']:.1f} s ({result['community_libvirt_s'] / wall:.2f} times ours)")


if __name__ == "__main__":
    main()
