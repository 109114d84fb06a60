# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dnsmasq itself, on a bridge in namespaces of the test's own: no server of this machine is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.dnsmasq import obstacle
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute import served_bridge

OWN = ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc"]


def _may() -> bool:
    tools = all(map(shutil.which, ("unshare", "busybox", "pgrep")))
    return os.geteuid() == 0 and tools and obstacle() is None and subprocess.run([*OWN, "ip", "link"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not _may(), reason="needs root, namespaces and dnsmasq")
def test_guests_get_what_their_ports_have_and_nobody_else_gets_anything() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([*OWN, sys.executable, served_bridge.__file__], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    answer = {"router": "192.0.2.1", "mtu": "1400"}
    assert (said["one"], said["two"]) == ({"ip": "192.0.2.5", **answer}, {"ip": "192.0.2.6", **answer})
    assert said["stranger"] == said["gone"] == {}
    # A lease that the one before has had is no reason against it.
    assert said["three"] == said["two"] and said["again"] == said["one"]
    assert said["stateful"] == [{"ip": ["2001:db8::9"], "dns": ["2001:db8::53"]}, {}]
    assert said["stateless"] == [{"dns": ["2001:db8::53"]}, {}]
    assert said["same_process"] and said["left"] == ["", "True", ""]
