# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that is held when its servers are placed, before it reserves; and a claim of it that is stopped on its host."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import typing as t

from integration.conftest import ROOT, TESTBED, Fleet, Play

PLAYBOOK = ROOT / "tests" / "integration" / "late_claim.yml"
MODULES = "python3.*"  # what Ansible runs on a hypervisor, and nothing else there


class HalfwayRun:
    """Its servers are placed, and nothing is reserved yet."""

    def __init__(self, folder: pathlib.Path, variables: dict[str, t.Any]) -> None:
        folder.mkdir()
        gate = folder / "gate"
        os.mkfifo(gate)
        self._folder = folder
        argv, environment = Fleet(folder).command(str(PLAYBOOK), {**variables, "gate": str(gate)})
        self._process = subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        # Opened when the run opens its end.
        self._gate = os.open(gate, os.O_WRONLY)

    def go_on(self) -> None:
        os.close(self._gate)

    def kill(self) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def end(self) -> Play:
        """What it left."""
        output, _nothing = self._process.communicate()
        result = self._folder / "result.json"
        return Play(self._process.returncode, output, json.loads(result.read_text()) if result.exists() else {"servers": []})

    def go_on_to_claim(self, fleet: Fleet, host: str) -> StoppedClaim:
        """It reserves, and sends its claims to this host, which is not the registrar."""
        lock = ["sh", "-c", "exec 9>>/var/lib/kvmfleet/locks/host; flock 9; echo held; read end"]
        with subprocess.Popen([str(TESTBED / "exec"), host, *lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holding:
            assert holding.stdout is not None
            assert holding.stdout.readline() == "held\n"
            self.go_on()
            # One that has ended and is not yet waited for gets signals, too.
            fleet.hosts[host].run("sh", "-c", f"until pkill -STOP -x '{MODULES}' && pgrep -r T -x '{MODULES}'; do sleep 0.1; done")
            holding.communicate("\n")
        return StoppedClaim(fleet, host)


class StoppedClaim:
    """A module on a host that has not come to the lock of claims yet."""

    def __init__(self, fleet: Fleet, host: str) -> None:
        self._host = fleet.hosts[host]

    def go_on(self) -> None:
        """To its end."""
        self._host.run("pkill", "-CONT", "-x", MODULES)
        self._host.wait_for_modules()
