"""Write the testbed's inventory and ansible.cfg: inventory.py STATE IMAGES HYPERVISORS NET4 NET6."""

from __future__ import annotations

import json
import pathlib
import sys

# h2 is reached as a user with sudo, and as Ansible does where nobody has set anything: without pipelining, by way of a file in the user's folder.
OF_ONE_HOST: dict[str, dict] = {
    "h2": {"ansible_user": "ops", "ansible_become": True, "ansible_pipelining": False},
}


def hosts(state: pathlib.Path, count: int, net4: str) -> dict:
    """The inventory: group hypervisors, zones az1 (odd) and az2 (even)."""
    ssh_options = "-o ConnectTimeout=5 -o ServerAliveInterval=3 -o ServerAliveCountMax=2"
    known = []
    members = {}
    for number in range(1, count + 1):
        name, address = f"h{number}", f"{net4}.0.{10 + number}"
        kind, key = (state / "ssh" / f"{name}.pub").read_text().split()[:2]
        known.append(f"{address} {kind} {key}")
        members[name] = {"ansible_host": address, "compute_availability_zone": "az1" if number % 2 else "az2", **OF_ONE_HOST.get(name, {})}
    (state / "ssh" / "known_hosts").write_text("\n".join(known) + "\n")
    return {
        "hypervisors": {
            "hosts": members,
            "vars": {
                "ansible_user": "root",
                "ansible_ssh_private_key_file": str(state / "ssh" / "id"),
                "ansible_ssh_common_args": f"-o UserKnownHostsFile={state}/ssh/known_hosts {ssh_options}",
                "ansible_python_interpreter": "/usr/bin/python3",
                "compute_virt_type": "qemu",
                "compute_cpu_allocation_ratio": 16.0,
                "compute_reserved_host_memory_mb": 512,
            },
        }
    }


def image(images: pathlib.Path, name: str, **attributes: object) -> dict:
    """A catalogue entry for an image that was built."""
    digest = (images / f"{name}.sha256").read_text().strip()
    return {"source": str(images / f"{name}.qcow2"), "checksum": f"sha256:{digest}", "disk_format": "qcow2", **attributes}


def network(net4: str, net6: str, third: int, six: bool, **attributes: object) -> dict:
    """A catalogue entry for a network with a pool of its own in the testbed's address range."""
    subnets = [
        {
            "cidr": f"{net4}.0.0/16",
            "gateway_ip": f"{net4}.0.1",
            "allocation_pools": [{"start": f"{net4}.{third}.10", "end": f"{net4}.{third}.250"}],
        }
    ]
    if six:
        subnets.append({"cidr": f"{net6}/64", "gateway_ip": None, "allocation_pools": [{"start": f"{net6}1:{third}:10", "end": f"{net6}1:{third}:ffff"}]})
    return {"mtu": 1500, "subnets": subnets, **attributes}


def catalogue(state: pathlib.Path, images: pathlib.Path, net4: str, net6: str) -> dict:
    """The catalogue of the testbed."""
    known = {"micro": image(images, "micro", min_ram=96)}
    if (images / "debian.sha256").exists():
        known["debian"] = image(images, "debian", min_ram=512, min_disk=2)
    return {
        "compute_flavors": {
            "m1.micro": {"id": "1", "vcpus": 1, "memory_mb": 128, "root_gb": 1},
            "m1.small": {"id": "2", "vcpus": 1, "memory_mb": 768, "root_gb": 4},
            "m1.extra": {"id": "3", "vcpus": 1, "memory_mb": 128, "root_gb": 1, "ephemeral_gb": 1, "swap": 64},
            "m1.huge": {"id": "4", "vcpus": 2, "memory_mb": 1048576, "root_gb": 1},
        },
        "compute_images": known,
        "compute_networks": {
            "lan": network(net4, net6, 1, False, bridge="br-ext"),
            "dual": network(net4, net6, 2, True, bridge="br-ext"),
            "ext": network(net4, net6, 3, False, libvirt_network="ext"),
            "idle": network(net4, net6, 4, False, libvirt_network="ext-idle"),
            "int": {"bridge": "br-int", "subnets": [{"cidr": "192.168.7.0/24", "gateway_ip": None}]},
        },
        "compute_keypairs": {"testbed": {"public_key": (state / "ssh" / "id.pub").read_text().strip(), "type": "ssh"}},
        # Tests reach guests from the controller; those of security groups bring groups of their own.
        "compute_security_groups": {"default": {"rules": [{"direction": "ingress", "ethertype": ethertype} for ethertype in ("IPv4", "IPv6")]}},
        "compute_server_groups": {"apart": {"policy": "anti-affinity"}, "together": {"policy": "affinity"}},
    }


CONFIG = """[defaults]
inventory = {state}/inventory/hosts.yml
forks = 20
host_key_checking = true
retry_files_enabled = false
callback_result_format = yaml
local_tmp = {state}/ansible-tmp

[ssh_connection]
pipelining = true
ssh_args = -o ControlMaster=auto -o ControlPersist=10m
control_path_dir = {state}/cp
"""


def main() -> None:
    state, images = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    count, net4, net6 = int(sys.argv[3]), sys.argv[4], sys.argv[5]
    # JSON is YAML; the standard library writes it.
    (state / "inventory" / "hosts.yml").write_text(json.dumps(hosts(state, count, net4), indent=2) + "\n")
    (state / "inventory" / "group_vars" / "all.yml").write_text(json.dumps(catalogue(state, images, net4, net6), indent=2) + "\n")
    (state / "ansible.cfg").write_text(CONFIG.format(state=state))


if __name__ == "__main__":
    main()
