# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The DHCP servers of the host: dnsmasq of the distribution, a process for each bridge that has one, and its files.

The files lie where a reboot takes them away together with processes, namespaces and devices. A process is known by its command line, which names its
configuration: no number that was written down is believed. Nor is a process ever told to read its hosts again (SIGHUP): version 2.90 can die of that, and one
that begins anew serves after some hundredths of a second.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import select
import shutil
import signal
import socket
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.dhcp.names import OUTER, is_key, key_in, namespace_of

ROOT, NAMESPACES = "/run/kvmfleet/dhcp", "/run/netns"
OLDEST = (2, 81)  # the first that has shared-network
START_S, STOP_S = 30.0, 10.0
FOLDER_MODE, FILE_MODE = 0o755, 0o644  # dnsmasq reads the hosts as the user that it becomes


class Loaded(t.NamedTuple):
    """What a process has been given."""

    configuration: str
    hosts: t.Tuple[str, ...]


class DhcpLike(t.Protocol):
    """The DHCP servers of a host, by key (``names.py``)."""

    def keys(self) -> t.Set[str]:
        """Those of which anything is there."""

    def folder(self, key: str) -> str:
        """Where its files lie."""

    def has_namespace(self, key: str) -> bool:
        """True if its network namespace is there."""

    def loaded(self, key: str) -> t.Optional[Loaded]:
        """What the process that runs has been given; None if none runs, or if that is not certain."""

    def start(self, key: str, wanted: Loaded) -> None:
        """Start it, in its namespace, in place of one that runs."""

    def stop(self, key: str) -> None:
        """End the process, and remove its files."""


def version_of(text: str) -> t.Optional[t.Tuple[int, ...]]:
    """What ``dnsmasq --version`` says; None if that can't be told."""
    found = re.match(r"Dnsmasq version (\d+)\.(\d+)", text)
    return tuple(int(number) for number in found.groups()) if found else None


@functools.lru_cache(maxsize=1)
def obstacle() -> t.Optional[str]:
    """Why the host can't answer its guests, as half a sentence; None if it can."""
    for tool, package in (("dnsmasq", "dnsmasq-base, or dnsmasq"), ("ip", "iproute2"), ("nsenter", "util-linux")):
        if commands.installed(tool) is None:
            return f"the host has no {tool} (package {package}), with which it answers guests that ask for their address"
    try:
        version = version_of(commands.run([commands.administrators("dnsmasq"), "--version"], START_S))
    except ServerError as error:
        return f"the host's dnsmasq does not run: {error.message}"
    if version is not None and version < OLDEST:
        return f"the host's dnsmasq is of version {'.'.join(map(str, version))}, and {'.'.join(map(str, OLDEST))} is needed to answer guests"
    return None


class Dnsmasq:
    """This host's."""

    def __init__(self, root: str = ROOT, namespaces: str = NAMESPACES) -> None:
        self._root, self._namespaces = root, namespaces

    def keys(self) -> t.Set[str]:
        """Those of which anything is there."""
        found = {name for name in _names(self._root) if is_key(name)}
        others = [*_names(self._namespaces), *(name for _index, name in socket.if_nameindex() if name.startswith(OUTER))]
        return found | {key for key in map(key_in, others) if key}

    def folder(self, key: str) -> str:
        """Where its files lie."""
        return os.path.join(self._root, key)

    def has_namespace(self, key: str) -> bool:
        """True if its network namespace is there."""
        return os.path.exists(os.path.join(self._namespaces, namespace_of(key)))

    def loaded(self, key: str) -> t.Optional[Loaded]:
        """What the process that runs has been given; None if none runs, or if that is not certain."""
        if len(self._processes(key)) != 1:
            return None
        try:
            with open(self._path(key, "loaded"), encoding="utf-8") as file:
                content: t.Dict[str, t.Any] = json.load(file)
            return Loaded(str(content["configuration"]), tuple(str(line) for line in content["hosts"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def start(self, key: str, wanted: Loaded) -> None:
        """Start it, in its namespace, in place of one that runs. It serves when this returns."""
        self._end(key)
        _make_folder(os.path.dirname(self._root))
        _make_folder(self._root)
        _make_folder(self.folder(key))
        self._write(key, "dnsmasq.conf", wanted.configuration)
        self._write(key, "hosts", "".join(f"{line}\n" for line in wanted.hosts))
        within = [commands.administrators("nsenter"), f"--net={os.path.join(self._namespaces, namespace_of(key))}"]
        commands.run([*within, commands.administrators("dnsmasq"), self._argument(key)], START_S)
        # Last: whoever is killed before has told nobody that it runs, and the next one starts it again.
        self._write(key, "loaded", json.dumps({"configuration": wanted.configuration, "hosts": wanted.hosts}))

    def stop(self, key: str) -> None:
        """End the process, and remove its files."""
        self._end(key)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.folder(key))

    def _path(self, key: str, name: str) -> str:
        return os.path.join(self.folder(key), name)

    def _argument(self, key: str) -> str:
        return f"--conf-file={self._path(key, 'dnsmasq.conf')}"

    def _write(self, key: str, name: str, text: str) -> None:
        """Whole, or not at all; a power cut takes all of it."""
        new = self._path(key, f"{name}.new")
        with open(new, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), FILE_MODE)
        os.replace(new, self._path(key, name))

    def _end(self, key: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(key, "loaded"))
        for pid in self._processes(key):
            self._end_process(key, pid)

    def _processes(self, key: str) -> t.List[int]:
        """Those with its configuration, of this system: one in a container may have files of the same name."""
        return [int(name) for name in _names("/proc") if name.isdigit() and self._is_process(key, name)]

    def _is_process(self, key: str, pid: str) -> bool:
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            is_it = os.path.basename(words[0]) == b"dnsmasq" and self._argument(key).encode() in words
            return is_it and os.readlink(f"/proc/{pid}/ns/pid") == os.readlink("/proc/self/ns/pid")
        except OSError:
            return False

    def _end_process(self, key: str, pid: int) -> None:
        """By a descriptor of the process: its number could be another one's meanwhile."""
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            for number in (signal.SIGTERM, signal.SIGKILL):
                if not self._is_process(key, str(pid)):
                    return
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(descriptor, number)
                select.select([descriptor], [], [], STOP_S)
        finally:
            os.close(descriptor)


def _names(folder: str) -> t.List[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _make_folder(path: str) -> None:
    os.makedirs(path, exist_ok=True)
    os.chmod(path, FOLDER_MODE)
