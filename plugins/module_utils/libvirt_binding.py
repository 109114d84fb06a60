# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of libvirt's Python binding that is used here, as types; the binding brings none of its own."""

from __future__ import annotations

import typing as t


class Network(t.Protocol):
    """A virNetwork."""

    def name(self) -> str: ...

    def XMLDesc(self, flags: int = 0) -> str: ...

    def isActive(self) -> int: ...

    def isPersistent(self) -> int: ...

    def create(self) -> int: ...

    def update(self, command: int, section: int, parentIndex: int, xml: str, flags: int) -> int: ...


class NWFilter(t.Protocol):
    """A virNWFilter."""

    def XMLDesc(self) -> str: ...

    def undefine(self) -> int: ...


class NWFilterBinding(t.Protocol):
    """A virNWFilterBinding."""

    def filterName(self) -> str: ...


class LibvirtDomain(t.Protocol):
    """A virDomain."""

    def XMLDesc(self, flags: int) -> str: ...

    def state(self) -> t.Tuple[int, int]: ...

    def isActive(self) -> int: ...

    def maxMemory(self) -> int:
        """In KiB."""

    def blockInfo(self, path: str) -> t.List[int]: ...

    def createWithFlags(self, flags: int) -> int: ...

    def resume(self) -> int: ...

    def destroy(self) -> int: ...

    def undefineFlags(self, flags: int) -> int: ...

    def setMetadata(self, kind: int, metadata: str, key: str, uri: str, flags: int) -> int: ...


class Connection(t.Protocol):
    """A virConnect."""

    def isAlive(self) -> int: ...

    def close(self) -> int: ...

    def getInfo(self) -> t.Tuple[str, int, int, int, int, int, int, int]: ...

    def getCapabilities(self) -> str: ...

    def getDomainCapabilities(
        self, emulatorbin: t.Optional[str], arch: t.Optional[str], machine: t.Optional[str], virttype: t.Optional[str], flags: int
    ) -> str: ...

    def getMemoryStats(self, cell: int, flags: int) -> t.Dict[str, int]: ...

    def getHostname(self) -> str: ...

    def getType(self) -> str: ...

    def getVersion(self) -> int: ...

    def getLibVersion(self) -> int: ...

    def baselineCPU(self, cpus: t.List[str], flags: int) -> str: ...

    def listAllNetworks(self) -> t.List[Network]: ...

    def networkLookupByName(self, name: str) -> Network: ...

    def listAllNWFilters(self) -> t.List[NWFilter]: ...

    def nwfilterBindingLookupByPortDev(self, device: str) -> NWFilterBinding: ...

    def nwfilterDefineXML(self, xml: str) -> NWFilter: ...

    def nwfilterLookupByName(self, name: str) -> NWFilter: ...

    def getAllDomainStats(self, stats: int) -> t.List[t.Tuple[LibvirtDomain, t.Dict[str, int]]]: ...

    def lookupByUUIDString(self, uuid: str) -> LibvirtDomain: ...

    def defineXMLFlags(self, xml: str, flags: int) -> LibvirtDomain: ...


class LibvirtError(Exception):
    """A libvirtError."""

    def get_error_code(self) -> int:
        """The VIR_ERR_* number."""
        raise NotImplementedError

    def get_error_domain(self) -> int:
        """The VIR_FROM_* number: the part of libvirt that raised it."""
        raise NotImplementedError


class Binding(t.Protocol):
    """The module itself."""

    libvirtError: t.Type[LibvirtError]
    VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES: int
    VIR_DOMAIN_AFFECT_CONFIG: int
    VIR_DOMAIN_AFFECT_LIVE: int
    VIR_DOMAIN_DEFINE_VALIDATE: int
    VIR_DOMAIN_METADATA_ELEMENT: int
    VIR_DOMAIN_START_PAUSED: int
    VIR_DOMAIN_STATS_STATE: int
    VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA: int
    VIR_DOMAIN_UNDEFINE_MANAGED_SAVE: int
    VIR_DOMAIN_UNDEFINE_NVRAM: int
    VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA: int
    VIR_DOMAIN_XML_INACTIVE: int
    VIR_ERR_NO_DOMAIN: int
    VIR_ERR_NO_NETWORK: int
    VIR_ERR_NO_NWFILTER: int
    VIR_ERR_NO_NWFILTER_BINDING: int
    VIR_ERR_NO_SUPPORT: int
    VIR_ERR_OPERATION_INVALID: int
    VIR_ERR_OPERATION_TIMEOUT: int
    VIR_FROM_RPC: int
    VIR_NETWORK_SECTION_IP_DHCP_HOST: int
    VIR_NETWORK_UPDATE_AFFECT_CONFIG: int
    VIR_NETWORK_UPDATE_AFFECT_LIVE: int
    VIR_NETWORK_UPDATE_COMMAND_ADD_LAST: int
    VIR_NETWORK_UPDATE_COMMAND_DELETE: int
    VIR_NETWORK_XML_INACTIVE: int
    VIR_NODE_MEMORY_STATS_ALL_CELLS: int

    def open(self, uri: str) -> Connection: ...

    def registerErrorHandler(self, handler: t.Callable[[object, object], None], context: object) -> None: ...
