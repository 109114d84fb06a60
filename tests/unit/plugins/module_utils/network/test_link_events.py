# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's news of network devices, in a network namespace of the test's own."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import textwrap

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network import link_events

UNSHARE = ["unshare", "--map-root-user", "--net"]
PATH = pathlib.Path(link_events.__file__)


def in_namespace(script: str) -> None:
    """Run a script there; ``change()`` changes a device, ``link_events`` is the module."""
    if subprocess.run([*UNSHARE, "ip", "link"], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be made here")
    begin = f"""
        import importlib.util, itertools, socket, subprocess
        spec = importlib.util.spec_from_file_location("link_events", {str(PATH)!r})
        link_events = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(link_events)
        states = itertools.cycle(["up", "down"])
        def change():
            subprocess.run(["ip", "link", "set", "lo", next(states)], check=True)
    """
    text = textwrap.dedent(begin) + textwrap.dedent(script)
    done = subprocess.run([*UNSHARE, sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_what_changes_after_the_listening_began_ends_the_next_wait_and_only_that() -> None:
    in_namespace("""
        change()
        with link_events.LinkEvents() as events:
            assert not events.wait(0.0)
            change()
            change()
            assert events.wait(30.0)
            assert not events.wait(0.0) and not events.wait(-1.0)
            change()
            assert events.wait(30.0)
    """)


def test_news_that_were_too_many_are_news() -> None:
    in_namespace("""
        with link_events.LinkEvents() as events:
            events._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            for _time in range(20):
                change()
            assert events.wait(30.0)
            assert not events.wait(0.0)
    """)
