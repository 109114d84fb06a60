"""Send frames through two taps of a hypervisor, and tell which came out at the other end: frames.py < STEPS, as JSON.

STEPS: {"taps": [name, name], "marks": [hex, hex], "steps": [[which tap sends, hex], …]}. A mark is a frame of each tap that always passes: what was sent
before it and has not come before it never will.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import struct
import sys

TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
MOST_S = 30.0


def tap(name: str) -> int:
    """An open tap that is there."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return descriptor


def passes(sender: int, receiver: int, frame: bytes, mark: bytes) -> bool:
    """True if a frame comes out at the receiver before the mark does."""
    os.write(sender, frame)
    os.write(sender, mark)
    seen = False
    while select.select([receiver], [], [], MOST_S)[0]:
        found = os.read(receiver, 2048)
        if found == mark:
            return seen
        seen = seen or found == frame
    raise SystemExit("the mark did not come out")


def wait_for_bridge(sender: int, receiver: int, mark: bytes) -> None:
    """A port of a bridge forwards nothing until the kernel has noticed that somebody has opened its tap."""
    ready = mark[:-1] + b"\1"
    for _try in range(300):
        os.write(sender, ready)
        while select.select([receiver], [], [], 0.1)[0]:
            if os.read(receiver, 2048) == ready:
                return
    raise SystemExit("the bridge does not forward")


def main() -> None:
    asked = json.load(sys.stdin)
    taps, marks = [tap(name) for name in asked["taps"]], [bytes.fromhex(mark) for mark in asked["marks"]]
    for which, mark in enumerate(marks):
        wait_for_bridge(taps[which], taps[1 - which], mark)
    print(json.dumps([passes(taps[which], taps[1 - which], bytes.fromhex(frame), marks[which]) for which, frame in asked["steps"]]))


if __name__ == "__main__":
    main()
