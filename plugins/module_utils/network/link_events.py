# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's news of the host's network devices (rtnetlink): devices that come, change and go, and what bridges do with the frames of their ports."""

from __future__ import annotations

import errno
import select
import socket
import typing as t

# ``linux/rtnetlink.h``; a bridge tells the states of its ports to this group, too.
RTMGRP_LINK = 0x1
MOST_BYTES = 65536


class LinkEventsLike(t.Protocol):
    """What is waited for."""

    def __enter__(self) -> LinkEventsLike:
        """From here on nothing is missed."""

    def __exit__(self, *_exc: object) -> None:
        """Nothing is listened to any more."""

    def wait(self, timeout_s: float) -> bool:
        """True as soon as a device has changed since the last call, whichever; False if none has within ``timeout_s``."""


class LinkEvents:
    """Of the network namespace of this process. Any user may listen. OSError if the kernel refuses."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)

    def __enter__(self) -> LinkEvents:
        try:
            self._socket.bind((0, RTMGRP_LINK))
            self._socket.setblocking(False)
        except OSError:
            self._socket.close()
            raise
        return self

    def __exit__(self, *_exc: object) -> None:
        self._socket.close()

    def wait(self, timeout_s: float) -> bool:
        """True as soon as a device has changed since the last call, whichever; False if none has within ``timeout_s``."""
        # select() takes no descriptor above 1023.
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if not poll.poll(max(0.0, timeout_s) * 1000):
            return False
        self._drain()
        return True

    def _drain(self) -> None:
        """Who asks looks at the devices themselves, so that what the news say does not matter, nor that some were lost."""
        while True:
            try:
                self._socket.recv(MOST_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
