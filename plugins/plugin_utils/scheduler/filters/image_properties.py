# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ImagePropertiesFilter: the host can run the image's architecture, hypervisor and mode (Nova: ``image_props_filter``)."""

from __future__ import annotations

import operator
import re
import typing as t
from collections.abc import Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.filters.base import HostFilter
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.request import Request

CANONICAL = {"amd64": "x86_64", "x86": "i686", "i386": "i686", "x64": "x86_64", "arm64": "aarch64", "hv": "hvm", "paravirt": "xen", "pv": "xen"}
OPERATORS: dict[str, t.Callable[[t.Any, t.Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


def version_text(version: int) -> str:
    """``8.2.0`` of 8002000 (``versionutils.convert_version_to_str``)."""
    return f"{version // 1000000}.{version // 1000 % 1000}.{version % 1000}"


def satisfies(version: int, predicate: str) -> bool:
    """True if a version fulfils ``>=1.0,<6.0`` (``versionutils.VersionPredicate``); ValueError if that is no predicate."""
    own = (version // 1000000, version // 1000 % 1000, version % 1000)
    for part in predicate.split(","):
        match = re.fullmatch(r"\s*(<=|>=|<|>|!=|==)\s*(\d+(?:\.\d+)*)\s*", part)
        if not match:
            raise ValueError(f"version predicate {part!r}")
        other = tuple(int(number) for number in match.group(2).split("."))
        width = max(len(own), len(other))
        if not OPERATORS[match.group(1)](own + (0,) * (width - len(own)), other + (0,) * (width - len(other))):
            return False
    return True


class ImagePropertiesFilter(HostFilter):
    """Architecture, hypervisor type and VM mode must stand together in one of the host's supported instances."""

    run_filter_once_per_request = True

    def reason(self, host: HostState, request: Request) -> str | None:
        properties = request.image_properties
        default: str | None = self.config.filter("image_properties_default_architecture")
        wanted = [str(value) for value in (properties.get("hw_architecture", default), properties.get("img_hv_type"), properties.get("hw_vm_mode")) if value]
        wanted = [CANONICAL.get(value.lower(), value.lower()) for value in wanted]
        if not wanted:
            return None
        if host.supported_instances is None:
            return f"the image requires {'/'.join(wanted)}, the host does not report what it supports"
        for supported in host.supported_instances:
            if all(value in supported for value in wanted):
                break
        else:
            offered = ", ".join("/".join(map(str, supported)) for supported in host.supported_instances) or "nothing"
            return f"the image requires {'/'.join(wanted)}, the host supports {offered}"
        predicate: object = properties.get("img_hv_requested_version")
        if predicate and host.hypervisor_version is None:
            return f"the image requires hypervisor version {predicate}, the host reports none"
        if predicate and host.hypervisor_version and not satisfies(host.hypervisor_version, str(predicate)):
            return f"the image requires hypervisor version {predicate}, the host has {version_text(host.hypervisor_version)}"
        bits: object = properties.get("hw_maxphysaddr_bits")
        address = host.cpu_info.get("maxphysaddr")
        found = address.get("bits") if bits and isinstance(address, Mapping) else None
        return f"the image requires {bits} address bits, the host has {found}" if found and int(found) < int(str(bits)) else None
