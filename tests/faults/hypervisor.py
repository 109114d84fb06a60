# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One hypervisor of the testbed: calls of modules on it by its driver, and what is on it."""

from __future__ import annotations

import json
import pathlib
import shutil
import socket
import subprocess
import time
import typing as t

import ansible
from integration.conftest import ROOT, STATE, TESTBED

HERE = pathlib.Path(__file__).resolve().parent
KVMFLEET = "/var/lib/libvirt/kvmfleet"
INSTANCES, IMAGES, HOST_STATE = f"{KVMFLEET}/instances", f"{KVMFLEET}/images", "/var/lib/kvmfleet"
CALL_S = 120.0  # the longest call
GRANTED_S = 600


class Answer(t.NamedTuple):
    """What came of a call; no result if it was killed."""

    result: dict[str, t.Any] | None
    seen: dict[str, dict[str, int]]  # points by step and kind
    struck: bool  # the fault came to its point, as far as is known


class Census(t.NamedTuple):
    """What is on a hypervisor, read from it itself."""

    domains: dict[str, dict[str, t.Any]]  # by uuid
    things: frozenset[str]  # files, taps and filters of servers

    def beside(self, other: Census) -> list[str]:
        """What is here and not there."""
        return sorted([*(self.things - other.things), *(f"domain {uuid}" for uuid in self.domains.keys() - other.domains.keys())])


def copy_code(folder: pathlib.Path) -> None:
    """The collection's code for the hosts, and Ansible's, to a folder that the hypervisor sees."""
    shutil.rmtree(folder, ignore_errors=True)
    plugins = folder / "ansible_collections" / "kvmfleet" / "compute" / "plugins"
    compiled = shutil.ignore_patterns("__pycache__")
    for room in ("module_utils", "modules"):
        shutil.copytree(ROOT / "plugins" / room, plugins / room, ignore=compiled)
    shutil.copytree(pathlib.Path(ansible.__file__).parent / "module_utils", folder / "ansible" / "module_utils", ignore=compiled)
    (folder / "ansible" / "__init__.py").touch()
    for name in ("driver.py", "census.py"):
        shutil.copy(HERE / name, folder / name)


class Call:
    """One call under way."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rw", encoding="utf-8")

    def send(self, **request: t.Any) -> None:
        self._stream.write(json.dumps(request) + "\n")
        self._stream.flush()

    def _line(self) -> dict[str, t.Any] | None:
        try:
            text = self._stream.readline()
        except OSError:
            return None
        return json.loads(text) if text else None

    def wait_until_reached(self) -> Answer | None:
        """None when the fault that waits has come to its point; the answer if the call ended without."""
        line = self._line()
        return None if line and "reached" in line else self._answer(line)

    def go_on(self) -> None:
        """The fault lets the call go on."""
        self._stream.write("\n")
        self._stream.flush()

    def answer(self) -> Answer:
        """The end of the call."""
        return self._answer(self._line())

    def _answer(self, line: dict[str, t.Any] | None) -> Answer:
        self._stream.close()
        self._connection.close()
        return Answer(None, {}, True) if line is None else Answer(line["result"], line["seen"], line["struck"])


class Hypervisor:
    """By its name in the testbed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.code = STATE / "hosts" / name / "faults"
        self._socket = self.code / "socket"
        self._driver: subprocess.Popen[bytes] | None = None

    def run(self, *argv: str, text: str | None = None) -> str:
        """Standard output of a command on it, which must succeed."""
        done = subprocess.run([str(TESTBED / "exec"), self.name, *argv], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{self.name}: {argv}: {done.stdout}{done.stderr}"
        return done.stdout

    def prepare(self) -> None:
        """Empty, with the code of this clone."""
        self.end()
        copy_code(self.code)
        self.wipe()

    def end(self) -> None:
        """End the driver."""
        if self._driver:
            self._driver.kill()
            self._driver.wait()
            self._driver = None
            # What was killed had only waited for the driver, which is in the hypervisor's own PID namespace; a hypervisor that is down has none.
            subprocess.run([str(TESTBED / "exec"), self.name, "pkill", "-KILL", "-f", f"{self.code}/driver.py"], check=False, capture_output=True)
        self._socket.unlink(missing_ok=True)

    def _connected(self) -> socket.socket:
        deadline = time.monotonic() + 60
        while True:
            if self._driver is None or self._driver.poll() is not None:
                self._socket.unlink(missing_ok=True)
                # A hypervisor may have a Python path already.
                program = ["sh", "-c", f'PYTHONPATH={self.code}:$PYTHONPATH PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "$@"', "driver"]
                program += [str(self.code / "driver.py"), str(self._socket)]
                self._driver = subprocess.Popen([str(TESTBED / "exec"), self.name, *program], stdin=subprocess.DEVNULL)
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(CALL_S)
            try:
                connection.connect(str(self._socket))
                return connection
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
                assert time.monotonic() < deadline, f"no driver on {self.name}"
                time.sleep(0.05)

    def begin(self, module: str, fault: dict[str, t.Any] | None = None, **params: t.Any) -> Call:
        """A call of a module, not waited for."""
        call = Call(self._connected())
        call.send(module=module, fault=fault, params=params)
        return call

    def call(self, module: str, fault: dict[str, t.Any] | None = None, **params: t.Any) -> Answer:
        """A call of a module, to its end."""
        return self.begin(module, fault, **params).answer()

    def enrol(self, epoch: dict[str, t.Any] | None) -> None:
        """It holds an epoch; None: none again."""
        if epoch is None:
            self.run("rm", "-f", f"{HOST_STATE}/registrar.json")
            return
        result = self.call("registrar", offer={"epoch": epoch, "expected": None}, host_name=self.name).result
        assert result and result.get("changed"), result

    def granted(self, epoch: dict[str, t.Any], ticket: int) -> dict[str, t.Any]:
        """What a run shows for its claims, good for some minutes by the hypervisor's own clock."""
        result = self.call("registrar").result
        assert result is not None, f"{self.name} says nothing of the time"
        clock = result["held"]["clock"]
        deadline = {"boot_id": clock["boot_id"], "ends_at": int(clock["seconds"]) + GRANTED_S}
        return {"epoch": {"number": epoch["number"], "id": epoch["id"]}, "ticket": ticket, "deadline": deadline}

    def census(self, kept: list[str] | None = None, no_files: bool = False) -> Census:
        """What is on it; if ``kept`` is given, without all servers but those with these uuids, and with ``no_files`` without any file of ours."""
        result = self.call("census", kept=kept, no_files=no_files).result
        assert result is not None, f"{self.name} has no census"
        return Census(result["domains"], frozenset(result["things"]))

    def reboot(self) -> None:
        """It loses power, and is switched on again."""
        subprocess.run([str(TESTBED / "reboot"), self.name], check=True, capture_output=True)
        self.end()

    def wipe(self) -> None:
        """No server and no image, whatever a test left."""
        self.census(kept=[], no_files=True)
