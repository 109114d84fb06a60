# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that talks to libvirt; everything it returns is plain data.

Follows ``nova/virt/libvirt/host.py`` (Host) and ``guest.py`` (Guest).
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
import traceback
import typing as t
import xml.etree.ElementTree as ET

from ansible.module_utils.basic import missing_required_lib
from ansible.module_utils.common import respawn

from ansible_collections.kvmfleet.compute.plugins.module_utils import record as instance_record
from ansible_collections.kvmfleet.compute.plugins.module_utils.ansible_module import Module
from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import parse_domain, parse_hardware, parse_interfaces
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.filter_parser import parse_filter
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt_binding import Binding, Connection, LibvirtError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network_parser import CONFIG, LIVE, DhcpSubnet, parse_dhcp, parse_network, parse_user_backends
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import (
    CpuInfo,
    Domain,
    Guest,
    HypervisorHost,
    Interface,
    LibvirtNetwork,
    NetworkFilter,
    Record,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.watchdog import NoAnswer, Watchdog

try:
    import libvirt as binding
except ImportError:
    LIBVIRT_IMPORT_ERROR: t.Optional[str] = traceback.format_exc()
else:
    LIBVIRT_IMPORT_ERROR = None
    libvirt: Binding = binding

T = t.TypeVar("T")

# Since libvirt 8.9; before, a definition never kept its TPM state.
UNDEFINE_TPM: int = 0 if LIBVIRT_IMPORT_ERROR else getattr(libvirt, "VIR_DOMAIN_UNDEFINE_TPM", 0)

POWER_STATES = {0: "nostate", 1: "running", 2: "blocked", 3: "paused", 4: "shutdown", 5: "shutdown", 6: "crashed", 7: "suspended"}
ACTIVE_STATES = (1, 2, 3, 7)
# Why a domain is paused, by virDomainPausedReason; for the others libvirt itself knows no reason, or it is a migration.
PAUSED = 3
PAUSE_REASONS = {
    1: "by a user",
    3: "it is being saved",
    4: "it is being dumped",
    5: "I/O error",
    6: "watchdog",
    7: "restored from a snapshot",
    9: "a snapshot is being made",
    10: "the guest crashed",
    13: "a migration failed",
    14: "an error of libvirt",
}
KIB_PER_GIB = 2**20
MOST_TIMEOUT_S = 86400
# VIR_DOMAIN_PAUSED for VIR_DOMAIN_PAUSED_MIGRATION: how the target of a migration waits for its guest.
PAUSED_BY_MIGRATION = (3, 2)


def require_libvirt(module: Module) -> None:
    """Go on under the distribution's Python if only that has the binding; fail clearly if none has it."""
    if LIBVIRT_IMPORT_ERROR is None:
        return
    if not respawn.has_respawned():
        interpreter = respawn.probe_interpreters_for_module(["/usr/bin/python3", "/usr/libexec/platform-python"], "libvirt")
        if interpreter:
            respawn.respawn_module(interpreter)
    module.fail_json(msg=missing_required_lib("libvirt"), exception=LIBVIRT_IMPORT_ERROR)


def _quiet(_context: object, _error: object) -> None:
    """Libvirt prints each error to stderr unless a handler takes it; we raise them instead."""


def _is_alive(connection: Connection) -> bool:
    try:
        return bool(connection.isAlive())
    except libvirt.libvirtError:
        return False


def _filters(connection: Connection) -> list[str]:
    """Every network filter, as XML."""
    result = []
    for found in connection.listAllNWFilters():
        try:
            result.append(found.XMLDesc())
        except libvirt.libvirtError as error:
            if error.get_error_code() != libvirt.VIR_ERR_NO_NWFILTER:
                raise  # else it was removed between the two calls
    return result


def _guests(capabilities: ET.Element) -> list[Guest]:
    """What kinds of guests the host can run."""
    return [
        {
            "arch": arch.get("name", ""),
            "os_type": guest.findtext("os_type") or "",
            "virt_types": [domain.get("type", "") for domain in arch.findall("domain")],
        }
        for guest in capabilities.findall("guest")
        for arch in guest.findall("arch")[:1]
    ]


class Hypervisor:
    """One libvirt connection, for any number of threads. Every method raises HypervisorError with libvirt's message.

    A daemon that is restarted meanwhile is waited for, and the call made again: each call here may be repeated, because its second run
    finds what the first one did. A daemon that does not answer a call in ``timeout_s``, or does not come back, is lost: whoever waits for it is told so at
    once, and nothing more is sent to it.
    """

    RECONNECT_S = 30.0
    RECONNECTS = 3  # for one call, which may be what ends libvirtd
    CLOSE_S = 5.0  # nothing depends on a connection's end
    ASK_S = 5.0  # for a word of libvirt when it does not answer a call
    FILTERS_S = 3600.0  # what network filters may take: those of some hundred ports
    FILTERS_ANSWER_S = 1.0  # what telling of all network filters, three times, takes at the most where nothing is done to them
    # libvirtd works on five calls of a connection at once (max_client_requests). One place stays free: a short call that had to wait behind guests that
    # start or stop slowly would be taken for a libvirtd that hangs.
    SLOW_CALLS = 4

    def __init__(self, uri: str, timeout_s: float = 60.0) -> None:
        if not 0 < timeout_s <= MOST_TIMEOUT_S:
            raise ServerError("InvalidInput", f"libvirt_timeout_s: {timeout_s:g} must be more than 0 and not more than {MOST_TIMEOUT_S}")
        libvirt.registerErrorHandler(_quiet, None)
        self._uri = uri
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._slow_calls = threading.BoundedSemaphore(self.SLOW_CALLS)
        self._watchdog = Watchdog()
        try:
            self._connection = self._open()
        except libvirt.libvirtError as error:
            raise HypervisorError(f"libvirt at {uri} does not answer: {error}", lost=True, sent=False) from error

    def __enter__(self) -> Hypervisor:
        return self

    def __exit__(self, *_exc: object) -> None:
        with contextlib.suppress(libvirt.libvirtError, HypervisorError):
            self._bounded(self._connection.close, self.CLOSE_S)

    @property
    def lost(self) -> t.Optional[str]:
        """Why nothing more is sent to libvirt; None as long as it answers."""
        return self._watchdog.gave_up

    def _bounded(self, call: t.Callable[[], T], limit_s: float, *, again: bool = False) -> T:
        """``call()``; HypervisorError if it has not ended after ``limit_s``: it can't be stopped, and may still take effect. ``again``: one was sent before.

        The time in which libvirt is at work on network filters does not count: who was held up has the whole of ``limit_s`` afterwards.
        """
        latest = time.monotonic() + limit_s + self.FILTERS_S
        held_up = [False]

        def more_s() -> float:
            held_up.append(time.monotonic() < latest and self._works_on_filters())
            return limit_s if any(held_up[-2:]) else 0.0

        try:
            return self._watchdog.call(call, limit_s, f"libvirt at {self._uri} has not answered a call within {limit_s:.0f} s", more_s)
        except NoAnswer as error:
            raise HypervisorError(str(error), lost=True, sent=again or error.begun) from None

    def _works_on_filters(self) -> bool:
        """True if libvirt makes rules of network filters, and answers.

        That takes it a second or more for each port, one after another. Until it is done with all, it neither starts nor stops another guest with filters, and
        tells nothing of these filters, of its ports, and of a guest that waits.
        """
        calls = Watchdog()
        with contextlib.suppress(libvirt.libvirtError, NoAnswer):
            # Those that wait may be as many as one connection may have.
            connection = calls.call(lambda: libvirt.open(self._uri), self.ASK_S, "")
            calls.call(connection.getLibVersion, self.ASK_S, "")
            try:
                # Between two ports there is a moment in which it tells.
                calls.call(lambda: [_filters(connection) for _time in range(3)], self.FILTERS_ANSWER_S, "")
            except NoAnswer:
                return True
            calls.call(connection.close, self.CLOSE_S, "")
        return False

    def _open(self, *, again: bool = False) -> Connection:
        return self._bounded(lambda: libvirt.open(self._uri), self._timeout_s, again=again)

    def _reconnect(self, lost: Connection, error: Exception) -> None:
        """Open the connection again, once for all threads that lost it; who has waited in vain has done so for all."""
        with self._lock:
            if self._connection is not lost:
                return
            deadline = time.monotonic() + self.RECONNECT_S
            while True:
                try:
                    self._connection = self._open(again=True)
                    return
                except libvirt.libvirtError:
                    if time.monotonic() > deadline:
                        why = f"libvirt went away and did not come back within {self.RECONNECT_S:.0f} s: {error}"
                        self._watchdog.give_up(why)
                        raise HypervisorError(why, lost=True) from error
                time.sleep(0.2)

    def _do(self, function: t.Callable[[Connection], T], more_s: float = 0.0) -> T:
        """``function(connection)``, made again if the connection was lost; ``more_s``: what it may take beyond the limit."""
        lost = 0
        while True:
            connection = self._connection
            try:
                return self._bounded(functools.partial(function, connection), self._timeout_s + more_s, again=lost > 0)
            except libvirt.libvirtError as error:
                lost += 1
                self._refused_or_reconnected(connection, error, lost)

    def _do_once(self, function: t.Callable[[Connection], object], done: int, more_s: float = 0.0) -> None:
        """``function(connection)``; ``done``: the error code that means, on a repetition, that the first call was carried out."""
        lost = 0
        while True:
            connection = self._connection
            try:
                self._bounded(functools.partial(function, connection), self._timeout_s + more_s, again=lost > 0)
                return
            except libvirt.libvirtError as error:
                if lost and error.get_error_code() == done:
                    return
                lost += 1
                self._refused_or_reconnected(connection, error, lost)

    def _refused_or_reconnected(self, connection: Connection, error: LibvirtError, lost: int) -> None:
        """HypervisorError if libvirt answered, or the call has lost the connection too often; else there is a connection again."""
        # The first who hears of a connection that broke may hear of it before the connection itself is said to be dead.
        if _is_alive(connection) and error.get_error_domain() != libvirt.VIR_FROM_RPC:
            code = error.get_error_code()
            # A time-out answers nothing: what was asked for may still happen.
            raise HypervisorError(str(error), code, lost=code == libvirt.VIR_ERR_OPERATION_TIMEOUT) from error
        if lost > self.RECONNECTS:
            raise HypervisorError(f"libvirt went away {lost} times during one call: {error}", lost=True) from error
        self._reconnect(connection, error)

    # the host

    def host(self) -> HypervisorHost:
        """Totals and identity."""
        info = self._do(lambda c: c.getInfo())
        capabilities = ET.fromstring(self._do(lambda c: c.getCapabilities()))
        # getInfo() counts what the NUMA nodes had at boot; the kernel's own total knows of memory plugged in later.
        memory = self._do(lambda c: c.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS, 0))
        arch = capabilities.findtext("host/cpu/arch") or str(info[0])
        return {
            "node": self._do(lambda c: c.getHostname()),
            "uuid": capabilities.findtext("host/uuid") or "",
            "hypervisor_type": self._do(lambda c: c.getType()),
            "hypervisor_version": self._do(lambda c: c.getVersion()),
            "libvirt_version": self._do(lambda c: c.getLibVersion()),
            "arch": arch,
            "vcpus": int(info[2]),
            "memory_mb": memory["total"] // 1024,
            "cpu_info": self._cpu_info(capabilities, arch),
            "guests": _guests(capabilities),
        }

    def user_backends(self) -> t.List[str]:
        """By its domain capabilities."""
        return parse_user_backends(self._do(lambda c: c.getDomainCapabilities(None, None, None, None, 0)))

    def _cpu_info(self, capabilities: ET.Element, arch: str) -> CpuInfo:
        topology = capabilities.find("host/cpu/topology")
        return {
            "arch": arch,
            "model": capabilities.findtext("host/cpu/model") or "",
            "vendor": capabilities.findtext("host/cpu/vendor") or "",
            "topology": {key: int(topology.get(key, "1")) for key in ("sockets", "cores", "threads")} if topology is not None else {},
            "features": self._cpu_features(capabilities.find("host/cpu")),
        }

    def _cpu_features(self, cpu: ET.Element | None) -> list[str]:
        """The features of the host's CPU, those of its model too."""
        if cpu is None:
            return []
        listed = {feature.get("name", "") for feature in cpu.findall("feature")}
        text = ET.tostring(cpu, encoding="unicode")
        try:
            expanded = self._do(lambda c: c.baselineCPU([text], libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES))
        except HypervisorError as error:
            if error.unknown:
                raise
            # Not every architecture has models to expand.
            return sorted(listed)
        return sorted(listed | {feature.get("name", "") for feature in ET.fromstring(expanded).findall("feature")})

    def networks(self) -> list[LibvirtNetwork]:
        """Every libvirt network, by name."""

        def read(connection: Connection) -> list[LibvirtNetwork]:
            result: list[LibvirtNetwork] = []
            for network in connection.listAllNetworks():
                result.append(parse_network(network.XMLDesc(), active=bool(network.isActive())))
            return sorted(result, key=lambda item: item["name"])

        return self._do(read)

    def start_network(self, name: str) -> None:
        """Activate a libvirt network that is defined."""
        self._do_once(lambda c: c.networkLookupByName(name).create(), done=libvirt.VIR_ERR_OPERATION_INVALID)

    def dhcp_subnets(self, network: str) -> list[DhcpSubnet]:
        """Where a libvirt network's own DHCP server answers, as it is defined and as it runs; none if there is no such network."""

        def read(connection: Connection) -> list[DhcpSubnet]:
            found = connection.networkLookupByName(network)
            defined = parse_dhcp(found.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE), CONFIG) if found.isPersistent() else []
            return defined + (parse_dhcp(found.XMLDesc(0), LIVE) if found.isActive() else [])

        try:
            return self._do(read)
        except HypervisorError as error:
            if error.code == libvirt.VIR_ERR_NO_NETWORK:
                return []
            raise

    def add_dhcp_host(self, network: str, subnet: DhcpSubnet, xml: str) -> None:
        """The DHCP server of a libvirt network knows a ``<host>``."""
        self._update_dhcp_host(libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, network, subnet, xml)

    def remove_dhcp_host(self, network: str, subnet: DhcpSubnet, xml: str) -> None:
        """The DHCP server of a libvirt network knows a ``<host>`` no more."""
        self._update_dhcp_host(libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE, network, subnet, xml)

    def _update_dhcp_host(self, command: int, network: str, subnet: DhcpSubnet, xml: str) -> None:
        section = libvirt.VIR_NETWORK_SECTION_IP_DHCP_HOST
        flags = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE if subnet.layer == LIVE else libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
        # Both a host that is there already and one that is not there are an invalid operation.
        done = libvirt.VIR_ERR_OPERATION_INVALID
        self._do_once(lambda c: c.networkLookupByName(network).update(command, section, subnet.position, xml, flags), done=done)

    # network filters

    def filters(self) -> list[NetworkFilter]:
        """Every network filter, by name."""

        try:
            return sorted(map(parse_filter, self._do(_filters)), key=lambda item: item["name"])
        except HypervisorError as error:
            if error.code == libvirt.VIR_ERR_NO_SUPPORT:
                return []  # a libvirt without the driver for them has none
            raise

    def define_filter(self, xml: str) -> None:
        """Define a network filter, or define it again: guests that run follow it before this ends."""
        with self._slow_calls:
            self._do(lambda c: c.nwfilterDefineXML(xml))

    def undefine_filter(self, name: str) -> None:
        """Remove a network filter that no running guest uses."""
        self._do_once(lambda c: c.nwfilterLookupByName(name).undefine(), done=libvirt.VIR_ERR_NO_NWFILTER)

    def bound_filter(self, device: str) -> str | None:
        """The name of the network filter that a tap's frames go through; None if it has none."""
        try:
            return self._do(lambda c: c.nwfilterBindingLookupByPortDev(device).filterName())
        except HypervisorError as error:
            if error.code in (libvirt.VIR_ERR_NO_NWFILTER_BINDING, libvirt.VIR_ERR_NO_SUPPORT):
                return None
            raise

    # domains

    def domains(self, *, live: bool = False) -> list[Domain]:
        """Every domain, running or not; one bulk call, then one XML each; ``live``: of those that run the XML of what they have now, too."""

        def read(connection: Connection) -> list[Domain]:
            result = []
            for domain, stats in connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE):
                try:
                    xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
                    running = domain.XMLDesc(0) if live and stats.get("state.state") in ACTIVE_STATES else None
                except libvirt.libvirtError as error:
                    if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                        continue  # deleted between the two calls
                    raise
                found = parse_domain(xml, POWER_STATES.get(stats.get("state.state", 0), "nostate"))
                state, reason = stats.get("state.state"), stats.get("state.reason")
                found["migrating"] = (state, reason) == PAUSED_BY_MIGRATION
                found["power_reason"] = PAUSE_REASONS.get(reason) if state == PAUSED and reason is not None else None
                if live and running:
                    found["live"] = parse_hardware(running)
                result.append(found)
            return result

        return self._do(read)

    def disk_capacity(self, uuid: str, path: str) -> int | None:
        """Virtual size in bytes of a domain's disk; None if libvirt can't tell (no medium, file gone)."""
        try:
            return self._do(lambda c: c.lookupByUUIDString(uuid).blockInfo(path))[0]
        except HypervisorError as error:
            if error.code is None:
                raise
            return None

    def find(self, uuid: str) -> Domain | None:
        """One domain; None if it does not exist."""

        def read(connection: Connection) -> Domain:
            domain = connection.lookupByUUIDString(uuid)
            return parse_domain(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE), POWER_STATES.get(domain.state()[0], "nostate"))

        try:
            return self._do(read)
        except HypervisorError as error:
            if error.code == libvirt.VIR_ERR_NO_DOMAIN:
                return None
            raise

    def power_state(self, uuid: str) -> str:
        """The domain's power state as libvirt says now."""
        return POWER_STATES.get(self._do(lambda c: c.lookupByUUIDString(uuid).state())[0], "nostate")

    def define(self, xml: str) -> None:
        """Define a domain, validated against libvirt's schema."""
        self._do(lambda c: c.defineXMLFlags(xml, libvirt.VIR_DOMAIN_DEFINE_VALIDATE))

    def start_paused(self, uuid: str) -> None:
        """Start a domain with its CPUs stopped."""
        flags = libvirt.VIR_DOMAIN_START_PAUSED
        # QEMU may have to zero all of the guest's memory first: a second for each GiB, as libvirt itself gives it (``qemuConnectMonitor``).
        more_s = self._do(lambda c: c.lookupByUUIDString(uuid).maxMemory()) / KIB_PER_GIB
        with self._slow_calls:
            self._do_once(lambda c: c.lookupByUUIDString(uuid).createWithFlags(flags), done=libvirt.VIR_ERR_OPERATION_INVALID, more_s=more_s)

    def resume(self, uuid: str) -> None:
        """Let a paused domain run."""
        self._do_once(lambda c: c.lookupByUUIDString(uuid).resume(), done=libvirt.VIR_ERR_OPERATION_INVALID)

    def destroy(self, uuid: str) -> None:
        """Stop a domain at once; no error if it is off."""

        def stop(connection: Connection) -> None:
            domain = connection.lookupByUUIDString(uuid)
            if not domain.isActive():
                return
            try:
                domain.destroy()
            except libvirt.libvirtError as error:
                if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
                    raise  # else it stopped by itself meanwhile

        with self._slow_calls:
            self._do(stop)

    def undefine(self, uuid: str) -> None:
        """Remove a domain's definition with its NVRAM, TPM state, managed save and the metadata of snapshots and checkpoints."""
        flags = libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        flags |= libvirt.VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA | UNDEFINE_TPM
        self._do_once(lambda c: c.lookupByUUIDString(uuid).undefineFlags(flags), done=libvirt.VIR_ERR_NO_DOMAIN)

    def set_record(self, uuid: str, record: Record) -> None:
        """Replace the instance record, in the definition and in the running domain."""
        text = instance_record.to_metadata(record)

        def write(connection: Connection) -> None:
            domain = connection.lookupByUUIDString(uuid)
            flags = libvirt.VIR_DOMAIN_AFFECT_CONFIG
            if domain.isActive():
                flags |= libvirt.VIR_DOMAIN_AFFECT_LIVE
            domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, text, instance_record.PREFIX, instance_record.NAMESPACE, flags)

        self._do(write)

    def live_interfaces(self, uuid: str) -> list[Interface]:
        """The running domain's interfaces with the tap and the bridge that libvirt really used."""
        return parse_interfaces(self._do(lambda c: c.lookupByUUIDString(uuid).XMLDesc(0)))
