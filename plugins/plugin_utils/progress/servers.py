# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the servers of a host are, by the files that their builds leave there; pure.

Who builds a server holds its lock, whose file is as old as that. Before anything is made it is written into the server's journal, then come the folder and
the disks, the console's log with the guest, which is paused, and the journal is closed before the guest runs (``compute/builder.py``). So the names and the
times of these files tell the stage, and the build itself does nothing for it. What is older than the lock is of a run that is dead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.printable import printable
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.progress import words
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.progress.shell_word import shell_word

DISKS, STARTING, STARTED, UNDONE = "creating disks", "starting", "started", "failed and undone"
# What comes after the start.
WAITING = {"cloud_init": ", waiting for cloud-init", "ssh": ", waiting for SSH"}


class Look(NamedTuple):
    """What was there, by server id; looked at in this order."""

    folders: Collection[str]
    journals: Collection[str]  # that are not older than the server's lock
    consoles: Collection[str]  # the same of logs


def look_of(answer: str) -> Look:
    """What ``ServerProgress.command`` has printed; what is no line of it counts for nothing."""
    found: dict[str, set[str]] = {"folder": set(), "journal": set(), "console": set()}
    for line in answer.splitlines():
        kind, _space, uuid = line.strip().partition(" ")
        if kind in found:
            found[kind].add(uuid)
    return Look(found["folder"], found["journal"], found["console"])


def stage_of(uuid: str, look: Look, before: str | None) -> str | None:
    """The stage of a server that was in the stage ``before``; None if it has not begun."""
    if uuid in look.journals:
        return STARTING if uuid in look.consoles else DISKS
    if uuid in look.folders:
        # The folder was looked at before the journal, and the log after it, so that neither a beginning nor an undo is taken for the end.
        return STARTED if uuid in look.consoles else before
    return UNDONE if before in (DISKS, STARTING) else before


class ServerProgress:
    """The servers that one host builds in one call: their names by id."""

    def __init__(self, host: str, names: Mapping[str, str], *, state_path: str, instances_path: str, wait_for: str) -> None:
        self._host = printable(host)
        self._names = names
        self._stages: dict[str, str] = {}
        self._waiting = WAITING.get(wait_for, "")
        folders, journals, locks = (shell_word(path) for path in (instances_path, f"{state_path}/journal", f"{state_path}/locks"))
        log = '"$uuid"/console.log'
        self._command = (
            f"(cd {folders} && printf 'folder %s\\n' *\n"
            f'cd {journals} && for uuid in *; do [ ! {locks}/"$uuid" -nt "$uuid" ] && echo "journal $uuid"; done\n'
            f'cd {folders} && for uuid in *; do [ -e {log} ] && [ ! {locks}/"$uuid" -nt {log} ] && echo "console $uuid"; done) 2>/dev/null; true'
        )

    def command(self) -> str:
        """What the host is asked, for its shell: names and times of files, and nothing that is in them."""
        return self._command

    def lines(self, answer: str, _at_s: float) -> list[str]:
        """A line for each stage that servers have come to since the look before."""
        look = look_of(answer)
        came: dict[str, list[str]] = {UNDONE: [], STARTED: [], STARTING: [], DISKS: []}
        for uuid, name in self._names.items():
            before = self._stages.get(uuid)
            stage = stage_of(uuid, look, before)
            if stage is not None and stage != before:
                self._stages[uuid] = stage
                came[stage].append(name)
        return [f"{self._host}: {words.servers(names)}: {self._said(stage)}" for stage, names in came.items() if names]

    def _said(self, stage: str) -> str:
        return stage + self._waiting if stage == STARTED else stage
