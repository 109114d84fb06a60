# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one place that talks to libvirt; everything it returns is plain data.

Follows ``nova/virt/libvirt/host.py`` (Host) and ``guest.py`` (Guest).
"""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
import typing as t
import xml.etree.ElementTree as ET

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common import respawn

from ansible_collections.kvmfleet.compute.plugins.module_utils import record as instance_record

try:
    import libvirt
except ImportError:
    LIBVIRT_IMPORT_ERROR: t.Optional[str] = traceback.format_exc()
else:
    LIBVIRT_IMPORT_ERROR = None

POWER_STATES = {0: "nostate", 1: "running", 2: "blocked", 3: "paused", 4: "shutdown", 5: "shutdown", 6: "crashed", 7: "suspended"}


class HypervisorError(Exception):
    """Libvirt said no; the message is libvirt's own, ``code`` its VIR_ERR_* number."""

    def __init__(self, message: str, code: t.Optional[int] = None) -> None:
        super().__init__(message)
        self.code = code


def require_libvirt(module: AnsibleModule) -> None:
    """Go on under the distribution's Python where only that has the binding; fail clearly where none has it."""
    if LIBVIRT_IMPORT_ERROR is None:
        return
    if not respawn.has_respawned():
        interpreter = respawn.probe_interpreters_for_module(["/usr/bin/python3", "/usr/libexec/platform-python"], "libvirt")
        if interpreter:
            respawn.respawn_module(interpreter)
    module.fail_json(msg=missing_required_lib("libvirt"), exception=LIBVIRT_IMPORT_ERROR)


def _text(element: ET.Element, path: str, default: str = "") -> str:
    found = element.find(path)
    return (found.text or default) if found is not None else default


def _memory_mb(root: ET.Element) -> int:
    """``<memory>`` in MB, rounded up: what the host may have to give."""
    element = root.find("memory")
    if element is None:
        return 0
    unit = {"b": 1, "bytes": 1, "KB": 1000, "KiB": 1024, "k": 1024, "MB": 10**6, "MiB": 2**20, "M": 2**20, "GB": 10**9, "GiB": 2**30, "G": 2**30}
    size = int(element.text or 0) * unit.get(element.get("unit", "KiB"), 1024)
    return -(-size // 2**20)


def parse_domain(xml: str) -> dict[str, t.Any]:
    """What we read from a domain's XML: {name, uuid, title, vcpus, memory_mb, disks, interfaces, record, record_error, machine_type}."""
    root = ET.fromstring(xml)
    disks = []
    for disk in root.findall("devices/disk"):
        source = disk.find("source")
        target = disk.find("target")
        disks.append(
            {
                "path": (source.get("file") or source.get("dev")) if source is not None else None,
                "target": target.get("dev") if target is not None else None,
                "device": disk.get("device", "disk"),
                "readonly": disk.find("readonly") is not None,
            }
        )
    interfaces = []
    for interface in root.findall("devices/interface"):
        source, mac, target = interface.find("source"), interface.find("mac"), interface.find("target")
        interfaces.append(
            {
                "mac_address": (mac.get("address") or "").lower() if mac is not None else "",
                "bridge": source.get("bridge") if source is not None else None,
                "libvirt_network": source.get("network") if source is not None else None,
                "device": target.get("dev") if target is not None else None,
            }
        )
    os_type = root.find("os/type")
    parsed: dict[str, t.Any] = {
        "name": _text(root, "name"),
        "uuid": _text(root, "uuid"),
        "title": _text(root, "title"),
        "vcpus": int(_text(root, "vcpu", "0") or 0),
        "memory_mb": _memory_mb(root),
        "machine_type": os_type.get("machine") if os_type is not None else None,
        "disks": disks,
        "interfaces": interfaces,
        "record": None,
        "record_error": None,
    }
    element = root.find(f"metadata/{{{instance_record.NAMESPACE}}}{instance_record.TAG}")
    if element is not None:
        try:
            parsed["record"] = instance_record.from_element(element)
        except ValueError as error:
            parsed["record_error"] = str(error)
    return parsed


def _quiet(_context: t.Any, _error: t.Any) -> None:
    """Libvirt prints each error to stderr unless a handler takes it; we raise them instead."""


def _is_alive(connection: t.Any) -> bool:
    try:
        return bool(connection.isAlive())
    except libvirt.libvirtError:
        return False


class Hypervisor:
    """One libvirt connection, for any number of threads. Every method raises HypervisorError with libvirt's message.

    A daemon that is restarted meanwhile is waited for, and the call made again: each call here may be repeated, because its second run
    finds what the first one did.
    """

    RECONNECT_S = 30.0

    def __init__(self, uri: str) -> None:
        libvirt.registerErrorHandler(_quiet, None)
        self._uri = uri
        self._lock = threading.Lock()
        try:
            self._connection = libvirt.open(uri)
        except libvirt.libvirtError as error:
            raise HypervisorError(f"libvirt at {uri} does not answer: {error}") from error

    def __enter__(self) -> Hypervisor:
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        with contextlib.suppress(libvirt.libvirtError):
            self._connection.close()

    def _reconnect(self, lost: t.Any, error: Exception) -> None:
        """Open the connection again, once for all threads that lost it."""
        with self._lock:
            if self._connection is not lost:
                return
            deadline = time.monotonic() + self.RECONNECT_S
            while True:
                try:
                    self._connection = libvirt.open(self._uri)
                    return
                except libvirt.libvirtError:
                    if time.monotonic() > deadline:
                        raise HypervisorError(f"libvirt went away and did not come back within {self.RECONNECT_S:.0f} s: {error}") from error
                time.sleep(0.2)

    def _do(self, function: t.Callable[[t.Any], t.Any], done: t.Optional[int] = None) -> t.Any:
        """``function(connection)``; ``done``: the error code that means, on a repetition, that the first call was carried out."""
        repeated = False
        while True:
            connection = self._connection
            try:
                return function(connection)
            except libvirt.libvirtError as error:
                if repeated and done is not None and error.get_error_code() == done:
                    return None
                if _is_alive(connection):
                    raise HypervisorError(str(error), error.get_error_code()) from error
                self._reconnect(connection, error)
                repeated = True

    # the host

    def host(self) -> dict[str, t.Any]:
        """Totals and identity: {node, uuid, hypervisor_type, hypervisor_version, libvirt_version, arch, vcpus, memory_mb, cpu_info, guests}."""
        info = self._do(lambda c: c.getInfo())
        capabilities = ET.fromstring(self._do(lambda c: c.getCapabilities()))
        topology = capabilities.find("host/cpu/topology")
        guests = []
        for guest in capabilities.findall("guest"):
            arch = guest.find("arch")
            if arch is not None:
                guests.append({"arch": arch.get("name"), "os_type": _text(guest, "os_type"), "virt_types": [d.get("type") for d in arch.findall("domain")]})
        # getInfo() counts what the NUMA nodes had at boot; the kernel's own total knows of memory plugged in later.
        memory = self._do(lambda c: c.getMemoryStats(libvirt.VIR_NODE_MEMORY_STATS_ALL_CELLS, 0))
        arch_name = _text(capabilities, "host/cpu/arch", info[0])
        return {
            "node": self._do(lambda c: c.getHostname()),
            "uuid": _text(capabilities, "host/uuid"),
            "hypervisor_type": self._do(lambda c: c.getType()),
            "hypervisor_version": self._do(lambda c: c.getVersion()),
            "libvirt_version": self._do(lambda c: c.getLibVersion()),
            "arch": arch_name,
            "vcpus": info[2],
            "memory_mb": int(memory["total"]) // 1024,
            "cpu_info": {
                "arch": arch_name,
                "model": _text(capabilities, "host/cpu/model"),
                "vendor": _text(capabilities, "host/cpu/vendor"),
                "topology": {key: int(topology.get(key, "1")) for key in ("sockets", "cores", "threads")} if topology is not None else {},
                "features": self._cpu_features(capabilities.find("host/cpu")),
            },
            "guests": guests,
        }

    def _cpu_features(self, cpu: ET.Element | None) -> list[str]:
        """The features of the host's CPU, those of its model too."""
        if cpu is None:
            return []
        listed = {feature.get("name", "") for feature in cpu.findall("feature")}
        try:
            expanded = self._do(lambda c: c.baselineCPU([ET.tostring(cpu, encoding="unicode")], libvirt.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES))
        except HypervisorError:
            # Not every architecture has models to expand.
            return sorted(listed)
        return sorted(listed | {feature.get("name", "") for feature in ET.fromstring(expanded).findall("feature")})

    def networks(self) -> list[dict[str, t.Any]]:
        """Every libvirt network: [{name, bridge, active}]."""

        def read(connection: t.Any) -> list[dict[str, t.Any]]:
            result = []
            for network in connection.listAllNetworks():
                bridge = ET.fromstring(network.XMLDesc()).find("bridge")
                result.append({"name": network.name(), "bridge": bridge.get("name") if bridge is not None else None, "active": bool(network.isActive())})
            return sorted(result, key=lambda item: item["name"])

        return t.cast("list[dict[str, t.Any]]", self._do(read))

    def start_network(self, name: str) -> None:
        """Activate a libvirt network that is defined."""
        self._do(lambda c: c.networkLookupByName(name).create(), done=libvirt.VIR_ERR_OPERATION_INVALID)

    # domains

    def domains(self) -> list[dict[str, t.Any]]:
        """Every domain, running or not, with its power state: [parse_domain() + power_state]; one bulk call, then one XML each."""

        def read(connection: t.Any) -> list[dict[str, t.Any]]:
            result = []
            for domain, stats in connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE):
                try:
                    xml = domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE)
                except libvirt.libvirtError as error:
                    if error.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                        continue  # deleted between the two calls
                    raise
                result.append(dict(parse_domain(xml), power_state=POWER_STATES.get(stats.get("state.state", 0), "nostate")))
            return result

        return t.cast("list[dict[str, t.Any]]", self._do(read))

    def disk_capacity(self, uuid: str, path: str) -> int | None:
        """Virtual size in bytes of a domain's disk; None where libvirt can't tell (no medium, file gone)."""
        try:
            return t.cast(int, self._do(lambda c: c.lookupByUUIDString(uuid).blockInfo(path))[0])
        except HypervisorError:
            return None

    def find(self, uuid: str) -> dict[str, t.Any] | None:
        """One domain as in domains(); None where there is none."""

        def read(connection: t.Any) -> dict[str, t.Any]:
            domain = connection.lookupByUUIDString(uuid)
            parsed = parse_domain(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_INACTIVE))
            return dict(parsed, power_state=POWER_STATES.get(domain.state()[0], "nostate"))

        try:
            return t.cast("dict[str, t.Any]", self._do(read))
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
        self._do(lambda c: c.lookupByUUIDString(uuid).createWithFlags(flags), done=libvirt.VIR_ERR_OPERATION_INVALID)

    def resume(self, uuid: str) -> None:
        """Let a paused domain run."""
        self._do(lambda c: c.lookupByUUIDString(uuid).resume(), done=libvirt.VIR_ERR_OPERATION_INVALID)

    def destroy(self, uuid: str) -> None:
        """Stop a domain at once; no error where it is off."""

        def stop(connection: t.Any) -> None:
            domain = connection.lookupByUUIDString(uuid)
            if not domain.isActive():
                return
            try:
                domain.destroy()
            except libvirt.libvirtError as error:
                if error.get_error_code() != libvirt.VIR_ERR_OPERATION_INVALID:
                    raise  # else it stopped by itself meanwhile

        self._do(stop)

    def undefine(self, uuid: str) -> None:
        """Remove a domain's definition with its NVRAM, managed save and snapshot metadata."""
        flags = libvirt.VIR_DOMAIN_UNDEFINE_NVRAM | libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA
        self._do(lambda c: c.lookupByUUIDString(uuid).undefineFlags(flags), done=libvirt.VIR_ERR_NO_DOMAIN)

    def set_record(self, uuid: str, record: dict) -> None:
        """Replace the instance record, in the definition and in the running domain."""
        text = instance_record.to_metadata(record)

        def write(connection: t.Any) -> None:
            domain = connection.lookupByUUIDString(uuid)
            flags = libvirt.VIR_DOMAIN_AFFECT_CONFIG
            if domain.isActive():
                flags |= libvirt.VIR_DOMAIN_AFFECT_LIVE
            domain.setMetadata(libvirt.VIR_DOMAIN_METADATA_ELEMENT, text, instance_record.PREFIX, instance_record.NAMESPACE, flags)

        self._do(write)

    def live_interfaces(self, uuid: str) -> list[dict[str, t.Any]]:
        """The running domain's interfaces with the tap and the bridge that libvirt really used: [{mac_address, bridge, libvirt_network, device}]."""
        xml = self._do(lambda c: c.lookupByUUIDString(uuid).XMLDesc(0))
        return t.cast("list[dict[str, t.Any]]", parse_domain(xml)["interfaces"])
