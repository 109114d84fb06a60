# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers on one hypervisor, made and asked for by calls of modules, as the stages of a run make them."""

from __future__ import annotations

import copy
import itertools
import typing as t
import uuid as uuid_library

from integration.conftest import NET4

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import GroupRules
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.existing import action_for
from ansible_collections.kvmfleet.compute.tests.unit import make

from .hypervisor import INSTANCES, Answer, Call, Hypervisor

MB = 2**20
WRITTEN_AT = 512 * MB  # where a guest's pattern lies on its root disk
_numbers = itertools.count(1)
_tickets = itertools.count(1)
Outcome = dict[str, t.Any]


def _tcp(port: int) -> dict[str, t.Any]:
    return {"protocol": "tcp", "port_range_min": port, "port_range_max": port}


# The neighbour's group is another one, so that filters and IP sets come and go with each case.
GROUPS: list[GroupRules] = [
    {"id": "web", "name": "web", "rules": [make.rule("egress"), make.rule(**_tcp(22)), make.rule(**_tcp(80), remote_group="web")]},
    {"id": "neighbour", "name": "neighbour", "rules": [make.rule("egress"), make.rule()]},
]


def instance(host: Hypervisor, image: dict[str, t.Any], name: str, **changes: t.Any) -> dict[str, t.Any]:
    """A placed instance with a root disk, an ephemeral one, a config drive and a port."""
    number, uuid = next(_numbers), str(uuid_library.uuid4())
    # Every case makes a server: none may get the address of the neighbour, which was the first.
    nets, last = divmod(number, 250)
    address = f"{NET4}.{92 + 8 * int(host.name[1:]) + nets}.{last + 1}"
    # Its guest is answered by its host: the neighbour's is not, so that the DHCP server comes and goes with each case.
    asking = {} if name.startswith("neighbour") else {"address_mode": "dhcp"}
    told: t.Any = make.fixed_ip(ip_address=address, cidr=f"{NET4}.0.0/16", gateway_ip=f"{NET4}.0.1", **asking)
    port = make.port(
        id=uuid,
        mac_address=f"fa:16:3e:{int(host.name[1:]):02x}:{number >> 8:02x}:{number & 255:02x}",
        binding=make.bridge("br-ext"),
        device=f"tap{uuid[:11]}",
        fixed_ips=[{**told, "served": True} if asking else told],
    )
    disks = [
        make.root_disk(size_bytes=1024 * MB),
        make.disk(size_bytes=8 * MB),
        make.disk(kind="config_drive", role="config", file="disk.config", size_bytes=0, device_name="vdc", label=None),
    ]
    made = make.instance(
        name,
        uuid=uuid,
        domain_name=f"{name}-{uuid[:8]}",
        flavor=make.flavor(memory_mb=128, root_gb=1),
        image=image,
        disks=disks,
        ports=[port],
        **{"security_groups": [{"id": "web", "name": "web"}], **changes},
    )
    return dict(made)


class Server:
    """One server of one hypervisor over its life; each method is a call of a module."""

    def __init__(self, host: Hypervisor, image: dict[str, t.Any], name: str = "web", **changes: t.Any) -> None:
        self.host = host
        self.instance = instance(host, image, name, **changes)
        self.run = dict(make.run(id=str(uuid_library.uuid4())))
        self.action = "build"
        self.epoch: dict[str, t.Any] | None = None  # in which its claims are granted; None: its host is of no fleet with a registrar
        self._gone_run: str | None = None  # whose process its controller has seen gone

    @property
    def uuid(self) -> str:
        return str(self.instance["uuid"])

    @property
    def root_disk(self) -> str:
        return f"{INSTANCES}/{self.uuid}/disk"

    def order(self, action: str) -> dict[str, t.Any]:
        """What the host gets."""
        return {"version": 1, "instance": self.instance, "action": action, "group_hosts": [], "gone_run": self._gone_run}

    def begin(self, state: str, action: str = "build", fault: dict[str, t.Any] | None = None, **params: t.Any) -> Call:
        """A call of the module ``server``, not waited for."""
        given = {"servers": [self.order(action)], "state": state, "run": self.run, "host_name": self.host.name}
        if self.epoch and state == "claimed":
            given["grant"] = self.host.granted(self.epoch, next(_tickets))
        if state == "active":
            given["security_groups"] = GROUPS
        return self.host.begin("server", fault, **{"cpu_allocation_ratio": 64.0, "virt_type": "qemu", "on_error": "report", **given, **params})

    def call(self, state: str, action: str = "build", fault: dict[str, t.Any] | None = None) -> Answer:
        return self.begin(state, action, fault).answer()

    def done(self, state: str, action: str = "build") -> Outcome:
        """The outcome of a call that must come to an end."""
        result = self.call(state, action).result
        assert result and result.get("servers"), f"{state}, {action}: {result}"
        return dict(result["servers"][0])

    def well(self, state: str, action: str = "build") -> Outcome:
        """The outcome of a call that must succeed."""
        outcome = self.done(state, action)
        assert outcome["error"] is None, f"{state}, {action}: {outcome}"
        return outcome

    def made(self) -> None:
        """Claim and build."""
        self.well("claimed")
        self.well("active")

    def record(self) -> dict[str, t.Any] | None:
        """What the host reports of it."""
        result = self.host.call("server_info", ids=[self.uuid]).result
        assert result is not None and "servers" in result, result
        return result["servers"][0] if result["servers"] else None

    def looked_up(self) -> str:
        """The action of a run that finds the server so; if it is not there the server is another one, of the same name."""
        self.run = dict(make.run(id=str(uuid_library.uuid4())))
        record = self.record()
        if record is None:
            uuid = str(uuid_library.uuid4())
            self.instance = {**self.instance, "uuid": uuid, "domain_name": f"{self.instance['display_name']}-{uuid[:8]}"}
            return "build"
        found: t.Any = {**record, "live": False}
        self._gone_run = record["run"]["id"] if record["run"] else None
        return action_for(found)

    def as_another_run_sees_it(self) -> Server:
        """The same server, with the action of a run that comes now."""
        other = copy.copy(self)
        other.action = other.looked_up()
        return other

    def next_run(self) -> Outcome:
        """What a run makes of the server that finds it so."""
        action = self.looked_up()
        if action in ("build", "finish"):
            self.well("claimed", action)
        return self.well("active", action)

    def console(self) -> str:
        """What it has printed since its start."""
        return self.host.run("cat", f"{INSTANCES}/{self.uuid}/console.log")

    # the guest's disk

    def switch_off(self) -> None:
        """As if its host had lost power."""
        self.host.run("virsh", "-q", "destroy", self.uuid)

    def write(self, text: str) -> None:
        """What a guest would have written, while it is off."""
        self.host.run("sh", "-c", f"printf %s {text} > /tmp/pattern && qemu-io -f qcow2 -c 'write -s /tmp/pattern {WRITTEN_AT} {len(text)}' {self.root_disk}")

    def read(self, length: int) -> str:
        """What is there, running or not."""
        shown = self.host.run("qemu-io", "-U", "-r", "-f", "qcow2", "-c", f"read -v {WRITTEN_AT} {length}", self.root_disk)
        words = [word for line in shown.splitlines() if line.startswith(f"{WRITTEN_AT >> 12:x}") for word in line.split()[1:17]]
        return bytes(int(word, 16) for word in words[:length]).decode("ascii", "replace")
