# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The form of public keys: OpenSSH's single line (RFC 4253, 5656 and OpenSSH's PROTOCOL.u2f), and X.509 certificates; pure.

No cryptography: a key that was cut, mistyped or is private is found, one that belongs to nobody is not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

KINDS = ("ssh", "x509")
# type: how many strings stand in the blob behind the type
FIELDS = {
    "ssh-ed25519": 1,
    "ssh-rsa": 2,
    "ecdsa-sha2-nistp256": 2,
    "ecdsa-sha2-nistp384": 2,
    "ecdsa-sha2-nistp521": 2,
    "sk-ssh-ed25519@openssh.com": 2,
    "sk-ecdsa-sha2-nistp256@openssh.com": 3,
}
ED25519, ED25519_BYTES = "ssh-ed25519", 32
_PEM = re.compile(r"\s*-----BEGIN CERTIFICATE-----\s(?P<body>[A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----\s*")


def fault(kind: str, text: str) -> str | None:
    """The rule that a public key of this type (ssh, x509) breaks, without the key; None if it breaks none."""
    if "PRIVATE KEY" in text:
        return "must be the public key; this is a private one, which must not be here"
    return _ssh(text) if kind == "ssh" else _x509(text)


def shown(text: str) -> str:
    """As much of a key as a message may have."""
    kind = text.split(" ", 1)[0]
    return f"{kind} … ({len(text)} characters)" if kind in FIELDS else f"<{len(text)} characters>"


def fingerprint(text: str) -> str:
    """What tells a key from others, as ``ssh-keygen -l`` shows it; a key's comment is no part of it."""
    words = text.split(None, 2)
    match = _PEM.fullmatch(text)
    encoded = words[1] if len(words) > 1 and words[0] in FIELDS else "".join((match.group("body") if match else text).split())
    digest = hashlib.sha256(_decoded(encoded) or text.encode()).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _ssh(text: str) -> str | None:
    words = text.split(None, 2)
    if "\n" in text.strip():
        return "must be one line"
    if not words or words[0] not in FIELDS:
        return f"must start with its type, one of {', '.join(FIELDS)}"
    if len(words) == 1:
        return f"must have the key behind its type {words[0]}"
    blob = _decoded(words[1])
    if blob is None:
        return f"must have base64 behind its type {words[0]}; is it cut?"
    parts = _strings(blob)
    if parts and parts[0] != words[0].encode() and parts[0].decode("ascii", "replace") in FIELDS:
        return f"must have the same type before and in the key: {words[0]} is before it, {parts[0].decode()} is in it"
    if not parts or parts[0] != words[0].encode() or len(parts) != 1 + FIELDS[words[0]] or (words[0] == ED25519 and len(parts[1]) != ED25519_BYTES):
        return f"must have a whole {words[0]} key behind its type; is it cut?"
    return None


def _x509(text: str) -> str | None:
    match = _PEM.fullmatch(text)
    der = _decoded("".join((match.group("body") if match else text).split()))
    # A certificate is an ASN.1 SEQUENCE.
    return None if der and der[0] == 0x30 else "must be one X.509 certificate, as PEM or base64"


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _strings(blob: bytes) -> list[bytes] | None:
    """The length-prefixed strings of a blob; None if it does not end with one."""
    found = []
    while blob:
        size = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + size or len(blob) < 4:
            return None
        found.append(blob[4 : 4 + size])
        blob = blob[4 + size :]
    return found
