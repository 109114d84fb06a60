# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an image comes from: what kind of address it is, and how it may be shown; pure."""

from __future__ import annotations

import posixpath
import re
import urllib.parse

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def public(address: str) -> str:
    """An address without user, password, query and fragment, which may be secret: what may be shown and kept. ``sha256:`` may stand before it."""
    scheme = _SCHEME.search(address)
    if not scheme:
        return address
    authority, slash, path = re.split(r"[?#]", address[scheme.end() :], maxsplit=1)[0].partition("/")
    return f"{address[: scheme.end()]}{authority.rpartition('@')[2]}{slash}{path}"


def is_source(source: str) -> bool:
    """True for what an image can come from: an http(s) or file URL, or a path on the controller."""
    return is_url(source) or is_on_host(source) or not _SCHEME.match(source)


def is_url(source: str) -> bool:
    """True if the source is fetched by HTTP."""
    return source.lower().startswith(("http://", "https://"))


def is_plain_http(source: str) -> bool:
    """True if anyone on the way can change what comes."""
    return source.lower().startswith("http://")


def is_on_host(source: str) -> bool:
    """True if the host itself has the source (a ``file:`` URL)."""
    return source.lower().startswith("file:")


def is_on_controller(source: str) -> bool:
    """True if only the controller has the source."""
    return not is_url(source) and not is_on_host(source)


def base_name(source: str) -> str:
    """The file name of a source, as a sums file names it."""
    return posixpath.basename(source if is_on_controller(source) else host_path(source))


def host_path(source: str) -> str:
    """The path in a URL."""
    return urllib.parse.unquote(urllib.parse.urlsplit(source).path)
