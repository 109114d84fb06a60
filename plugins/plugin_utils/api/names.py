# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Display names and host names (``nova/utils.py: sanitize_hostname``, ``API._populate_instance_names``); pure."""

from __future__ import annotations

import re

MOST_HOSTNAME = 63


def sanitize_hostname(name: str) -> str:
    """A host name made of a display name; empty if nothing of it is usable."""
    text = name.encode("latin-1", "ignore").decode("latin-1")[:MOST_HOSTNAME]
    text = re.sub(r"[ _.]", "-", text)
    text = re.sub(r"[^\w.-]+", "", text)
    return text.lower().strip(".-")


def names(display_name: str, hostname: str | None, count: int, index: int, uuid: str) -> tuple[str, str]:
    """(display name, host name) of server ``index`` (from 0) of ``count``."""
    display = f"{display_name}-{index + 1}" if count > 1 else display_name
    if hostname:
        return display, hostname
    sanitized = sanitize_hostname(display_name)
    if not sanitized:
        return display, f"Server-{uuid}"
    return display, f"{sanitized}-{index + 1}" if count > 1 else sanitized


def domain_name(hostname: str, uuid: str) -> str:
    """The libvirt domain's name: unique on the host, and of characters that libvirt allows."""
    safe = re.sub(r"[^A-Za-z0-9_.+-]", "-", hostname.encode("ascii", "replace").decode())[:MOST_HOSTNAME].strip("-.") or "server"
    return f"{safe}-{uuid[:8]}"
