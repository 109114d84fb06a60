# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance record in the domain's ``<metadata>``: a lossless, readable XML form of a plain dict.

It is what ``<nova:instance>`` is for Nova (``nova/virt/libvirt/config.py: LibvirtConfigGuestMetaNovaInstance``), but whole: the record is
the only ledger there is.
"""

from __future__ import annotations

import json
import re
import typing as t
import xml.etree.ElementTree as ET

NAMESPACE = "https://kvmfleet.github.io/xmlns/compute/1"
PREFIX = "kvmfleet"
TAG = "instance"
VERSION = 1

# The keys of an instance that its record keeps; see docs/data.md. User data and the admin password are never among them.
KEYS = (
    "uuid",
    "display_name",
    "display_description",
    "hostname",
    "domain_name",
    "project_id",
    "user_id",
    "reservation_id",
    "launch_index",
    "flavor",
    "image",
    "key_name",
    "keypair",
    "metadata",
    "tags",
    "availability_zone",
    "config_drive",
    "auto_disk_config",
    "access_ip_v4",
    "access_ip_v6",
    "security_groups",
    "scheduler_hints",
    "group",
    "block_device_mapping",
    "topology",
    "disks",
    "ports",
)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
# Text that an XML parser gives back as it was: printable, and no space at either end (libvirt indents what it stores).
_TEXT = re.compile(r"(?:[!-\ud7ff\ue000-\ufffd](?:[ -\ud7ff\ue000-\ufffd]*[!-\ud7ff\ue000-\ufffd])?)?\Z")
_UNSAFE = re.compile("[\x7f-\xa0\u2028\u2029\ufdd0-\ufdef]")


def record_of(instance: dict, *, vm_state: str, run: dict, created_at: str, machine_type: str | None, secrets: dict) -> dict:
    """The record of an instance: its lasting keys, its state, the run that claims it and the keyed hashes of its secrets."""
    record: dict[str, t.Any] = {"version": VERSION}
    record.update({key: instance.get(key) for key in KEYS})
    record.update(vm_state=vm_state, run=run, created_at=created_at, machine_type=machine_type, secrets=secrets)
    return record


def _put_text(element: ET.Element, text: str) -> None:
    if _TEXT.match(text) and not _UNSAFE.search(text):
        element.text = text
    else:
        element.set("encoding", "json")
        element.text = json.dumps(text)


def _put(element: ET.Element, value: t.Any) -> None:
    if value is None:
        element.set("type", "null")
    elif isinstance(value, bool):
        element.set("type", "bool")
        element.text = "true" if value else "false"
    elif isinstance(value, int):
        element.set("type", "int")
        element.text = str(value)
    elif isinstance(value, float):
        element.set("type", "float")
        element.text = repr(value)
    elif isinstance(value, str):
        _put_text(element, value)
    elif isinstance(value, dict):
        element.set("type", "map")
        for key, item in value.items():
            if _NAME.match(key) and key != "entry":
                child = ET.SubElement(element, key)
            else:
                child = ET.SubElement(element, "entry", {"key": json.dumps(key)})
            _put(child, item)
    elif isinstance(value, (list, tuple)):
        element.set("type", "list")
        for item in value:
            _put(ET.SubElement(element, "item"), item)
    else:
        raise TypeError(f"a {type(value).__name__} has no place in an instance record")


def _get(element: ET.Element) -> t.Any:
    kind = element.get("type", "str")
    text = element.text or ""
    if kind == "null":
        return None
    if kind == "bool":
        return text.strip() == "true"
    if kind == "int":
        return int(text)
    if kind == "float":
        return float(text)
    if kind == "list":
        return [_get(child) for child in element]
    if kind == "map":
        result = {}
        for child in element:
            # What setMetadata() stored comes back with every element in the namespace.
            key = child.get("key")
            result[json.loads(key) if key is not None else child.tag.rsplit("}", 1)[-1]] = _get(child)
        return result
    return json.loads(text) if element.get("encoding") == "json" else text


def to_element(record: dict) -> ET.Element:
    """The record as ``<kvmfleet:instance>``, to stand in a domain's metadata; the elements in it carry no prefix."""
    ET.register_namespace(PREFIX, NAMESPACE)
    element = ET.Element(f"{{{NAMESPACE}}}{TAG}")
    _put(element, record)
    return element


def from_element(element: ET.Element) -> dict:
    """The record of a ``<kvmfleet:instance>``; ValueError where it is none that this version can read."""
    record = _get(element)
    if not isinstance(record, dict) or record.get("version") != VERSION:
        found = record.get("version") if isinstance(record, dict) else None
        raise ValueError(f"instance record version {found!r}: this collection reads version {VERSION}")
    return record


def to_metadata(record: dict) -> str:
    """The record as ``virDomainSetMetadata`` wants it: without a namespace, which libvirt itself puts on the top element."""
    element = ET.Element(TAG)
    _put(element, record)
    return ET.tostring(element, encoding="unicode")
