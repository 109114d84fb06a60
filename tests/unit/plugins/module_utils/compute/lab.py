"""A host for the transitions: a hypervisor in a dict, real folders, locks and journals."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.batch import Batch
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder, Host
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.lease import HostTime
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.orders import read_order
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.plugging import Patience
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import state_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
    Disk,
    Epoch,
    Grant,
    HostNetworks,
    Instance,
    Order,
    Outcome,
    Record,
    Run,
    Secrets,
    SwitchPort,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.base import DiskBackend, Sources
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.fake_dhcp import FakeDhcp
from ansible_collections.kvmfleet.compute.tests.unit.fake_hypervisor import FakeHypervisor
from ansible_collections.kvmfleet.compute.tests.unit.fake_ip_sets import FakeIpSets
from ansible_collections.kvmfleet.compute.tests.unit.fake_kernel import FakeKernel
from ansible_collections.kvmfleet.compute.tests.unit.fake_link_events import FakeLinkEvents
from ansible_collections.kvmfleet.compute.tests.unit.fake_packet_rules import FakePacketRules
from ansible_collections.kvmfleet.compute.tests.unit.fake_packet_tables import FakePacketTables


class PlainDisk(DiskBackend):
    """A kind of disk that needs no tool of the host; a test can make it fail."""

    kind = "plain"

    def __init__(self) -> None:
        self.errors: list[Exception] = []

    def write(self, disk: Disk, path: str, sources: Sources) -> None:
        pathlib.Path(path).write_text("new", encoding="ascii")
        for error in self.errors:
            raise error

    def remove(self, path: str) -> bool:
        for error in self.errors:
            raise error
        return super().remove(path)


class Links:
    """Every tap is up, and of no bridge: nobody asks where it is on a network without one.

    ``state``: what the bridge does with every tap's frames; ``states``: with those of some taps; ``asked``: how often a tap was looked at.
    """

    def __init__(self) -> None:
        self.there, self.up = True, True
        self.state: str | None = None
        self.states: dict[str, str] = {}
        self.asked = 0

    def exists(self, _device: str) -> bool:
        self.asked += 1
        return self.there

    def is_up(self, _device: str) -> bool:
        return self.up

    def bridge_of(self, device: str) -> str | None:
        return "br0" if self.port_state(device) else None

    def port_state(self, device: str) -> str | None:
        return self.states.get(device, self.state)

    def mtu_of(self, _device: str) -> int | None:
        return None

    def switch_port(self, _device: str) -> SwitchPort | None:
        return None


class Lab:
    """One host, and calls of the module ``server`` on it."""

    def __init__(self, folder: pathlib.Path, disk: PlainDisk) -> None:
        self.hypervisor = FakeHypervisor()
        self.hypervisor.nets["default"] = {"name": "default", "bridge": None, "active": True}
        self.disk = disk
        self.links = Links()
        self.link_events = FakeLinkEvents()
        self.left_on_switches: set[tuple[str, str]] = set()  # (device, uuid)
        self.strangers: dict[str, str] = {}
        self.may_ask = True
        self.asked: list[tuple[str, list[str]]] = []
        self.unfiltered: str | None = None
        self.ip_sets = FakeIpSets()
        self.packet_rules = FakePacketRules()
        self.packet_tables = FakePacketTables()
        self.kernel = FakeKernel()
        self.daemons = FakeDhcp(lambda: self.kernel)
        self.no_dhcp: str | None = None
        self.tunnel_mtu = 1500
        self.now = HostTime("boot-1", 1000.0)
        self.instances = folder / "instances"
        self.state = folder / "state"
        self.instances.mkdir()

    def builder(
        self,
        run: Run | None = None,
        *,
        check_mode: bool = False,
        force: bool = False,
        blank: tuple[str, ...] = (),
        probe: bool = False,
        secrets: dict[str, Secrets] | None = None,
        grant: Grant | None = None,
        patience: Patience | None = None,
        **changes: t.Any,
    ) -> Builder:
        whole = {
            "name": "h1",
            "instances_path": str(self.instances),
            "state_path": str(self.state),
            "image_cache_path": str(self.instances / "cache"),
            "virt_type": "qemu",
            "arch": "x86_64",
            "resources": make.resources(),
            "key": b"key",
            "images": {},
            **changes,
        }
        made = Builder(
            self.hypervisor,
            Host(**whole),
            run or make.run(),
            grant=grant,
            secrets=secrets,
            force_take_over=force,
            blank_missing_disks=blank,
            probe_addresses=probe,
            patience=patience or Patience(),
            check_mode=check_mode,
        )
        made.plugging.links, made.plugging.link_events = self.links, lambda: self.link_events
        made.remove_switch_port = lambda device, uuid: self.left_on_switches.discard((device, uuid))
        made.who_has = self.who_has
        made.unfiltered = lambda: self.unfiltered
        made.ip_sets = self.ip_sets
        made.packet_tables = self.packet_tables
        made.kernel = self.kernel
        made.daemons, made.no_dhcp = self.daemons, lambda: self.no_dhcp
        made.add_offer = self.add_offer
        made.time = lambda: self.now
        made.claim_timeout_s = 0.0
        return made

    def add_offer(self, networks: HostNetworks, mappings: t.Mapping[str, str], tunnel_address: str | None) -> None:
        """Every device of a mapping is there, a bridge if its name says so."""
        networks["physical_networks"] = [
            {"name": name, "device": device, "is_bridge": device.startswith("br"), "up": True, "mtu": 1500} for name, device in mappings.items()
        ]
        networks["tunnel"] = {"address": tunnel_address or "192.0.2.1", "mtu": self.tunnel_mtu}

    def who_has(self, device: str, addresses: t.Sequence[str]) -> dict[str, str]:
        """Who answers on the bridge of the network, if the network has one."""
        self.asked.append((device, list(addresses)))
        if not self.may_ask:
            raise PermissionError(1, "Operation not permitted")
        return {address: mac for address, mac in self.strangers.items() if address in addresses}

    def hold(self, epoch: Epoch | None, highest_ticket: int = 0) -> None:
        """The host has taken an epoch."""
        state_file.write(str(self.state), HostState(epoch, highest_ticket, None))

    def pass_time(self, seconds: float) -> None:
        self.now = HostTime(self.now.boot_id, self.now.seconds + seconds)

    def web(self, number: int = 0, **changes: t.Any) -> Instance:
        """A server with a disk of the plain kind and a port on the network default."""
        disk = make.disk(kind="plain", role="root", file="disk", device_name="vda")
        mac = f"fa:16:3e:00:00:{number:02x}"
        port_id = f"{number:08d}-2222-4333-8444-555555555555"
        ips = [make.fixed_ip(ip_address=f"192.0.2.{number + 9}")]
        port = make.port(id=port_id, binding=make.libvirt_network(), mac_address=mac, device=f"tap{number}", fixed_ips=ips)
        return make.numbered(number, **{"disks": [disk], "ports": [port], **changes})

    def claim(self, *servers: Instance | Order, builder: Builder | None = None) -> list[Outcome]:
        return Batch(builder or self.builder()).claim([_order(server) for server in servers])

    def build(
        self,
        *servers: Instance | Order,
        builder: Builder | None = None,
        batch: Batch | None = None,
        wait_for: str = "active",
        wait_from: str = "host",
        at_once: int = 4,
    ) -> list[Outcome]:
        orders = [_order(server) for server in servers]
        of = batch or Batch(builder or self.builder())
        return of.activate(orders, max_concurrent_builds=at_once, wait_for=wait_for, wait_from=wait_from, wait_timeout_s=0.0)

    def delete(self, *uuids: str, builder: Builder | None = None) -> list[Outcome]:
        return Batch(builder or self.builder()).delete([read_order({"uuid": uuid}) for uuid in uuids], 2)

    def release(self, *uuids: str, builder: Builder | None = None) -> list[Outcome]:
        return Batch(builder or self.builder()).release([read_order({"uuid": uuid}) for uuid in uuids], 2)

    def there(self, server: Instance, **changes: t.Any) -> Record:
        """A server that was built before: its record, its domain, its files."""
        assert [outcome["error"] for outcome in (*self.claim(server), *self.build(server))] == [None, None]
        self.hypervisor.calls.clear()
        return self.hypervisor.record(server["uuid"])

    def folder(self, server: Instance) -> pathlib.Path:
        return self.instances / server["uuid"]

    def files(self, server: Instance) -> set[str]:
        folder = self.folder(server)
        return {path.name for path in folder.iterdir()} if folder.exists() else set()

    def left(self) -> list[str]:
        """What a host has of servers: domains, network filters, folders, journals, locks of servers."""
        kept = [path for kind in ("journal", "locks") for path in (self.state / kind).glob("*") if path.name not in (locks.HOST, locks.FILTERS, locks.NETWORKS)]
        return sorted(
            [*self.hypervisor.xml, *self.hypervisor.network_filters, *(path.name for path in self.instances.iterdir()), *(str(path) for path in kept)]
        )


def _order(server: t.Any) -> Order:
    return t.cast(Order, server) if "instance" in server else make.order(t.cast(Instance, server))
