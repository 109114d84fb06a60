# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats of Nova's parameter types (``nova/api/validation/parameter_types.py`` and ``validators.py``), as predicates with the rule in words."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
import typing as t
import unicodedata
import uuid
from collections.abc import Callable


def _is_printable(character: str) -> bool:
    category = unicodedata.category(character)
    return ord(character) < 0xFFFF and not category.startswith("C") and (not category.startswith("Z") or category == "Zs")


def is_name(value: str) -> bool:
    """1 to 255 printable characters up to U+FFFE, no space at either end."""
    return bool(value) and all(map(_is_printable, value)) and value == value.strip() and not _is_space(value[0]) and not _is_space(value[-1])


def _is_space(character: str) -> bool:
    return unicodedata.category(character) == "Zs"


def is_printable(value: str) -> bool:
    """Printable characters up to U+FFFE; one newline at the end is Nova's licence."""
    return all(map(_is_printable, value.removesuffix("\n")))


def is_uuid(value: str) -> bool:
    """A UUID in any of the spellings that oslo's ``is_uuid_like`` takes: braces, urn:, without dashes, upper case."""
    try:
        plain = value.replace("urn:", "").replace("uuid:", "").strip("{}").replace("-", "").lower()
        return str(uuid.UUID(value)).replace("-", "") == plain
    except ValueError:
        return False


def is_ip(value: str) -> bool:
    """An IPv4 or IPv6 address, without a scope and without leading zeros."""
    return is_ipv4(value) or is_ipv6(value)


def is_ipv4(value: str) -> bool:
    """A dotted IPv4 address."""
    try:
        ipaddress.IPv4Address(value)
    except ValueError:
        return False
    return True


def is_ipv6(value: str) -> bool:
    """An IPv6 address without a scope."""
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return False
    return "%" not in value


def base64_fault(value: str) -> str | None:
    """Why a text is no base64, with the position; line breaks are allowed. None where it is."""
    text = "".join(value.split())
    strange = re.search(r"[^A-Za-z0-9+/=\s]|[^\x00-\x7f]", value)
    if strange:
        return f"character {strange.start() + 1} is not of the base64 alphabet"
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return "its padding is wrong"
    return None


def _count(value: t.Any) -> bool:
    if isinstance(value, float) and not value.is_integer():
        # No whole number: the type says so.
        return True
    return not isinstance(value, (int, float, str)) or (str(value).isascii() and int(value) >= 1)


def _size(value: t.Any) -> bool:
    if isinstance(value, float) and not value.is_integer():
        return True
    return _count(value) and (not isinstance(value, (int, float, str)) or int(value) <= 0x7FFFFFFF)


def _text(predicate: Callable[[str], bool]) -> Callable[[t.Any], bool]:
    return lambda value: not isinstance(value, str) or predicate(value)


# format: (predicate over any value, the rule in words)
FORMATS: dict[str, tuple[Callable[[t.Any], bool], str]] = {
    "name": (_text(is_name), "printable characters (up to U+FFFE), no space at either end, no line break"),
    "printable": (_text(is_printable), "printable characters (up to U+FFFE), no line break"),
    "uuid": (_text(is_uuid), "a UUID"),
    "ip": (_text(is_ip), "an IPv4 or IPv6 address"),
    "ipv4": (_text(is_ipv4), "an IPv4 address"),
    "ipv6": (_text(is_ipv6), "an IPv6 address"),
    "base64": (_text(lambda value: base64_fault(value) is None), "base64"),
    "count": (_count, "a whole number of at least 1"),
    "size": (_size, "a whole number of GB from 1 to 2147483647"),
}
