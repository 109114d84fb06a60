# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read from the XML of a network filter, ours or another's; pure."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import NetworkFilter


def parse_filter(xml: str) -> NetworkFilter:
    """The network filter of an XML text."""
    root = ET.fromstring(xml)
    refers_to = [reference.get("filter", "") for reference in root.findall("filterref")]
    return {"name": root.get("name", ""), "uuid": root.findtext("uuid") or "", "refers_to": refers_to}
