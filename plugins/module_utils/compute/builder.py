# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every transition of a server needs: its host, its hypervisor and its run; locks, look-ups and the undo.

Follows ``nova/virt/libvirt/driver.py: spawn``, ``_create_domain_and_network``, ``_hard_reboot`` and ``destroy``.

How a server comes to be, and what holds whenever somebody dies on the way:

1. Claim: under the host's lock name, addresses, group and capacity are checked against all domains, and the domain is defined. Its record says
   ``building``, names the run and has its lease (``lease.py``). From here on the claim counts; nothing else of the server is there. On a host of a fleet
   with a registrar the run shows what it was granted, and a claim that is past its deadline by then is taken back under the same lock.
2. Take-over: a run that finds a claim whose run is dead writes its own name into the record, under the server's lock. Whoever works on a server holds its
   lock, and the kernel drops the lock of a dead process, so that two can't build at once. Who comes back after that finds at its next call, or before
   the guest may run, that the claim is another's.
3. Build: what a dead run left is removed by the journal, then everything is written into the journal before it is made, the guest is started paused, and
   its ports are waited for (``plugging.py``): that holds no lock but the server's own, and whoever dies meanwhile leaves what he left before.
4. An error until then undoes all of it, the claim last: ``failed``, if the undo is proven by reading back. If it is not, or if libvirt went away, the
   outcome is ``unknown``: the claim stays, and no other host may try.
5. The record says ``started``, the journal is closed, and only then the guest runs: from here on no build stops, undefines or removes anything of it. An error
   is ``unknown`` until a run has seen the guest again; a guest that is off by then is started on the disks that it has.
6. The record says ``active`` and names no run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import threading
import time
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.dhcp_servers import DhcpServers
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.disk_sizes import add_disk_sizes
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.filters import Filters, outdated_sentence
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.host_time import host_time
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.lease import HostTime, holder, lease, left_s
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.on_demand import OnDemand, Swept, made_bindings
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.plugging import Patience, Plugging
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.reservations import Reservations
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.secret_hash import keyed_hash
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.domain_xml import domain_element
from ansible_collections.kvmfleet.compute.plugins.module_utils.hypervisor import HypervisorLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import (
    address_probe,
    ip_sets,
    limits,
    links,
    open_vswitch,
    packet_tables,
    port_security,
    ports,
    user_backends,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp import dnsmasq
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.dnsmasq import DhcpLike, Dnsmasq
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ip_sets import IpSetsLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.offer import offer
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand import facts
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.kernel import Kernel, KernelLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.names import PROVIDER
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.packet_tables import PacketTablesLike
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ssh_ports import with_ssh_ports
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
    Diff,
    Domain,
    Grant,
    GroupRules,
    HostNetworks,
    HostResources,
    ImageResult,
    Lease,
    Origin,
    Port,
    Record,
    Run,
    SecretHashes,
    Secrets,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.instance_files import InstanceFiles
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.table import backend_of

NO_SECRETS: Secrets = {"user_data": None, "admin_pass": None}
PATIENCE = Patience()


@dataclasses.dataclass(frozen=True)
class Host:
    """Where servers are built."""

    name: str  # in the inventory
    instances_path: str  # the servers' folders
    state_path: str  # journals, locks, the key
    image_cache_path: str  # verified images
    virt_type: str  # kvm or qemu
    arch: str  # such as x86_64
    resources: HostResources  # what it has to give
    key: bytes  # of the keyed hashes
    images: t.Dict[str, ImageResult]  # what the image stage reported, by id; what it wasn't asked for was in the cache when the host was read
    bridge_mappings: t.Mapping[str, str] = dataclasses.field(default_factory=dict)  # its bridges and other devices by physical network
    tunnel_address: t.Optional[str] = None  # from which it sends VXLAN; None: the one on its default route

    def folder(self, uuid: str) -> str:
        """Where the disks of a new server go."""
        return os.path.join(self.instances_path, uuid)

    def files(self, record: Record) -> InstanceFiles:
        """The paths of one server, as its record says: an instances path that is changed moves no server. ServerError if the folder is not its own."""
        folder = record["folder"] or self.folder(record["uuid"])
        if not os.path.isabs(folder) or os.path.basename(folder) != record["uuid"]:
            raise ServerError("InvalidRecord", f"the record of server {record['uuid']} names the folder {folder}, which is none of a server with this id")
        return InstanceFiles(folder)

    def journal(self, uuid: str) -> Journal:
        """What was made for one server."""
        return Journal(self.state_path, uuid)


class Owned(t.NamedTuple):
    """A domain of ours with its record."""

    domain: Domain
    record: Record
    locked: bool = True  # by this process; False: another one works on it


class Builder:
    """One call's work on one host; its methods may be used by several threads at once."""

    def __init__(
        self,
        hypervisor: HypervisorLike,
        host: Host,
        run: Run,
        *,
        grant: t.Optional[Grant] = None,
        secrets: t.Optional[t.Dict[str, Secrets]] = None,
        origin: t.Optional[Origin] = None,
        force_take_over: bool = False,
        blank_missing_disks: t.Collection[str] = (),
        probe_addresses: bool = False,
        patience: Patience = PATIENCE,
        groups: t.Iterable[GroupRules] = (),
        check_mode: bool = False,
    ) -> None:
        self.hypervisor = hypervisor
        self.host = host
        self.run = run
        self.grant = grant  # what the run shows for its claims; None: nothing
        self.origin = origin  # what its claims are recorded with
        self.force_take_over = force_take_over
        self.blank_missing_disks = frozenset(blank_missing_disks)  # servers that start with new disks in place of lost ones
        self.probe_addresses = probe_addresses  # before a guest is made
        self.check_mode = check_mode
        self.remove_switch_port: t.Callable[[str, str], None] = open_vswitch.remove_port
        self.who_has: ports.WhoHas = address_probe.who_has
        self.time: t.Callable[[], HostTime] = host_time
        self.wall_clock: t.Callable[[], float] = time.time
        self.claim_timeout_s = 120.0  # how long another run may hold the host's lock
        self.domains: t.List[Domain] = []  # while claims are taken: all domains, with the claims so far
        self.defining: t.Set[str] = set()  # servers whose define has begun
        self.diffs: t.List[Diff] = []
        self._secrets = secrets or {}
        self.unfiltered: t.Callable[[], t.Optional[str]] = port_security.unfiltered
        self.user_backends: t.Callable[[HypervisorLike], t.Dict[str, t.Optional[str]]] = user_backends.missing
        self.ip_sets: IpSetsLike = ip_sets
        self.packet_tables: PacketTablesLike = packet_tables
        self.plugging = Plugging(hypervisor, links, patience)
        self.kernel: KernelLike = Kernel()
        self.daemons: DhcpLike = Dnsmasq()
        self.no_dhcp: t.Callable[[], t.Optional[str]] = dnsmasq.obstacle
        self.add_offer: t.Callable[[HostNetworks, t.Mapping[str, str], t.Optional[str]], None] = facts.add_offer
        self.groups = {group["id"]: group for group in groups}  # the security groups that this call was given
        self._networks: t.Optional[HostNetworks] = None
        self._networks_lock = threading.Lock()

    # secrets

    def secrets(self, uuid: str) -> Secrets:
        """The secrets of one server."""
        return self._secrets.get(uuid, NO_SECRETS)

    def secret_hashes(self, uuid: str) -> SecretHashes:
        """The keyed hashes that a record keeps of them."""
        secrets = self.secrets(uuid)
        return {
            "user_data": keyed_hash(self.host.key, uuid, secrets["user_data"]),
            "admin_pass": keyed_hash(self.host.key, uuid, secrets["admin_pass"]),
        }

    # locks and look-ups

    @contextlib.contextmanager
    def claims(self) -> t.Iterator[None]:
        """Hold the host's lock, with all domains as they are now in ``domains``."""
        with contextlib.nullcontext() if self.check_mode else locks.host_lock(self.host.state_path, self.claim_timeout_s):
            self.domains = self.hypervisor.domains()
            add_disk_sizes(self.hypervisor, self.domains, self.host.instances_path)
            yield

    @contextlib.contextmanager
    def lock(self, uuid: str, force: bool = False) -> t.Iterator[bool]:
        """Hold a server's lock: True. ServerError (InstanceIsLocked) if another process has it; ``force`` goes on without it: False."""
        with contextlib.ExitStack() as stack:
            if self.check_mode:
                own = not locks.is_locked(self.host.state_path, uuid)
            else:
                own = locks.take(stack, self.host.state_path, uuid)
            if not own and not force:
                raise locks.held(self.host.state_path, uuid)
            yield own

    def look_up(self, uuid: str) -> t.Optional[Owned]:
        """The server's domain; None if it does not exist; ServerError (InstanceNotFound) if it is foreign, which is left alone."""
        domain = self.hypervisor.find(uuid)
        if domain is None:
            return None
        if domain["record"] is None:
            raise ServerError("InstanceNotFound", f"domain {domain['name']} is not of this collection; it is left alone")
        return Owned(domain, domain["record"])

    def console_log(self, uuid: str) -> str:
        """Where the server's console goes."""
        owned = self.look_up(uuid)
        return self.host.files(owned.record).console_log if owned else InstanceFiles(self.host.folder(uuid)).console_log

    @contextlib.contextmanager
    def own(self, uuid: str, vm_states: t.Sequence[str], *, force: bool = False) -> t.Iterator[Owned]:
        """Hold the server's lock and have its domain; InstanceNotFound if it does not exist, InstanceInvalidState if it is in no such state."""
        with self.lock(uuid, force) as locked:
            owned = self.look_up(uuid)
            if owned is None:
                if locked and not self.check_mode:
                    locks.forget(self.host.state_path, uuid)
                raise ServerError("InstanceNotFound", f"server {uuid} is not on the host any more: it was deleted meanwhile")
            if owned.record["vm_state"] not in vm_states:
                raise ServerError("InstanceInvalidState", f"server {uuid} is {owned.record['vm_state']}, not {' or '.join(vm_states)}")
            yield owned._replace(locked=locked)

    # the run's claim

    def lease(self) -> Lease:
        """What the run gets from now on."""
        return lease(self.time(), self.run["lease_s"])

    def lease_left_s(self, record: Record) -> int:
        """How long the claim of a record still holds, in s."""
        return left_s(record["lease"], self.time())

    def check_run(self, record: Record) -> None:
        """ServerError (InstanceIsBuilding) if the claim is another run's."""
        run = record["run"]
        if run is None or run["id"] != self.run["id"]:
            whose = holder(run) if run else "no run"
            raise ServerError("InstanceIsBuilding", f"the claim of {record['display_name']} belongs to {whose}")

    # what transitions share

    def render(self, record: Record) -> str:
        """The domain's XML as this host would define it."""
        files = self.host.files(record)
        disks = [backend_of(disk).element(disk, files.disk(disk)) for disk in record["disks"]]
        element = domain_element(record, disks=disks, console_log=files.console_log, virt_type=self.host.virt_type, arch=self.host.arch)
        return ET.tostring(element, encoding="unicode")

    def realise(self, wanted: t.List[Port], *, is_new: bool) -> bool:
        """Make sure that the host can carry these ports: start what is inactive, each once; True if something was. PortBindingFailed if it can't.

        ``is_new``: a server that is there has nowhere else to go, and starts on a bridge that is too small for its packets, too.
        """
        with self._networks_lock:
            networks = self._host_networks()
            self._add_offer(wanted, networks)
            ports.check_bindings(wanted, networks)
            if is_new:
                ports.check_mtu(wanted, networks)
            ports.check_limits(wanted, limits.obstacle)
            ports.check_served(wanted, self.no_dhcp)
            made = self.on_demand.make(made_bindings(wanted), networks)
            self.diffs += [{"before_header": name, "after_header": name, "before": "absent\n", "after": "made\n"} for name in made]
            inactive = ports.inactive(wanted, networks)
            for binding in inactive:
                if not self.check_mode:
                    vif_of(binding).realise(self.hypervisor, binding)
                self.diffs.append({"before_header": binding["name"], "after_header": binding["name"], "before": "inactive\n", "after": "active\n"})
            if (inactive or made) and not self.check_mode:
                self._networks = None
        return bool(inactive or made)

    def check_unused(self, wanted: t.List[Port]) -> None:
        """ServerError if somebody answers for an address of these ports, as long as the run asks for that."""
        if self.probe_addresses:
            with self._networks_lock:
                networks = self._host_networks()
                self._add_offer(wanted, networks)
            ports.check_unused(wanted, networks, self.who_has)

    def _add_offer(self, wanted: t.Iterable[Port], networks: HostNetworks) -> None:
        """What only few ports need to know of the host is asked for those."""
        if "physical_networks" not in networks and any(port["binding"]["type"] in PROVIDER for port in wanted):
            self.add_offer(networks, self.host.bridge_mappings, self.host.tunnel_address)

    def _host_networks(self) -> HostNetworks:
        if self._networks is None:
            self._networks = offer(self.hypervisor.networks(), self.unfiltered(), self.user_backends(self.hypervisor))
        return self._networks

    def too_small(self, wanted: t.List[Port]) -> t.List[str]:
        """A sentence for each of these ports whose bridge can't carry its packets."""
        with self._networks_lock:
            networks = self._host_networks()
            self._add_offer(wanted, networks)
            return ports.too_small(wanted, networks)

    def check_plugged(self, record: Record, *, wait: bool) -> t.List[str]:
        """What is to be told of the ports of a guest that is there, paused or not; ServerError unless they are plugged. ``wait``: for those that may come."""
        told = self.plugging.wait(record) if wait else self.plugging.look(record)
        # The module that hands packets to the filter may have come with this guest.
        ports.check_filtered(record["ports"], self.unfiltered())
        return told

    def unplug(self, record: Record) -> None:
        """No switch of the host knows a port of a guest that is off. One that does not answer carries nothing, and remembers a mere name at most."""
        for port in record["ports"]:
            if vif_of(port["binding"]).may_be_switched:
                with contextlib.suppress(ServerError):
                    self.remove_switch_port(port["device"], record["uuid"])

    @property
    def filters(self) -> Filters:
        """The network filters of the host."""
        return Filters(self.hypervisor, self.host.state_path, self.ip_sets, self.packet_tables)

    @property
    def on_demand(self) -> OnDemand:
        """The networks of the host that are made on demand."""
        return OnDemand(self.hypervisor, self.host.state_path, self.kernel, check_mode=self.check_mode)

    @property
    def dhcp_servers(self) -> DhcpServers:
        """The DHCP servers of the host's bridges."""
        host = self.host
        return DhcpServers(self.hypervisor, host.name, host.state_path, self.kernel, self.daemons, check_mode=self.check_mode)

    def sweep(self) -> t.Tuple[t.List[str], Swept]:
        """Remove what is on the host for its servers' networks and nobody needs any more: links of DHCP servers, and the rest. ServerError if that fails."""
        return self.dhcp_servers.sweep(), self.on_demand.sweep()

    @property
    def reservations(self) -> Reservations:
        """What DHCP servers of the host give its servers."""
        return Reservations(self.hypervisor)

    def on_host(self, wanted: t.Iterable[Port]) -> t.List[Port]:
        """Ports with what only this host can say of their bindings; for a claim, whose caller holds the host's lock."""
        mapped: t.List[Port] = [{**port, "binding": vif_of(port["binding"]).on_host(port["binding"], self.host.bridge_mappings)} for port in wanted]
        return with_ssh_ports(mapped, self.domains)

    def filter_ports(self, record: Record) -> t.List[str]:
        """What the ports may send and receive is defined, by the rules that this call was given: sentences about those that the host has later ones of."""
        return list(map(outdated_sentence, self.filters.define(record, self.groups)))

    def undo(self, uuid: str) -> None:
        """Remove what the journal names, then the claim, and prove it by reading back; ServerError (unknown) if that is not proven."""
        try:
            journal = self.host.journal(uuid)
            made = journal.entries()
            owned = self.look_up(uuid)
            if owned is not None:
                if owned.record["started"]:
                    raise ServerError("InstanceDeployFailure", "its guest may have run, so nothing of it is removed", unknown=True)
                self.hypervisor.destroy(uuid)
                self.unplug(owned.record)
                journal.undo()
                self.filters.remove(owned.record)
                self.reservations.remove(owned.record["ports"])
                # Last: as long as the claim stands, a run that was cut off here is finished by the next one.
                self.hypervisor.undefine(uuid)
            else:
                journal.undo()
            # After the definition, which needs them.
            self.sweep()
            left = [entry["path"] for entry in (*made, *journal.entries()) if entry["kind"] != "dir" and os.path.lexists(entry["path"])]
            if left or self.hypervisor.find(uuid) is not None:
                raise ServerError("InstanceDeployFailure", f"{', '.join(left) or 'the domain'} is still there", unknown=True)
            locks.forget(self.host.state_path, uuid)
            if owned is not None:
                self.filters.drop_sets(owned.record)
        except (KvmfleetError, OSError) as error:
            raise ServerError("InstanceDeployFailure", f"what was made could not be removed: {error}{self._named(uuid)}", unknown=True) from error

    def _named(self, uuid: str) -> str:
        """Where it stands what was made, for an error's end."""
        journal = self.host.journal(uuid)
        try:
            return f" ({journal.path} names what was made)" if journal.entries() else ""
        except OSError:
            return f" ({journal.path} can't be read)"
