# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a body refers to, found and checked together: flavor, image, networks, groups, key pair, hosts, block devices; pure.

Follows ``API._validate_and_build_base_options`` and ``_checks_for_create_and_rebuild``; the order is Nova's, so that the first fault is the one that Nova
would report.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Disk, Flavor, Image, KeyPair, SecurityGroup, ServerGroup, Topology
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import block_devices, disks, image_block_devices, legacy_block_devices
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.block_devices import BlockDevice
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import Catalogue, ambiguous
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.enforced_groups import obstacle
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.entries import UnknownEntries, flavor_shape, image_shape
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.flavor_image import Pairs
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.nics import nic_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.policy import Policy
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Findings, Remark, gathered
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.requested_networks import RequestedNetworks, check_count
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.server_body import Asked, DeviceBody, Hints, SecurityGroupBody, ServerBody
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import target
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.target import Places
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware.constraints import is_true
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import (
    CatalogueImage,
    Destination,
    Fleet,
    FleetInstance,
    RequestedNetwork,
    Target,
)

BAD_REQUEST = "HTTPBadRequest"
# What stands for an unknown flavor, so that the rest can be checked.
NO_FLAVOR: Flavor = {"id": "", "name": "", "vcpus": 1, "memory_mb": 1, "root_gb": 0, "ephemeral_gb": 0, "swap": 0, "extra_specs": {}}
# {Nova's path: the value as it is written}, if that is an alias.
Written = Mapping[str, object]


@dataclass(frozen=True)
class Lookups:
    """What a request refers to; None if it is not given, or has a fault."""

    flavor: Flavor | None
    image: Image | None
    networks: list[RequestedNetwork]
    security_groups: list[SecurityGroup]
    keypair: KeyPair | None
    group: ServerGroup | None
    target: Target  # in the fleet's own spelling
    destination: Destination | None  # of the fields host and hypervisor_hostname
    block_devices: list[BlockDevice]
    disks: list[Disk]
    topology: Topology | None
    config_drive: bool
    places: Places | None  # hosts, nodes and zones of the fleet


class Checker:
    """Checks the requests of one run, one after another: addresses and ports that one takes are taken for the next."""

    def __init__(self, catalogue: Catalogue, fleet: Fleet | None, records: list[FleetInstance], policy: Policy, project: str, force_config_drive: bool) -> None:
        self._catalogue, self._project, self._force_config_drive = catalogue, project, force_config_drive
        self._unknown = UnknownEntries()
        self._flavors: dict[str, Flavor] = {}
        self._images: dict[str, Image] = {}
        self._targets: dict[str, target.Resolution] = {}
        hosts = [entry["state"] for entry in fleet["hosts"].values() if entry["state"]] if fleet else []
        self._networks = RequestedNetworks(catalogue, hosts, records, policy, project)
        self._pairs = Pairs(fleet, policy)
        self._places = target.places_of(fleet) if fleet else None
        # Of requests that ask for no block device, by flavor, image and config drive: most are alike.
        self._plain: dict[tuple[str, str, bool], tuple[list[BlockDevice], disks.Plan]] = {}

    def check(self, server: ServerBody, asked: Asked, written: Written) -> Findings[Lookups]:
        """Find and check what a request refers to."""
        flavor = yield from self._flavor(server, written)
        count = asked.max_count
        if count > 1 and server.get("hostname"):
            yield Fault("hostname", server.get("hostname"), f"one host name cannot be given to {count} servers", BAD_REQUEST)
        yield from check_count(server.get("networks", []), count)
        wanted = yield from self._target(server, asked)
        image = yield from self._image(server, written)
        security_groups = yield from self._security_groups(server)
        networks = yield from self._networks.check(server.get("networks", []), asked.name, written, nic_of(flavor, image))
        keypair = yield from self._keypair(server)
        yield from _not_here(server)
        yield from self._check_metadata(server)
        config_drive = self._config_drive(server, image)
        devices, plan = yield from self._devices(server, flavor, image, config_drive)
        topology = None
        if flavor and image:
            verdict = self._pairs.check(flavor, image, devices)
            values = {"imageRef": written.get("imageRef", image["id"]), "block_device_mapping_v2": len(devices)}
            yield from (fault._replace(value=values.get(fault.path, fault.value)) for fault in verdict.faults)
            yield from map(Remark, verdict.notes)
            topology = verdict.topology
            if not verdict.is_readable:
                plan = disks.NOTHING
        group = yield from self._group(asked.hints, written)
        destination = yield from self._destination(server)
        if flavor:
            yield from block_devices.check(flavor, devices, server.get("imageRef") or None, count)
        yield from block_devices.check_local(devices)
        yield from plan.faults
        yield from map(Remark, plan.notes)
        return Lookups(
            flavor=flavor,
            image=self._image_shape(image) if image else None,
            networks=networks,
            security_groups=security_groups,
            keypair=keypair,
            group=group,
            target=wanted,
            destination=destination,
            block_devices=devices,
            disks=plan.disks,
            topology=topology,
            config_drive=config_drive,
            places=self._places,
        )

    def _image_shape(self, image: CatalogueImage) -> Image:
        found = self._images.get(image["id"])
        if found is None:
            found = self._images[image["id"]] = image_shape(image)
        return found

    def _flavor(self, server: ServerBody, written: Written) -> Findings[Flavor | None]:
        flavor = self._catalogue.flavors.find(str(server["flavorRef"]).rstrip("/").rsplit("/", 1)[-1])
        if flavor and not flavor["disabled"]:
            known = self._flavors.get(flavor["id"])
            if known is None:
                known = self._flavors[flavor["id"]] = flavor_shape(flavor)
            return known
        value = written.get("flavorRef", server["flavorRef"])
        rule = "is disabled" if flavor else self._unknown.rule("flavor", value, self._catalogue.flavors)
        if rule:
            yield Fault("flavorRef", value, rule, "FlavorNotFound")
        return None

    def _target(self, server: ServerBody, asked: Asked) -> Findings[Target]:
        """Where the request wants to be, in the fleet's own spelling."""
        if self._places is None:
            return asked.target
        text = server.get("availability_zone") or ""
        found = self._targets.get(text)
        if found is None:
            found = self._targets[text] = target.resolve(text, self._places)
        # What is no target at all is reported with the body.
        faults = [fault for fault in found.faults if fault.error_class != "InvalidInput"]
        yield from (fault.below("availability_zone") for fault in (*faults, *target.unknown(found.target, self._places)))
        yield from (Remark(warning, is_warning=True) for warning in found.warnings)
        return found.target

    def _destination(self, server: ServerBody) -> Findings[Destination | None]:
        """What the fields host and hypervisor_hostname ask for, in the fleet's own spelling."""
        host, node = server.get("host") or None, server.get("hypervisor_hostname") or None
        if not (host or node):
            return None
        if self._places is not None:
            found = target.destination(host, node, self._places)
            yield from found.faults
            host, node = found.target["host"], found.target["node"]
        return {"host": host, "node": node}

    def _image(self, server: ServerBody, written: Written) -> Findings[CatalogueImage | None]:
        reference = server.get("imageRef")
        if not reference:
            return None
        image = self._catalogue.images.find(reference)
        value = written.get("imageRef", reference)
        if image is None:
            rule = self._unknown.rule("image", value, self._catalogue.images)
            if rule:
                yield Fault("imageRef", value, rule, "ImageNotFound")
            return None
        if server.get("OS-DCF:diskConfig") == "AUTO" and str(image["properties"].get("auto_disk_config")).lower() == "disabled":
            yield Fault("OS-DCF:diskConfig", "AUTO", "is disabled by the image", "AutoDiskConfigDisabledByImage")
        return image

    def _security_groups(self, server: ServerBody) -> Findings[list[SecurityGroup]]:
        found: dict[str, SecurityGroup] = {}
        asked: list[SecurityGroupBody] = server.get("security_groups") or [{"name": "default"}]
        for index, wanted in enumerate(asked):
            name, path = wanted.get("name", "default"), f"security_groups[{index}].name"
            groups = self._catalogue.security_groups.matches(name)
            if len(groups) > 1:
                yield Fault(path, name, ambiguous(groups), "NoUniqueMatch", 409)
            for group in groups if len(groups) == 1 else []:
                why = obstacle(group)
                if why:
                    yield Fault(path, name, why, "SecurityGroupCannotBeApplied")
                found[group["id"]] = {"id": group["id"], "name": group["name"]}
            rule = None if groups else self._unknown.rule("security group", name, self._catalogue.security_groups)
            if rule:
                yield Fault(path, name, rule, "SecurityGroupNotFound")
        return list(found.values())

    def _keypair(self, server: ServerBody) -> Findings[KeyPair | None]:
        name = server.get("key_name")
        found = self._catalogue.keypairs.by_key.get(name) if name else None
        rule = self._unknown.rule("key pair", name, self._catalogue.keypairs) if name and not found else None
        if rule:
            yield Fault("key_name", name, rule, "KeypairNotFound")
        return {"name": found["name"], "type": found["type"], "public_key": found["public_key"]} if found else None

    def _check_metadata(self, server: ServerBody) -> Iterator[Fault]:
        items, most = len(server.get("metadata") or {}), self._catalogue.quota(self._project, "metadata_items")
        if 0 <= most < items:
            yield Fault("metadata", items, f"must not have more than {most} items", "MetadataLimitExceeded", 403)

    def _group(self, hints: Hints, written: Written) -> Findings[ServerGroup | None]:
        hint: str | list[str] | None = hints.get("group")
        reference = (hint[0] if hint else None) if isinstance(hint, list) else hint
        if not reference:
            return None
        found = self._catalogue.server_groups.find(reference)
        value = written.get("os:scheduler_hints.group", reference)
        rule = None if found else self._unknown.rule("server group", value, self._catalogue.server_groups)
        if rule:
            yield Fault("os:scheduler_hints.group", value, rule, "InstanceGroupNotFound")
        return {"id": found["id"], "name": found["name"], "policy": found["policy"], "rules": found["rules"]} if found else None

    def _config_drive(self, server: ServerBody, image: CatalogueImage | None) -> bool:
        is_asked = is_true(server.get("config_drive", False)) or (image is not None and image["properties"].get("img_config_drive") == "mandatory")
        # A guest of a plain libvirt host has no metadata service to ask.
        return is_asked or self._force_config_drive

    def _devices(
        self, server: ServerBody, flavor: Flavor | None, image: CatalogueImage | None, config_drive: bool
    ) -> Findings[tuple[list[BlockDevice], disks.Plan]]:
        """The block devices of request, image and flavor, and the disks that become of them."""
        image_ref = server.get("imageRef") or None
        of_image: list[DeviceBody] = []
        asked = server.get("block_device_mapping_v2") or []
        legacy = server.get("block_device_mapping") or []
        is_plain = flavor is not None and image is not None and not asked and not legacy
        key = (flavor["id"] if flavor else "", image["id"] if image else "", config_drive)
        if is_plain and key in self._plain:
            return self._plain[key]
        if image:
            of_image, faults = _of_image(image, flavor or NO_FLAVOR)
            yield from faults
            is_plain = is_plain and not faults
        if legacy and not asked:
            has_root = any(bdm.get("boot_index") == 0 for bdm in of_image)
            asked = yield from legacy_block_devices.convert(legacy, image_ref, has_root=has_root)
        devices = block_devices.merge(flavor or NO_FLAVOR, image_ref, asked, of_image=of_image)
        properties = image["properties"] if image else {}
        found = devices, disks.plan(flavor, devices, properties, config_drive, bool(image_ref)) if flavor else disks.NOTHING
        if is_plain:
            self._plain[key] = found
        return found


def _not_here(server: ServerBody) -> Iterator[Fault]:
    """What Nova can do and is not built here."""
    if server.get("personality"):
        rule = "files are not injected here: put them into the user data"
        yield Fault("personality", server.get("personality"), rule, BAD_REQUEST)
    certificates = server.get("trusted_image_certificates")
    if certificates:
        rule = "image signatures are not verified here; leave it out and rely on the image's checksum"
        yield Fault("trusted_image_certificates", len(certificates), rule, "CertificateValidationFailed")


def _of_image(image: CatalogueImage, flavor: Flavor) -> tuple[list[DeviceBody], list[Fault]]:
    """The devices of the image's properties; malformed ones are the image's fault."""
    try:
        found, faults, _remarks = gathered(image_block_devices.devices(image["properties"], flavor))
        for bdm in found:
            block_devices.normal(bdm, "imageRef")
        return found, faults
    except (ValueError, TypeError, AttributeError) as error:
        rule = f"has block devices in its properties that can't be read: {error}"
        return [], [Fault("imageRef", image["name"], rule, "InvalidBDMFormat")]
