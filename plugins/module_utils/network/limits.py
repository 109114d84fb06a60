# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the host can limit a tap's bandwidth: what libvirt asks tc for is tried in a network namespace of its own, which is gone afterwards.

Kernels leave parts of it out, and then no guest with a limit can start. What a kernel has as modules is loaded by the try, as by such a start.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import typing as t

# Follows ``src/util/virnetdevbandwidth.c: virNetDevBandwidthSet``: inbound by a class of htb, outbound by a policer.
TRIED = (
    "qdisc add dev lo root handle 1: htb default 1",
    "class add dev lo parent 1: classid 1:1 htb rate 1000kbps",
    "qdisc add dev lo parent 1:1 handle 2: sfq perturb 10",
    "filter add dev lo parent 1:0 protocol all prio 1 handle 1 fw flowid 1",
    "qdisc add dev lo ingress",
    "filter add dev lo parent ffff: protocol all u32 match u32 0 0 police rate 1000kbps burst 1000kb mtu 64kb drop flowid :1",
)
# A login's PATH may be without them.
PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
TIMEOUT_S = 10.0


def _tool(name: str) -> t.Optional[str]:
    return shutil.which(name, path=PATH)


@functools.lru_cache(maxsize=1)
def obstacle() -> t.Optional[str]:
    """Why the host can't limit bandwidth, as half a sentence; None if it can, or if that can't be tried here: then the guest's start tells."""
    unshare, tc = _tool("unshare"), _tool("tc")
    if tc is None:
        return "the host has no tc (iproute2), with which libvirt limits bandwidth"
    if unshare is None:
        return None
    try:
        done = subprocess.run(
            [unshare, "--net", tc, "-batch", "-"],
            input="\n".join(TRIED).encode(),
            capture_output=True,
            timeout=TIMEOUT_S,
            env=dict(os.environ, LC_ALL="C"),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return reason(done.returncode, done.stderr.decode("utf-8", "replace"))


def reason(code: int, errors: str) -> t.Optional[str]:
    """What tc's answer says of the host; None if all went well, or if it was not tc that failed."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    number = next((line.rpartition(":")[2] for line in lines if line.startswith("Command failed")), "")
    if code == 0 or not number.isdigit() or not 1 <= int(number) <= len(TRIED):
        return None
    words = TRIED[int(number) - 1].split()
    kind = next(word for word in ("police", "fw", "sfq", "htb", "ingress") if word in words)
    return f"the host's kernel has no tc {kind}, with which libvirt limits bandwidth: {lines[0]}"
