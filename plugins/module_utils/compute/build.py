# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One server's way on its host: claim, build, start, delete.

Follows ``nova/virt/libvirt/driver.py: spawn``, ``_create_domain_and_network``, ``_hard_reboot`` and ``destroy``.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import os
import time
import typing as t
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import claim, console, locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.secret_hash import keyed_hash
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest import config_drive
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.domain_xml import domain_element
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache
from ansible_collections.kvmfleet.compute.plugins.module_utils.libvirt import Hypervisor, HypervisorError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import ports
from ansible_collections.kvmfleet.compute.plugins.module_utils.record import KEYS, record_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage import disks

# The folder of an instance lets the emulator's user through to files whose names it knows, and shows nothing.
FOLDER_MODE = 0o711


@dataclasses.dataclass(frozen=True)
class Secrets:
    """What a record must not hold: ``user_data`` (base64) and ``admin_pass``, each None where there is none."""

    user_data: t.Optional[str] = None
    admin_pass: t.Optional[str] = None


@dataclasses.dataclass(frozen=True)
class Host:
    """Where a server is built: the host's name in the inventory, its paths, numbers and key."""

    name: str
    instances_path: str
    state_path: str
    virt_type: str
    arch: str
    resources: t.Dict[str, t.Any]
    key: bytes
    image_cache_path: str
    # What the image stage reported, by id. What it wasn't asked for was in the cache when the host was read.
    images: t.Dict[str, t.Dict[str, t.Any]]

    def files(self, uuid: str) -> disks.InstanceFiles:
        """The paths of one server."""
        return disks.InstanceFiles(self.instances_path, uuid)


def hashes(host: Host, uuid: str, secrets: Secrets) -> dict[str, str | None]:
    """The keyed hashes that a record keeps of an instance's secrets."""
    return {
        "user_data": keyed_hash(host.key, uuid, secrets.user_data),
        "admin_pass": keyed_hash(host.key, uuid, secrets.admin_pass),
    }


def render(host: Host, instance: dict[str, t.Any], record: dict[str, t.Any]) -> str:
    """The domain's XML as this host would define it."""
    files = host.files(instance["uuid"])
    element = domain_element(
        instance,
        record,
        disks=files.plan(instance),
        console_log=files.console_log,
        virt_type=host.virt_type,
        arch=host.arch,
        machine_type=record.get("machine_type"),
    )
    return ET.tostring(element, encoding="unicode")


def new_record(host: Host, instance: dict[str, t.Any], secrets: Secrets, run: dict[str, t.Any], now: str) -> dict[str, t.Any]:
    """The record of a claim."""
    hashed = hashes(host, instance["uuid"], secrets)
    return record_of(instance, vm_state="building", run=run, created_at=now, machine_type=None, secrets=hashed)


def take(
    hypervisor: Hypervisor,
    host: Host,
    instance: dict[str, t.Any],
    domains: list[dict[str, t.Any]],
    record: dict[str, t.Any],
    check_mode: bool,
) -> str:
    """Claim: check against ``domains`` (fresh, under the host's lock), define, and add the domain to ``domains``. Returns the XML."""
    claim.check(instance, host.resources, domains)
    if os.path.lexists(host.files(instance["uuid"]).folder):
        raise ServerError("PathExists", f"{host.files(instance['uuid']).folder} exists already and is not of this build; it is left alone", reschedule=True)
    xml = render(host, instance, record)
    if not check_mode:
        try:
            hypervisor.define(xml)
        except HypervisorError as error:
            raise ServerError("LibvirtError", f"define: {error}", reschedule=True) from error
    domains.append(
        {
            "name": instance["domain_name"],
            "uuid": instance["uuid"],
            "vcpus": int(instance["flavor"]["vcpus"]),
            "memory_mb": int(instance["flavor"]["memory_mb"]),
            "interfaces": [{"mac_address": port["mac_address"].lower()} for port in instance.get("ports") or []],
            "disks": [],
            "record": record,
            "power_state": "shutdown",
        }
    )
    return xml


def take_over(hypervisor: Hypervisor, host: Host, uuid: str, run: dict[str, t.Any], force: bool, check_mode: bool) -> None:
    """Take a claim of a dead run: its record names this run from now on. ServerError where its builder lives after all."""
    domain = hypervisor.find(uuid)
    if domain is None or not domain["record"]:
        raise ServerError("InstanceNotFound", f"no domain of this collection with uuid {uuid} is on the host any more")
    if locks.is_locked(host.state_path, uuid) and not force:
        raise ServerError("InstanceIsBuilding", f"instance {uuid} is being built by a live process of this host")
    if not check_mode:
        hypervisor.set_record(uuid, dict(domain["record"], run=run))


def _write_secret(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _make_disk(host: Host, instance: dict[str, t.Any], disk: dict[str, t.Any], source: dict[str, t.Any]) -> None:
    if disk["role"] == "root":
        image = instance["image"]
        base = host.images.get(image["id"]) or cache.find_declared(host.image_cache_path, image["checksum"], image["disk_format"])
        if base is None:
            raise ServerError("ImageNotFound", f"image {image['name']} is not in the host's cache any more", reschedule=True)
        if base.get("error"):
            raise ServerError(base["error"]["error_class"], base["error"]["message"])
        disks.make_overlay(disk["path"], base, disk["size"])
    elif disk["role"] == "config":
        disks.make_iso(disk["path"], config_drive.files(instance, **source))
    else:
        disks.make_blank(disk)


def _make_files(host: Host, instance: dict[str, t.Any], secrets: Secrets, journal: Journal) -> None:
    files = host.files(instance["uuid"])
    journal.make_dir(files.folder, FOLDER_MODE)
    source = {"user_data": secrets.user_data, "admin_pass": secrets.admin_pass, "random_seed": base64.b64encode(os.urandom(512)).decode()}
    # Kept for a later rebuild of the drive: a record must not hold it.
    _write_secret(journal.make_file(files.config_source), json.dumps(source))
    for disk in files.plan(instance):
        journal.make_file(disk["path"])
        _make_disk(host, instance, disk, source)
    # QEMU makes it at the start; it goes when the build is undone.
    journal.make_file(files.console_log)


def _start(hypervisor: Hypervisor, instance: dict[str, t.Any]) -> None:
    """Start paused, look whether each port is on its bridge, let it run, read the state back."""
    uuid = instance["uuid"]
    hypervisor.start_paused(uuid)
    ports.check_plugged(instance.get("ports") or [], hypervisor.live_interfaces(uuid))
    hypervisor.resume(uuid)
    state = hypervisor.power_state(uuid)
    if state != "running":
        raise ServerError("InstancePowerOnFailure", f"the guest is {state} right after its start", reschedule=True)


def _remove(hypervisor: Hypervisor, host: Host, uuid: str) -> None:
    """Undo: the domain that this claim defined, then the files that the journal names."""
    if hypervisor.find(uuid) is not None:
        hypervisor.destroy(uuid)
        hypervisor.undefine(uuid)
    Journal(host.state_path, uuid).undo()
    locks.forget(host.state_path, uuid)


def as_recorded(record: dict[str, t.Any]) -> dict[str, t.Any]:
    """The instance that a record describes."""
    return {key: record.get(key) for key in KEYS}


def build(hypervisor: Hypervisor, host: Host, instance: dict[str, t.Any], secrets: Secrets, run: dict[str, t.Any]) -> str:
    """Build a claimed instance, or finish one that a dead run left; returns its power state.

    A failure removes what was made, the claim too, and is raised as ServerError. Once the guest has run it is never undone.
    """
    uuid = instance["uuid"]
    with locks.instance_lock(host.state_path, uuid):
        domain = hypervisor.find(uuid)
        if domain is None or not domain["record"]:
            raise ServerError("InstanceNotFound", f"the claim of {instance['display_name']} is not on the host any more", reschedule=True)
        record = domain["record"]
        if (record.get("run") or {}).get("id") != run.get("id"):
            raise ServerError("InstanceIsBuilding", f"the claim of {instance['display_name']} belongs to run {(record.get('run') or {}).get('id')}")
        journal = Journal(host.state_path, uuid)
        # What was claimed is built: a request that changed since a dead run claimed is drift.
        instance = as_recorded(record)
        try:
            if domain["power_state"] == "running":
                # A dead run got this far: the guest is up, only its record doesn't say so.
                ports.check_plugged(instance.get("ports") or [], hypervisor.live_interfaces(uuid))
            else:
                hypervisor.destroy(uuid)
                journal.undo()
                ports.check_bindings(instance.get("ports") or [], hypervisor.networks())
                _make_files(host, instance, secrets, journal)
                _start(hypervisor, instance)
        except (ServerError, HypervisorError, OSError) as error:
            with contextlib.suppress(HypervisorError):
                _remove(hypervisor, host, uuid)
            raise _as_server_error("build", error) from error
        active = dict(record, vm_state="active", run=None, machine_type=domain["machine_type"], secrets=hashes(host, uuid, secrets))
        hypervisor.set_record(uuid, active)
        journal.close()
        return "running"


def _as_server_error(what: str, error: Exception) -> ServerError:
    if isinstance(error, ServerError):
        return error
    if isinstance(error, HypervisorError):
        return ServerError("LibvirtError", f"{what}: {error}", reschedule=True)
    return ServerError("OSError", f"{what}: {error}", reschedule=True)


def start(hypervisor: Hypervisor, host: Host, instance: dict[str, t.Any]) -> str:
    """Start a stopped server by way of a hard reboot: XML from the record, missing disks made again, plug, start; returns its power state."""
    uuid = instance["uuid"]
    with locks.instance_lock(host.state_path, uuid):
        domain = hypervisor.find(uuid)
        if domain is None or not domain["record"]:
            raise ServerError("InstanceNotFound", f"no domain of this collection with uuid {uuid} is on the host any more")
        record = domain["record"]
        recorded = as_recorded(record)
        files = host.files(uuid)
        try:
            hypervisor.destroy(uuid)
            _make_missing(host, recorded, files)
            hypervisor.define(render(host, recorded, record))
            _start(hypervisor, recorded)
        except (ServerError, HypervisorError, OSError) as error:
            with contextlib.suppress(HypervisorError):
                hypervisor.destroy(uuid)
            failure = _as_server_error("start", error)
            # The server has its disks here: no other host can start it.
            raise ServerError(failure.error_class, failure.message, reschedule=False) from error
        return "running"


def _make_missing(host: Host, instance: dict[str, t.Any], files: disks.InstanceFiles) -> None:
    os.makedirs(files.folder, mode=FOLDER_MODE, exist_ok=True)
    try:
        with open(files.config_source, encoding="utf-8") as file:
            source = json.load(file)
    except FileNotFoundError:
        source = {"user_data": None, "admin_pass": None, "random_seed": base64.b64encode(os.urandom(512)).decode()}
    for disk in files.plan(instance):
        if not os.path.exists(disk["path"]):
            _make_disk(host, instance, disk, source)


def wait(hypervisor: Hypervisor, host: Host, instance: dict[str, t.Any], wait_for: str, timeout_s: float) -> None:
    """Wait for cloud-init's last word on the console; ServerError with the console's end, and nothing undone, at the time-out."""
    if wait_for != "cloud_init":
        return
    log = host.files(instance["uuid"]).console_log

    def runs() -> bool:
        return hypervisor.power_state(instance["uuid"]) in ("running", "blocked", "paused")

    if not console.wait_for(log, console.CLOUD_INIT_DONE, time.monotonic() + timeout_s, runs):
        raise ServerError("WaitTimeout", f"cloud-init has not finished within {timeout_s:.0f} s; the server is left as it is")


def delete(hypervisor: Hypervisor, host: Host, uuid: str) -> tuple[bool, list[str]]:
    """Delete a server: domain, NVRAM, disks, config drive, record. Returns (changed, foreign files that stay)."""
    files = host.files(uuid)
    with locks.instance_lock(host.state_path, uuid):
        domain = hypervisor.find(uuid)
        if domain is not None and not domain["record"]:
            raise ServerError("InstanceNotFound", f"domain {domain['name']} is not of this collection; it is left alone")
        if domain is not None:
            hypervisor.destroy(uuid)
        changed = domain is not None
        own = [files.config_source, files.console_log, *(disk["path"] for disk in files.plan(domain["record"] if domain else {"flavor": {}}))]
        if domain is not None:
            for path in own:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)
                    changed = True
        journal = Journal(host.state_path, uuid)
        changed = changed or bool(journal.entries())
        journal.undo()
        left = sorted(os.listdir(files.folder)) if os.path.isdir(files.folder) else []
        if not left and domain is not None:
            with contextlib.suppress(FileNotFoundError):
                os.rmdir(files.folder)
        if domain is not None:
            # Last: as long as the definition stands, a run that was cut off here finds the server and can go on.
            hypervisor.undefine(uuid)
        locks.forget(host.state_path, uuid)
    return changed, [os.path.join(files.folder, name) for name in left]
