# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image must hash to: a literal, or a line in a file of sums; pure."""

from __future__ import annotations

import re

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import is_plain_http, public

DIGITS = {"sha256": 64, "sha512": 128}
_BSD = re.compile(r"(?:SHA256|SHA512) \((?P<name>.+)\) = (?P<digest>[0-9a-fA-F]+)\Z")
_GNU = re.compile(r"(?P<digest>[0-9a-fA-F]+) [ *]?(?P<name>.+)\Z")


def parse(checksum: str) -> tuple[str, str]:
    """(algorithm, lower-case digest or address of a sums file) of ``sha256:…`` or ``sha512:…``; ImageError for anything else."""
    algorithm, colon, rest = str(checksum or "").partition(":")
    if algorithm not in DIGITS or not colon or not rest:
        rule = "not sha256:<digest>, sha512:<digest> or either with the address of a sums file"
        raise ImageError("ImageUnacceptable", f"checksum {public(str(checksum))!r}: {rule}")
    if is_digest(algorithm, rest):
        return algorithm, rest.lower()
    if re.fullmatch(r"[0-9a-fA-F]+", rest):
        raise ImageError("ImageUnacceptable", f"checksum {checksum!r}: a {algorithm} digest has {DIGITS[algorithm]} hexadecimal digits, not {len(rest)}")
    if is_plain_http(rest):
        why = "anyone on the way can change a sums file over plain http; give the digest itself, or an https address"
        raise ImageError("ImageUnacceptable", f"checksum {public(checksum)}: {why}")
    return algorithm, rest


def is_digest(algorithm: str, text: str) -> bool:
    """True if this is a whole hexadecimal digest."""
    return bool(re.fullmatch(f"[0-9a-fA-F]{{{DIGITS[algorithm]}}}", text))


def in_sums(text: str, algorithm: str, name: str) -> str:
    """The digest of ``name`` in the text of a sums file (GNU or BSD lines); ImageError if it has none."""
    for line in text.splitlines():
        match = _BSD.match(line.strip()) or _GNU.match(line.strip())
        if match and match.group("name").rsplit("/", 1)[-1] == name and is_digest(algorithm, match.group("digest")):
            return match.group("digest").lower()
    raise ImageError("ImageNotFound", f"the sums file has no {algorithm} line for {name}")
