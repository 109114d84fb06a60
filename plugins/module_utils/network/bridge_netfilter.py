# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the kernel hand bridged packets to the packet filter (procfs)? Without that rules that follow connections see nothing, and let all through."""

from __future__ import annotations

import os
import typing as t

PROC = "/proc/sys/net/bridge"
SWITCHES = ("bridge-nf-call-iptables", "bridge-nf-call-ip6tables")


def _is_off(path: str) -> bool:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip() == "0"
    except OSError:
        # The module br_netfilter comes with libvirt's first rule, and is on unless somebody says otherwise.
        return False


def unfiltered(folder: str = PROC) -> t.Optional[str]:
    """Why bridged packets are not filtered, as half a sentence; None if they are, or will be with the first rule."""
    off = [name for name in SWITCHES if _is_off(os.path.join(folder, name))]
    if not off:
        return None
    return f"port security can't be enforced on the host: {' and '.join(f'net.bridge.{name}' for name in off)} must be 1"
