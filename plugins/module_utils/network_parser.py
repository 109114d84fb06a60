# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from a libvirt network's XML; pure."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.domain_parser import only_tag
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import LibvirtNetwork, Portgroup


def _kind(root: ET.Element) -> str:
    """What its guests are plugged into: by ``src/conf/network_conf.c`` a forward mode with a device and without a bridge is one of macvtap."""
    forward = root.find("forward")
    if forward is not None and forward.get("mode") == "hostdev":
        return "hostdev"
    if root.find("bridge") is None:
        return "macvtap"
    return "openvswitch" if root.find(".//virtualport[@type='openvswitch']") is not None else "bridge"


def _portgroup(element: ET.Element) -> Portgroup:
    return {"name": element.get("name", ""), "default": element.get("default") == "yes", "vlan": only_tag(element)}


def parse_network(xml: str, *, active: bool) -> LibvirtNetwork:
    """The network of an XML text."""
    root = ET.fromstring(xml)
    bridge = root.find("bridge")
    return {
        "name": root.findtext("name") or "",
        "bridge": bridge.get("name") if bridge is not None else None,
        "active": active,
        "kind": _kind(root),
        "vlan": only_tag(root),
        "portgroups": [_portgroup(element) for element in root.findall("portgroup")],
    }
