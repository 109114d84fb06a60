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

from ansible_collections.kvmfleet.compute.plugins.module_utils.record_upgrade import upgraded, upgraded_2, upgraded_3
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance, Lease, Origin, Record, Run, SecretHashes

NAMESPACE = "https://kvmfleet.github.io/xmlns/compute/1"
PREFIX = "kvmfleet"
TAG = "instance"
VERSION = 4

# Fields that came after version 4 had been written. A version of its own would keep older controllers and their hosts from reading these records at all.
LATER = ("origin", "expires_at")
LATER_OF_PORT = ("bandwidth", "queues")
LATER_OF_ADDRESS = ("address_mode",)

# What a record keeps of an instance. User data and the admin password are never among it.
KEYS = tuple(Instance.__annotations__)

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
# Text that an XML parser gives back as it was: printable, and no space at either end (libvirt indents what it stores).
_TEXT = re.compile(r"(?:[!-\ud7ff\ue000-\ufffd](?:[ -\ud7ff\ue000-\ufffd]*[!-\ud7ff\ue000-\ufffd])?)?\Z")
_UNSAFE = re.compile("[\x7f-\xa0\u2028\u2029\ufdd0-\ufdef]")


def record_of(
    instance: Instance,
    *,
    vm_state: str,
    started: bool,
    folder: str,
    run: t.Optional[Run],
    lease: t.Optional[Lease],
    created_at: str,
    machine_type: t.Optional[str],
    secrets: SecretHashes,
    origin: t.Optional[Origin],
    expires_at: t.Optional[str],
) -> Record:
    """The record of an instance: what lasts of it, its state and place, the run that claims it and its lease, keyed hashes of its secrets, its origin."""
    return {
        "version": VERSION,
        "uuid": instance["uuid"],
        "display_name": instance["display_name"],
        "display_description": instance["display_description"],
        "hostname": instance["hostname"],
        "domain_name": instance["domain_name"],
        "project_id": instance["project_id"],
        "user_id": instance["user_id"],
        "reservation_id": instance["reservation_id"],
        "launch_index": instance["launch_index"],
        "flavor": instance["flavor"],
        "image": instance["image"],
        "key_name": instance["key_name"],
        "keypair": instance["keypair"],
        "metadata": instance["metadata"],
        "tags": instance["tags"],
        "availability_zone": instance["availability_zone"],
        "config_drive": instance["config_drive"],
        "auto_disk_config": instance["auto_disk_config"],
        "access_ip_v4": instance["access_ip_v4"],
        "access_ip_v6": instance["access_ip_v6"],
        "security_groups": instance["security_groups"],
        "scheduler_hints": instance["scheduler_hints"],
        "group": instance["group"],
        "topology": instance["topology"],
        "disks": instance["disks"],
        "ports": instance["ports"],
        "vm_state": vm_state,
        "started": started,
        "folder": folder,
        "run": run,
        "lease": lease,
        "created_at": created_at,
        "machine_type": machine_type,
        "secrets": secrets,
        "origin": origin,
        "expires_at": expires_at,
    }


def _put_text(element: ET.Element, text: str) -> None:
    if _TEXT.match(text) and not _UNSAFE.search(text):
        element.text = text
    else:
        element.set("encoding", "json")
        element.text = json.dumps(text)


def _put(element: ET.Element, value: object) -> None:
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


def to_element(record: Record) -> ET.Element:
    """The record as ``<kvmfleet:instance>``, to stand in a domain's metadata; the elements in it carry no prefix."""
    ET.register_namespace(PREFIX, NAMESPACE)
    element = ET.Element(f"{{{NAMESPACE}}}{TAG}")
    _put(element, record)
    return element


def decoded(element: ET.Element) -> t.Any:
    """Whatever ``to_element`` or ``to_metadata`` encoded."""
    return _get(element)


def from_element(element: ET.Element, folder: str = "") -> Record:
    """The record of a ``<kvmfleet:instance>``, brought to this version; ValueError if it is not one that this collection can read.

    ``folder``: where the domain's files lie, for a record that is too old to say so; empty if the domain doesn't either.
    """
    found = decoded(element)
    version = found.get("version") if isinstance(found, dict) else None
    try:
        if version == 1:
            found = upgraded_3(upgraded_2(upgraded(found), folder))
        elif version == 2:
            found = upgraded_3(upgraded_2(found, folder))
        elif version == 3:
            found = upgraded_3(found)
        elif version != VERSION:
            raise ValueError(f"instance record version {version!r}: this collection reads versions 1 to {VERSION}")
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"instance record version {version} without its fields: {error!r}") from error
    missing = [key for key in Record.__annotations__ if key not in found and key not in LATER]
    if missing:
        raise ValueError(f"instance record without {', '.join(missing)}")
    ports = [_whole_port(port) for port in found["ports"]]
    whole: t.Any = {**dict.fromkeys(LATER), **found, "ports": ports}
    record: Record = whole
    return record


def _whole_port(port: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    addresses = [{**dict.fromkeys(LATER_OF_ADDRESS), **address} for address in port["fixed_ips"]]
    # Before there was port security nothing was filtered.
    open_to_all = {"port_security_enabled": False, "allowed_address_pairs": []}
    return {**dict.fromkeys(LATER_OF_PORT), **open_to_all, **port, "fixed_ips": addresses}


def to_metadata(record: Record) -> str:
    """The record as ``virDomainSetMetadata`` wants it: without a namespace, which libvirt itself puts on the top element."""
    element = ET.Element(TAG)
    _put(element, record)
    return ET.tostring(element, encoding="unicode")
