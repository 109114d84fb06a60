# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from the XML of a network filter, ours or another's; pure."""

from __future__ import annotations

import json
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import NetworkFilter

# What libvirt writes where nothing was said.
DEFAULTS = {"priority": "500"}


def _said(element: ET.Element) -> t.List[object]:
    """An element of a filter as libvirt understands it, whoever has written it."""
    attributes = {**(DEFAULTS if element.tag == "rule" else {}), **element.attrib}
    return [element.tag, sorted(attributes.items()), [_said(child) for child in element]]


def parse_filter(xml: str) -> NetworkFilter:
    """The network filter of an XML text."""
    root = ET.fromstring(xml)
    # Libvirt sorts them by priority, and keeps the order of those of one.
    rules = sorted(root.findall("rule"), key=lambda rule: int(rule.get("priority", DEFAULTS["priority"])))
    return {
        "name": root.get("name", ""),
        "uuid": root.findtext("uuid") or "",
        "refers_to": [reference.get("filter", "") for reference in root.findall("filterref")],
        "sets": sorted({name for rule in rules for match in rule for name in [match.get("ipset")] if name}),
        "content": json.dumps([_said(element) for element in (*rules, *root.findall("filterref"))]),
    }
