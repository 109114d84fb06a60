# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guest that booted and wrote to its disk before the faults began: whatever meets other servers, it runs on and reads what it wrote."""

from __future__ import annotations

import subprocess
import time
import uuid as uuid_library

from integration.conftest import SSH, STATE

from .hypervisor import Hypervisor
from .images import Image
from .servers import WRITTEN_AT, Server

BOOT_S = 900.0  # of an emulated guest on a busy machine
READY = "kvmfleet-micro ready"  # on the console


class Neighbour:
    """One guest of the micro image."""

    def __init__(self, host: Hypervisor, image: Image) -> None:
        key = (STATE / "ssh" / "id.pub").read_text().strip()
        keypair = {"name": "testbed", "type": "ssh", "public_key": key}
        groups = [{"id": "neighbour", "name": "neighbour"}]
        self._server = Server(host, image, f"neighbour-{host.name}", key_name="testbed", keypair=keypair, security_groups=groups)
        self._server.made()
        self._address = self._server.instance["ports"][0]["fixed_ips"][0]["ip_address"]
        self._token = uuid_library.uuid4().hex
        self._wait_until_up()
        # Without fsync QEMU still has the map of what was written to itself.
        self._guest(f"echo -n {self._token} | dd of=/dev/vda bs=512 seek={WRITTEN_AT // 512} conv=notrunc,fsync")
        self._pid = self._domain()["pid"]

    @property
    def uuid(self) -> str:
        return self._server.uuid

    def _domain(self) -> dict[str, object]:
        return self._server.host.census().domains[self._server.uuid]

    def _ssh(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*SSH, f"root@{self._address}", command], capture_output=True, text=True, check=False)

    def _guest(self, command: str) -> str:
        done = self._ssh(command)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout

    def _wait_until_up(self) -> None:
        # Guests of the testbed stand behind everything else: of this one the whole campaign waits for.
        pid = str(self._domain()["pid"])
        self._server.host.run("sh", "-c", f"renice -n 0 -p {pid} > /dev/null; [ ! -e /proc/{pid}/autogroup ] || echo 0 > /proc/{pid}/autogroup")
        deadline = time.monotonic() + BOOT_S
        while READY not in self._server.console():
            assert time.monotonic() < deadline, "the neighbour does not come up"
            time.sleep(0.5)

    def comes_back(self) -> None:
        """Its host was rebooted, and the next run starts it: what it needs of the kernel has gone, too, and would be made by whoever is next."""
        assert self._domain()["power_state"] == "shutdown"
        self._server.next_run()
        self._pid = self._domain()["pid"]
        assert self._pid is not None, "the neighbour does not run again"

    def check_untouched(self) -> None:
        """It runs as before, and its disk on the host has what it wrote."""
        assert self._domain()["pid"] == self._pid, "a fault of another server has ended the neighbour's guest"
        assert self._server.read(len(self._token)) == self._token

    def check_reads(self) -> None:
        """The guest itself reads what it wrote."""
        self._wait_until_up()
        self._guest("echo 3 > /proc/sys/vm/drop_caches")
        assert self._guest(f"dd if=/dev/vda bs=512 skip={WRITTEN_AT // 512} count=1 2>/dev/null | head -c {len(self._token)}") == self._token
