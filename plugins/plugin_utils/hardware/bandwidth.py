# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a NIC may send and receive: from Neutron's rules of its port, else from the flavor's quota:vif_*; pure.

Follows ``nova/virt/libvirt/designer.py: set_vif_bandwidth_config`` and ``neutron/services/qos``: Nova's numbers are libvirt's kB/s and kB, Neutron's are
kbit/s and kbit.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bandwidth, Rate
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import BandwidthRule

SPEC = re.compile(r"quota:vif_(?:in|out)bound_(?:average|peak|burst)")
MOST = 2**31 - 1
MOST_BURST = (2**32 - 1) // 1024  # kB: tc counts a burst's bytes in 32 bits, and no guest starts with more
# Neutron's direction: both see it as the guest does.
DIRECTIONS = {"ingress": "inbound", "egress": "outbound"}
# Neutron's burst, if a rule names none: what TCP needs to reach the limit.
BURST_PERCENT = 80
KBIT = 8  # of a kB


def spec_faults(extra_specs: Mapping[str, str]) -> Iterator[Fault]:
    """What can't be read; a fault's path is the extra spec."""
    for spec, value in extra_specs.items():
        most = MOST_BURST if spec.endswith("_burst") else MOST
        if SPEC.fullmatch(spec) and not (_is_amount(value) and int(value) <= most):
            yield Fault(spec, value, f"must be a whole number from 0 to {most}")


def notes(extra_specs: Mapping[str, str]) -> Iterator[str]:
    """Peaks and bursts without an average, which count for nothing, as in Nova."""
    for name in DIRECTIONS.values():
        if not _amount(extra_specs, name, "average"):
            idle = [f"quota:vif_{name}_{part}" for part in ("peak", "burst") if f"quota:vif_{name}_{part}" in extra_specs]
            if idle:
                yield f"no effect without quota:vif_{name}_average: {', '.join(idle)}"


def of_flavor(extra_specs: Mapping[str, str]) -> Bandwidth | None:
    """What the extra specs allow every NIC; None: there is no limit, or none that can be read."""
    return _unless_empty(_rate_of_flavor(extra_specs, "inbound"), _rate_of_flavor(extra_specs, "outbound"))


def of_port(rules: Iterable[BandwidthRule]) -> Bandwidth | None:
    """What the rules of a port allow it; None: there is no limit."""
    found = {DIRECTIONS[rule["direction"]]: _rate_of_rule(rule) for rule in rules}
    return _unless_empty(found.get("inbound"), found.get("outbound"))


def chosen(port: Bandwidth | None, flavor: Bandwidth | None) -> Bandwidth | None:
    """In each direction the port's limit, else the flavor's."""
    if port is None or flavor is None:
        return port or flavor
    return {"inbound": port["inbound"] or flavor["inbound"], "outbound": port["outbound"] or flavor["outbound"]}


def _unless_empty(inbound: Rate | None, outbound: Rate | None) -> Bandwidth | None:
    return {"inbound": inbound, "outbound": outbound} if inbound or outbound else None


def _is_amount(value: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,10}", value)) and int(value) <= MOST


def _amount(extra_specs: Mapping[str, str], name: str, part: str) -> int | None:
    """A number, if it is more than 0."""
    value = extra_specs.get(f"quota:vif_{name}_{part}")
    return int(value) or None if value is not None and _is_amount(value) else None


def _rate_of_flavor(extra_specs: Mapping[str, str], name: str) -> Rate | None:
    average = _amount(extra_specs, name, "average")
    return {"average": average, "peak": _amount(extra_specs, name, "peak"), "burst": _amount(extra_specs, name, "burst")} if average else None


def _rate_of_rule(rule: BandwidthRule) -> Rate:
    burst = (rule["max_burst_kbps"] or rule["max_kbps"] * BURST_PERCENT // 100) // KBIT
    return {"average": rule["max_kbps"] // KBIT, "peak": None, "burst": min(max(1, burst), MOST_BURST)}
