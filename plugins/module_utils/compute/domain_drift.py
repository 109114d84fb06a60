# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where libvirt's domain differs from its record: what somebody has changed below this collection; pure.

A domain has two faces: its definition, which counts from the next start, and what runs now. What both have is said once.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.remedies import MANUAL
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bandwidth, Domain, Drift, Hardware, Interface, Port, Record

# (what is different, what the record says, what is there)
Compared = t.Tuple[str, object, object]


def _compared(record: Record, paths: t.Dict[str, str], hardware: Hardware) -> t.Iterator[Compared]:
    flavor = record["flavor"]
    yield "vcpus", flavor["vcpus"], hardware["current_vcpus"]
    yield "memory_mb", flavor["memory_mb"], hardware["current_memory_mb"]
    actual = {disk["target"] or "": disk["path"] for disk in hardware["disks"]}
    for target in (*paths, *(target for target in actual if target not in paths)):
        yield f"disks.{target}", paths.get(target), actual.get(target)
    yield from _compared_interfaces(record["ports"], hardware["interfaces"])


def _compared_interfaces(ports: t.List[Port], interfaces: t.List[Interface]) -> t.Iterator[Compared]:
    there = {interface["mac_address"]: interface for interface in interfaces}
    for port in ports:
        vif = vif_of(port["binding"])
        source = vif.source(port["binding"])
        interface = there.pop(port["mac_address"].lower(), None)
        # A running domain's interface on a libvirt network has the network's bridge beside it.
        found = {key: interface["source"].get(key) for key in source} if interface else None
        yield f"interfaces.{port['mac_address']}", _text(source), None if found is None else _text(found)
        if interface:
            is_running_on_network = interface["source"].keys() > source.keys()
            yield from _compared_settings(f"interfaces.{port['mac_address']}", port, interface, has_limits_of_network=is_running_on_network)
            for what, wanted, actual in vif.compared(port, interface):
                yield f"interfaces.{port['mac_address']}.{what}", wanted, actual
    for mac, interface in there.items():
        yield f"interfaces.{mac}", None, _text(interface["source"]) or interface["type"]


def _compared_settings(path: str, port: Port, interface: Interface, *, has_limits_of_network: bool) -> t.Iterator[Compared]:
    """``has_limits_of_network``: an interface without limits of its own shows those that libvirt's network gives it (``<portgroup>``)."""
    if port["mtu"] and vif_of(port["binding"]).sets_mtu:
        yield f"{path}.mtu", port["mtu"], interface["mtu"]
    wanted, found = port["bandwidth"], interface["bandwidth"]
    for direction in ("inbound", "outbound") if wanted or not has_limits_of_network else ():
        yield f"{path}.bandwidth.{direction}", _rate(wanted, direction), _rate(found, direction)
    yield f"{path}.queues", port["queues"], interface["queues"]


def _rate(limits: t.Optional[Bandwidth], direction: str) -> t.Optional[str]:
    """A limit in words; None if there is none."""
    rate = None if limits is None else limits["inbound"] if direction == "inbound" else limits["outbound"]
    if rate is None:
        return None
    more = ((rate["peak"], "peak {} kB/s"), (rate["burst"], "burst {} kB"))
    return ", ".join([f"{rate['average']} kB/s", *(words.format(amount) for amount, words in more if amount)])


def _text(source: t.Mapping[str, t.Optional[str]]) -> str:
    return ", ".join(f"{key} {value}" for key, value in source.items())


def domain_drift(record: Record, domain: Domain, paths: t.Dict[str, str]) -> t.List[Drift]:
    """The differences of the definition and, if it was read, of the running domain; ``paths``: where the record's disks lie, by their target."""
    defined = {what: (wanted, actual) for what, wanted, actual in _compared(record, paths, domain) if wanted != actual}
    if "live" not in domain:
        return [_drift("libvirt", what, *values) for what, values in defined.items()]
    live = {what: (wanted, actual) for what, wanted, actual in _compared(record, paths, domain["live"]) if wanted != actual}
    both = {what: values for what, values in defined.items() if live.get(what) == values}
    found = [_drift("libvirt", what, *values) for what, values in both.items()]
    found += [_drift("libvirt.defined", what, *values) for what, values in defined.items() if what not in both]
    found += [_drift("libvirt.running", what, *values) for what, values in live.items() if what not in both]
    return found


def _drift(where: str, what: str, wanted: object, actual: object) -> Drift:
    return {"path": f"{where}.{what}", "wanted": wanted, "actual": actual, "remedy": MANUAL}
