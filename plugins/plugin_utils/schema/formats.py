# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Formats of text as predicates with the rule in words; pure.

Those of requests are Nova's parameter types (``nova/api/validation/parameter_types.py`` and ``validators.py``), those of addresses are Neutron's.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import ipaddress
import math
import re
import typing as t
import unicodedata
import uuid
from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import checksum
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import is_source

# libraries.py tells; an action fails with that before it comes here.
with contextlib.suppress(ImportError):
    import netaddr


# Neutron's names of IP protocols, with IANA's numbers as text.
PROTOCOLS = {
    "ah": "51",
    "dccp": "33",
    "egp": "8",
    "esp": "50",
    "gre": "47",
    "hopopt": "0",
    "icmp": "1",
    "icmpv6": "58",
    "igmp": "2",
    "ip": "0",
    "ipip": "4",
    "ipv6-encap": "41",
    "ipv6-frag": "44",
    "ipv6-icmp": "58",
    "ipv6-nonxt": "59",
    "ipv6-opts": "60",
    "ipv6-route": "43",
    "ospf": "89",
    "pgm": "113",
    "rsvp": "46",
    "sctp": "132",
    "tcp": "6",
    "udp": "17",
    "udplite": "136",
    "vrrp": "112",
}


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


def is_cidr(value: str) -> bool:
    """A network without host bits; a lone address is one of a single address, as in Neutron."""
    try:
        ipaddress.ip_network(value)
    except ValueError:
        return False
    return "%" not in value


def is_prefix(value: str) -> bool:
    """A network that may have host bits, as routes and security group rules have."""
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return "%" not in value


def is_mac(value: str) -> bool:
    """A MAC address that an interface can have, in any of netaddr's spellings: neither multicast nor all zeros."""
    if not netaddr.valid_mac(value):
        return False
    number = int(netaddr.EUI(value, version=48))
    return number != 0 and not number >> 40 & 1


def normal_mac(value: str) -> str:
    """A MAC address as libvirt and Neutron spell it: lower case, with colons."""
    return str(netaddr.EUI(value, version=48, dialect=netaddr.mac_unix_expanded))


def address(value: str) -> netaddr.IPAddress:
    """An address that is one, to reckon with."""
    return netaddr.IPAddress(value)


def network(value: str) -> netaddr.IPNetwork:
    """A network that is one, to reckon with."""
    return netaddr.IPNetwork(value)


class Checksum(t.NamedTuple):
    """What an image is verified by."""

    algorithm: str  # sha256 or sha512
    of: str  # a digest in lower case, or the address of a sums file
    is_literal: bool  # it is a digest


def checksum_of(value: str) -> Checksum | None:
    """A checksum in its parts; None if it is none."""
    try:
        algorithm, of = checksum.parse(value)
    except ImageError:
        return None
    return Checksum(algorithm, of, checksum.is_digest(algorithm, of))


def is_checksum(value: str) -> bool:
    """What the hosts can verify an image by."""
    return checksum_of(value) is not None


def is_interface(value: str) -> bool:
    """A name that Linux takes for a network interface."""
    return 0 < len(value.encode()) <= 15 and value not in (".", "..") and not re.search(r"[\s/:\0]", value)


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


def _protocol(value: t.Any) -> bool:
    text = str(value)
    return text in PROTOCOLS or text == "any" or (text.isascii() and text.isdigit() and len(text) <= 3 and int(text) <= 255)


def is_weights(value: str) -> bool:
    """``name=ratio`` items, separated by commas; a ratio is a finite number."""
    for item in filter(str.strip, value.split(",")):
        name, _equals, ratio = item.partition("=")
        try:
            if not name.strip() or not math.isfinite(float(ratio)):
                return False
        except ValueError:
            return False
    return True


SWITCHES = ("true", "yes", "1", "on", "false", "no", "0", "off")


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
    "cidr": (_text(is_cidr), "a network without host bits, such as 192.0.2.0/24"),
    "prefix": (_text(is_prefix), "a network, such as 192.0.2.0/24"),
    "mac": (_text(is_mac), "the MAC address of one interface, such as fa:16:3e:00:00:01"),
    "checksum": (
        _text(is_checksum),
        "sha256:<64 hexadecimal digits>, sha512:<128 hexadecimal digits>, or either with the address of a sums file, not over plain http",
    ),
    "source": (_text(is_source), "an http(s) or file URL, or a path on the controller"),
    "interface": (_text(is_interface), "the name of a network interface: at most 15 characters, no space, slash or colon"),
    "protocol": (_protocol, "any, a number from 0 to 255, or one of " + ", ".join(PROTOCOLS)),
    "weights": (_text(is_weights), "name=ratio, such as cpu=1.5"),
    "switch": (lambda value: str(value).strip().lower() in SWITCHES, f"one of {', '.join(SWITCHES)}"),
    "trait": (_text(lambda value: bool(re.fullmatch(r"[A-Z0-9_]{1,255}", value))), "a trait, such as CUSTOM_SSD"),
    "base64": (_text(lambda value: base64_fault(value) is None), "base64"),
    "count": (_count, "a whole number of at least 1"),
    "size": (_size, "a whole number of GB from 1 to 2147483647"),
}
