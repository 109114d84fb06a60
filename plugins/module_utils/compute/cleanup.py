# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What killed runs and cut calls have left on a host: found, and removed if nobody can need it.

What a guest may have written is never among it, however orphaned it looks: a domain may have been undefined to be defined again, it may have been migrated,
and the instances path may be shared with other hosts. So a folder without a domain is only shown, unless the operator names it.

Everything is looked at again under the lock of its server; in check mode exactly the same is found, and nothing is touched.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.builder import Builder, Owned
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.journal import open_journals
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.lease import holder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.secret_hash import temporary_keys
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.build import NEVER_RUN
from ansible_collections.kvmfleet.compute.plugins.module_utils.durable import sync_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, Leaving, Record
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.instance_files import foreign_files
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.removal import remove_path
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.table import backend_of

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")
KEY_AGE_S = 24 * 3600  # no process makes a key for so long


class Stays(Exception):
    """Why something that looked due is left as it is."""


def disk_space(*paths: str) -> int:
    """The bytes that these files, and the files in these folders, take; what is not there takes none."""
    total = 0
    for path in paths:
        if os.path.isdir(path) and not os.path.islink(path):
            total += sum(disk_space(os.path.join(folder, name)) for folder, _folders, files in os.walk(path) for name in files)
        elif os.path.lexists(path):
            total += os.lstat(path).st_blocks * 512
    return total


def _whose(record: Record) -> str:
    run = record["run"]
    return holder(run) if run else "a run that it does not name"


class Cleanup:
    """One call's work on one host: ``removed`` and ``left`` are what it found, ``failed`` a sentence for each removal that failed.

    ``folders``: ids of servers whose folders the operator gives up. ``elsewhere``: ids of domains of other hosts.
    """

    def __init__(self, builder: Builder, *, folders: t.Collection[str], elsewhere: t.Collection[str], now: float) -> None:
        self.removed: t.List[Leaving] = []
        self.left: t.List[Leaving] = []
        self.failed: t.List[str] = []
        self.domains: t.List[str] = []  # ids
        self._builder = builder
        self._host = builder.host
        self._folders = folders
        self._elsewhere = elsewhere
        self._now = now
        self._used: t.Dict[str, str] = {}  # {path of a disk: its domain}

    def run(self) -> None:
        """Find all that is left, and remove what is due; HypervisorError if the host's domains can't be read."""
        domains = self._builder.hypervisor.domains()
        self.domains = sorted(domain["uuid"] for domain in domains)
        self._used = {os.path.realpath(disk["path"]): domain["name"] for domain in domains for disk in domain["disks"] if disk["path"]}
        # All of it is read before anything is removed, so that check mode finds the same.
        there, state_path = set(self.domains), self._host.state_path
        journals = [uuid for uuid in open_journals(state_path) if uuid not in there]
        folders = [uuid for uuid in self._folders_there() if uuid not in {*there, *journals}]
        unlocked = [uuid for uuid in locks.lock_files(state_path) if uuid not in {*there, *journals, *folders}]
        for domain in domains:
            self._claim(domain)
        for uuid in journals:
            self._journal(uuid)
        for uuid in folders:
            self._folder(uuid)
        for domain in domains:
            self._scratch(domain)
        self._keys()
        self._partials()
        self._networks()
        self._rules()
        for uuid in unlocked:
            self._lock(uuid)

    def sentences(self, check_mode: bool) -> t.List[str]:
        """A line for each thing that was found; one sentence if nothing was."""
        verb = "would be removed" if check_mode else "removed"
        lines = [f"{verb}: {item['kind']} {item['path']} ({item['bytes']} bytes): {item['why']}" for item in self.removed]
        lines += [f"left: {item['kind']} {item['path']} ({item['bytes']} bytes): {item['why']}" for item in self.left]
        return lines or ["Nothing is left of runs that have ended."]

    # what is found

    def _settle(self, leaving: Leaving, check: t.Callable[[], None], remove: t.Callable[[], None]) -> None:
        """Remove it under its server's lock, unless ``check`` raises Stays or another process has the lock."""
        uuid = leaving["id"]
        try:
            if uuid is None:
                check()
                if not self._builder.check_mode:
                    remove()
            else:
                with self._locked(uuid):
                    check()
                    if not self._builder.check_mode:
                        remove()
            self.removed.append(leaving)
        except Stays as reason:
            self.left.append({**leaving, "why": str(reason)})
        except (KvmfleetError, OSError) as error:
            if isinstance(error, ServerError) and error.error_class == locks.HELD:
                self.left.append({**leaving, "why": error.message})
            else:
                self.left.append({**leaving, "why": f"it could not be removed: {error}"})
                self.failed.append(f"{leaving['kind']} {leaving['path']}: {error}")

    @contextlib.contextmanager
    def _locked(self, uuid: str) -> t.Iterator[None]:
        """Hold the server's lock; of a server that has no domain nothing of the lock stays."""
        with self._builder.lock(uuid):
            try:
                yield
            finally:
                if uuid not in self.domains and not self._builder.check_mode:
                    locks.forget(self._host.state_path, uuid)

    def _claim(self, domain: Domain) -> None:
        record, uuid = domain["record"], domain["uuid"]
        if record is None or record["vm_state"] != "building":
            return
        why = f"{_whose(record)} has claimed {record['display_name']} (domain {domain['name']}) and is dead: its claim has run out"
        leaving: Leaving = {"kind": "claim", "id": uuid, "path": record["folder"], "bytes": self._made_space(uuid), "why": why}
        self._settle(leaving, lambda: self._check_claim(self._builder.look_up(uuid)), lambda: self._builder.undo(uuid))

    def _made_space(self, uuid: str) -> int:
        """What the journal of a server names, but for folders, in which something foreign may lie."""
        journal = self._host.journal(uuid)
        return disk_space(journal.path, *(entry["path"] for entry in journal.entries() if entry["kind"] != "dir"))

    def _check_claim(self, owned: t.Optional[Owned]) -> None:
        if owned is None or owned.record["vm_state"] != "building":
            raise Stays("it has been finished or deleted meanwhile")
        if owned.record["started"] or owned.domain["power_state"] not in NEVER_RUN:
            raise Stays("its guest may have run, so that nothing of it is removed; a run with the same request finishes it")
        left = self._builder.lease_left_s(owned.record)
        if left:
            raise Stays(f"{_whose(owned.record)} may live: the host keeps its claim for another {left} s")

    def _journal(self, uuid: str) -> None:
        journal = self._host.journal(uuid)
        made = [entry["path"] for entry in journal.entries()]
        leaving: Leaving = {
            "kind": "journal",
            "id": uuid,
            "path": journal.path,
            "bytes": self._made_space(uuid),
            "why": "it names what a build has made that was cut off before its guest ran, and its server has no domain any more",
        }

        def check() -> None:
            self._check_gone(uuid)
            for path in made:
                self._check_unused(path)

        self._settle(leaving, check, lambda: self._builder.undo(uuid))

    def _check_not_here(self, uuid: str) -> None:
        if self._builder.hypervisor.find(uuid) is not None:
            raise Stays("the host has a domain with this id by now")

    def _check_gone(self, uuid: str) -> None:
        """No host has a domain with this id."""
        self._check_not_here(uuid)
        if uuid in self._elsewhere:
            raise Stays("another host has a domain with this id")

    def _check_unused(self, path: str) -> None:
        """No domain of the host, by whatever id, has a disk there."""
        real = os.path.realpath(path)
        for disk, name in self._used.items():
            if disk == real or disk.startswith(real + os.sep):
                raise Stays(f"domain {name} uses {disk}")

    def _folders_there(self) -> t.List[str]:
        """The ids that folders of the instances path have."""
        try:
            return sorted(name for name in os.listdir(self._host.instances_path) if UUID.match(name) and os.path.isdir(self._host.folder(name)))
        except FileNotFoundError:
            return []

    def _folder(self, uuid: str) -> None:
        if uuid in self._elsewhere and uuid not in self._folders:
            # The instances path is shared with the host that has the server.
            return
        path = self._host.folder(uuid)
        leaving: Leaving = {
            "kind": "folder",
            "id": uuid,
            "path": path,
            "bytes": disk_space(path),
            "why": "it has no domain and no journal, and its id is named in folders",
        }
        if uuid not in self._folders:
            why = "it has no domain and no journal, but a guest may have written what is in it; it is removed only if its id is named in folders"
            self.left.append({**leaving, "why": why})
            return

        def remove() -> None:
            shutil.rmtree(path)
            sync_file(self._host.instances_path)

        self._settle(leaving, lambda: self._check_folder(uuid, path), remove)

    def _check_folder(self, uuid: str, path: str) -> None:
        self._check_gone(uuid)
        self._check_unused(path)
        if os.path.islink(path):
            raise Stays("it is a link")
        foreign = foreign_files(path)
        if foreign:
            raise Stays(f"it holds what this collection has not made: {', '.join(foreign)}")

    def _scratch(self, domain: Domain) -> None:
        """What a killed start has left beside the disks of a server that is there; a build's is in its journal."""
        record = domain["record"]
        if record is None or not record["started"]:
            return
        for disk in record["disks"]:
            path = os.path.join(record["folder"] or self._host.folder(record["uuid"]), disk["file"])
            for scratch, kind in backend_of(disk).scratch(path).items():
                if os.path.lexists(scratch):
                    self._temporary(record["uuid"], scratch, kind)

    def _temporary(self, uuid: t.Optional[str], path: str, kind: str) -> None:
        why = "a process that was killed has left it on the way to what it made"
        leaving: Leaving = {"kind": "temporary", "id": uuid, "path": path, "bytes": disk_space(path), "why": why}

        def check() -> None:
            if not os.path.lexists(path):
                raise Stays("it is gone by now")
            self._check_unused(path)

        self._settle(leaving, check, lambda: remove_path(kind, path))

    def _keys(self) -> None:
        for path in temporary_keys(self._host.state_path):
            if os.path.lexists(path) and os.lstat(path).st_mtime < self._now - KEY_AGE_S:
                self._temporary(None, path, "file")

    def _partials(self) -> None:
        try:
            files = cache.clear_partials(self._host.image_cache_path, self._now, check_mode=self._builder.check_mode)
        except OSError as error:
            self.failed.append(f"partial downloads: {error}")
            return
        for file in files:
            why = "its fetch has ended and it can't be gone on with" if file.is_due else "its download was cut off and can be gone on with for a day"
            leaving: Leaving = {"kind": "partial", "id": None, "path": file.path, "bytes": file.bytes, "why": why}
            (self.removed if file.is_due else self.left).append(leaving)

    def _networks(self) -> None:
        """After the claims, which may have been the last that needed one. In check mode these claims are there, and need it."""
        try:
            ended, swept = self._builder.sweep()
        except KvmfleetError as error:
            self.failed.append(f"networks: {error}")
            return
        for name in ended:
            why = "it is of a DHCP server for servers of the host, and none needs it any more"
            self.removed.append({"kind": "network", "id": None, "path": name, "bytes": 0, "why": why})
        for device in swept.removed:
            why = f"it was made for servers ({device.alias or 'unfinished'}), and none needs it any more"
            self.removed.append({"kind": "network", "id": None, "path": device.name, "bytes": 0, "why": why})
        for name, why in swept.left:
            self.left.append({"kind": "network", "id": None, "path": name, "bytes": 0, "why": why})

    def _rules(self) -> None:
        """Of servers whose domain somebody has undefined by hand, or that went at the same time as their neighbours."""
        try:
            devices = self._builder.filters.sweep_tables(check_mode=self._builder.check_mode)
        except KvmfleetError as error:
            self.failed.append(f"rules of nftables: {error}")
            return
        for device in devices:
            self.removed.append(
                {"kind": "rules", "id": None, "path": device, "bytes": 0, "why": "nftables has rules for it, and no server needs them any more"}
            )

    def _lock(self, uuid: str) -> None:
        path = locks.lock_path(self._host.state_path, uuid)
        why = "its server has no domain and no journal, and nobody holds it"
        leaving: Leaving = {"kind": "lock", "id": uuid, "path": path, "bytes": disk_space(path), "why": why}
        self._settle(leaving, lambda: self._check_not_here(uuid), lambda: locks.forget(self._host.state_path, uuid))
