# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DHCP servers of a host in a dict, for the host side's unit tests: a process has what it was told, and dies with its namespace."""

from __future__ import annotations

import collections.abc
import dataclasses

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.dnsmasq import DhcpLike, Loaded
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.names import key_in, namespace_of
from ansible_collections.kvmfleet.compute.tests.unit.fake_kernel import FakeKernel


@dataclasses.dataclass
class Process:
    """One that runs."""

    pid: int
    configuration: str
    hosts: tuple[str, ...]


class FakeDhcp:
    """``processes``: by key; ``files``: the keys that have any; ``told``: what stands in the file that says what a process was given."""

    def __init__(self, kernel: collections.abc.Callable[[], FakeKernel]) -> None:
        self._kernel = kernel
        self.processes: dict[str, Process] = {}
        self.files: set[str] = set()
        self.told: dict[str, Loaded] = {}
        self.started = 0

    def keys(self) -> set[str]:
        kernel = self._kernel()
        return self.files | {key for key in map(key_in, (*kernel.there, *kernel.namespaces)) if key}

    def folder(self, key: str) -> str:
        return f"/run/{key}"

    def has_namespace(self, key: str) -> bool:
        return namespace_of(key) in self._kernel().namespaces

    def loaded(self, key: str) -> Loaded | None:
        return self.told.get(key) if key in self.processes else None

    def start(self, key: str, wanted: Loaded) -> None:
        self._end(key)
        self._step()
        self.files.add(key)
        self._step()
        assert self.has_namespace(key)
        self.started += 1
        self.processes[key] = Process(self.started, *wanted)
        self._step()
        self.told[key] = wanted

    def stop(self, key: str) -> None:
        self._end(key)
        self._step()
        self.files.discard(key)

    def reboot(self) -> None:
        """Nothing of it lasts."""
        self.processes, self.files, self.told = {}, set(), {}

    def _end(self, key: str) -> None:
        self._step()
        self.told.pop(key, None)
        self._step()
        self.processes.pop(key, None)

    def _step(self) -> None:
        self._kernel().live()


def has_servers(fake: FakeDhcp) -> DhcpLike:
    """For the type checker: the fake has what the host side needs."""
    return fake
