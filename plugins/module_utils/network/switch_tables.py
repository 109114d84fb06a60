# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the database of Open vSwitch says of its bridges and their ports, read; pure.

``ovs-vsctl --format=json list`` writes a line of JSON for each table: ``headings``, and in ``data`` the rows. A set is ``["set", [...]]`` unless it
has one element, a map ``["map", [[key, value], ...]]``, an id ``["uuid", "..."]`` (RFC 7047, 5.1).
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import SwitchPort

# The tables in their order, with the columns of each.
TABLES = (("Bridge", "name,ports"), ("Port", "_uuid,tag,interfaces"), ("Interface", "_uuid,name,type,external_ids,error"))
Row = t.Dict[str, object]
INTERFACE_ID, DOMAIN_ID = "iface-id", "vm-id"


class _Table(t.TypedDict):
    headings: t.List[str]
    data: t.List[t.List[object]]


class Switch(t.NamedTuple):
    """All of a host's Open vSwitch."""

    bridges: t.List[str]  # sorted
    ports: t.Dict[str, SwitchPort]  # by device; without those that Open vSwitch has made itself


def _rows(line: str) -> t.List[Row]:
    table: _Table = json.loads(line)
    return [dict(zip(table["headings"], row)) for row in table["data"]]


def _values(value: object, kind: str = "set") -> t.List[object]:
    if isinstance(value, list) and len(value) == 2 and value[0] == kind:
        of_kind: t.List[object] = value[1]
        return of_kind
    return [value]


def _ids(value: object) -> t.List[str]:
    return [str(item[1]) for item in _values(value) if isinstance(item, list)]


def _text(value: object) -> t.Optional[str]:
    return value if isinstance(value, str) and value else None


def _external_id(value: object, wanted: str) -> t.Optional[str]:
    pairs = [pair for pair in _values(value, "map") if isinstance(pair, list)]
    return next((str(pair[1]) for pair in pairs if pair[0] == wanted), None)


def parse_switch(text: str) -> Switch:
    """The bridges and ports in the answer to ``list`` of ``TABLES``; ValueError if it can't be read."""
    try:
        bridges, ports, interfaces = map(_rows, text.splitlines())
        port_of = {port_id: port for port in ports for port_id in _ids(port["_uuid"])}
        interface_of = {interface_id: interface for interface in interfaces for interface_id in _ids(interface["_uuid"])}
        found: t.Dict[str, SwitchPort] = {}
        for bridge in bridges:
            for port in (port_of[port_id] for port_id in _ids(bridge["ports"])):
                for interface in (interface_of[interface_id] for interface_id in _ids(port["interfaces"])):
                    if interface["type"] == "":
                        found[str(interface["name"])] = _port(str(bridge["name"]), port, interface)
        return Switch(sorted(str(bridge["name"]) for bridge in bridges), found)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(f"what ovs-vsctl says can't be read ({type(error).__name__}: {error})") from error


def _port(bridge: str, port: Row, interface: Row) -> SwitchPort:
    tag = port["tag"]
    return {
        "bridge": bridge,
        "vlan": tag if isinstance(tag, int) else None,
        "interface_id": _external_id(interface["external_ids"], INTERFACE_ID),
        "domain_id": _external_id(interface["external_ids"], DOMAIN_ID),
        "error": _text(interface["error"]),
    }
