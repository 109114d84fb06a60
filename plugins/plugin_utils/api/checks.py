# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a body names, looked up and checked together: flavor, image, networks, groups, key pair, hosts, block devices; pure.

Follows ``API._validate_and_build_base_options`` and ``_checks_for_create_and_rebuild``; the order is Nova's, so that the first error is the one that Nova
would report.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import block_devices, image_block_devices, legacy_block_devices
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import Catalogue, ambiguous
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.flavor_image import Pairs
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.policy import Policy
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import ServerProblems
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.requested_networks import RequestedNetworks, check_count
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import target
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Target

Data = dict[str, t.Any]
BAD_REQUEST = "HTTPBadRequest"


class Checker:
    """Checks the requests of one run, one after another: addresses and ports that one takes are taken for the next."""

    def __init__(self, catalogue: Catalogue, fleet: Data | None, records: list[Data], policy: Policy, project: str) -> None:
        self._catalogue, self._policy, self._project = catalogue, policy, project
        self._networks = RequestedNetworks(catalogue, records, policy, project)
        self._pairs = Pairs(fleet, policy)
        self._places = target.places_of(fleet) if fleet else None

    def check(self, server: Data, asked: Data, written: Data, problems: ServerProblems) -> Data:
        """{flavor, image, networks, security_groups, keypair, group, host, hypervisor_hostname, block_devices, topology, target}; what can't be had is None."""
        image_ref = server.get("imageRef") or None
        flavor = self._catalogue.find("flavors", str(server["flavorRef"]).rstrip("/").rsplit("/", 1)[-1])
        if flavor is None or flavor["disabled"]:
            known = self._catalogue.known("flavors")
            rule = "is disabled" if flavor else f"is no flavor; known: {known}"
            problems.add("flavorRef", written.get("flavorRef", server["flavorRef"]), rule, "FlavorNotFound")
            flavor = None
        count = asked["max_count"]
        if count > 1 and server.get("hostname"):
            problems.add("hostname", server["hostname"], f"one host name cannot be given to {count} servers", BAD_REQUEST)
        check_count(server.get("networks"), count, problems)
        wanted = self._target(server, asked, problems)
        image = self._image(server, image_ref, written, problems)
        groups = self._security_groups(server, problems)
        networks = self._networks.check(server.get("networks"), asked["name"], written, problems)
        keypair = None
        if server.get("key_name"):
            keypair = self._catalogue.entries["keypairs"].get(server["key_name"])
            if keypair is None:
                problems.add("key_name", server["key_name"], f"is no key pair; known: {self._catalogue.known('keypairs')}", "KeypairNotFound")
        if server.get("personality"):
            rule = "files are not injected here: put them into the user data"
            problems.add("personality", server["personality"], rule, BAD_REQUEST)
        if server.get("trusted_image_certificates"):
            rule = "image signatures are not verified here; leave it out and rely on the image's checksum"
            problems.add("trusted_image_certificates", len(server["trusted_image_certificates"]), rule, "CertificateValidationFailed")
        self._check_metadata(server, problems)
        of_image = self._of_image(image, flavor, problems)
        asked_devices = server.get("block_device_mapping_v2") or []
        if server.get("block_device_mapping") and not asked_devices:
            has_root = any(bdm.get("boot_index") == 0 for bdm in of_image)
            asked_devices = legacy_block_devices.convert(server["block_device_mapping"], image_ref, problems.add, has_root=has_root)
        devices = block_devices.merge(flavor or {}, image_ref, asked_devices, of_image=of_image)
        topology, is_readable = None, True
        if flavor and image:
            verdict = self._pairs.check(flavor, image, devices)
            values = {"imageRef": written.get("imageRef", image["id"]), "block_device_mapping_v2": len(devices)}
            for fault in verdict.faults:
                problems.add(*fault._replace(value=values.get(fault.path, fault.value)))
            for note in verdict.notes:
                problems.note(note)
            topology, is_readable = verdict.topology, verdict.is_readable
        group = self._group(asked, problems)
        found = {
            "flavor": flavor,
            "image": image,
            "networks": networks,
            "security_groups": groups,
            "keypair": keypair,
            "group": group,
            "target": wanted,
            **self._destination(server, problems),
            "block_devices": devices,
            "topology": topology,
            "is_readable": is_readable,
        }
        self._check_devices(flavor, devices, image_ref, count, problems)
        return found

    def _target(self, server: Data, asked: Data, problems: ServerProblems) -> Target:
        """Where the request wants to be, in the fleet's own spelling."""
        if self._places is None:
            return {"zone": asked["zone"], "host": asked["forced_host"], "node": asked["forced_node"]}
        found = target.resolve(server.get("availability_zone"), self._places)
        # What is no target at all is reported with the body.
        faults = [fault for fault in found.faults if fault.error_class != "InvalidInput"]
        for fault in (*faults, *target.unknown(found.target, self._places)):
            problems.add(*fault.below("availability_zone"))
        for warning in found.warnings:
            problems.warn(warning)
        return found.target

    def _destination(self, server: Data, problems: ServerProblems) -> dict[str, str | None]:
        """{host, hypervisor_hostname}: what the fields of these names ask for, in the fleet's own spelling."""
        host, node = server.get("host"), server.get("hypervisor_hostname")
        if self._places is not None:
            found = target.destination(host, node, self._places)
            for fault in found.faults:
                problems.add(*fault)
            host, node = found.target["host"], found.target["node"]
        return {"host": host, "hypervisor_hostname": node}

    def _image(self, server: Data, image_ref: str | None, written: Data, problems: ServerProblems) -> Data | None:
        if not image_ref:
            return None
        image = self._catalogue.find("images", image_ref)
        value = written.get("imageRef", image_ref)
        if image is None:
            problems.add("imageRef", value, f"is no image; known: {self._catalogue.known('images')}", "ImageNotFound")
            return None
        if server.get("OS-DCF:diskConfig") == "AUTO" and str(image["properties"].get("auto_disk_config")).lower() == "disabled":
            problems.add("OS-DCF:diskConfig", "AUTO", "is disabled by the image", "AutoDiskConfigDisabledByImage")
        return image

    def _security_groups(self, server: Data, problems: ServerProblems) -> list[Data]:
        found: dict[str, Data] = {}
        for index, wanted in enumerate(server.get("security_groups") or [{"name": "default"}]):
            name = wanted.get("name", "default")
            groups = self._catalogue.matches("security_groups", name)
            if len(groups) != 1:
                if groups:
                    problems.add(f"security_groups[{index}].name", name, ambiguous(groups), "NoUniqueMatch", 409)
                else:
                    rule = f"is no security group; known: {self._catalogue.known('security_groups')}"
                    problems.add(f"security_groups[{index}].name", name, rule, "SecurityGroupNotFound")
                continue
            group = groups[0]
            if group["rules"]:
                problems.warn(f"security group {group['name']} has rules: they are recorded with the server, but not enforced on the host")
            found[group["id"]] = group
        return list(found.values())

    def _check_metadata(self, server: Data, problems: ServerProblems) -> None:
        items, most = len(server.get("metadata") or {}), self._catalogue.quota(self._project, "metadata_items")
        if 0 <= most < items:
            problems.add("metadata", items, f"must not have more than {most} items", "MetadataLimitExceeded", 403)

    def _group(self, asked: Data, problems: ServerProblems) -> Data | None:
        hint = asked["hints"].get("group")
        if isinstance(hint, list):
            hint = hint[0] if hint else None
        if not hint:
            return None
        group = self._catalogue.find("server_groups", hint)
        if group is None:
            rule = f"is no server group; known: {self._catalogue.known('server_groups')}"
            problems.add("os:scheduler_hints.group", hint, rule, "InstanceGroupNotFound")
        return group

    @staticmethod
    def _of_image(image: Data | None, flavor: Data | None, problems: ServerProblems) -> list[Data]:
        """The devices of the image's properties; what has not their shape is the image's fault."""
        if not image:
            return []
        try:
            found = image_block_devices.devices(image["properties"], flavor or {}, problems.add)
            for bdm in found:
                block_devices.normal(bdm, "imageRef")
            return found
        except (ValueError, TypeError, AttributeError) as error:
            problems.add("imageRef", image["name"], f"has block devices in its properties that can't be read: {error}", "InvalidBDMFormat")
            return []

    @staticmethod
    def _check_devices(flavor: Data | None, devices: list[block_devices.BlockDevice], image_ref: str | None, count: int, problems: ServerProblems) -> None:
        if flavor:
            block_devices.check(flavor, devices, image_ref, count, problems.add)
        needing = [bdm for bdm in devices if not bdm["no_device"] and (bdm["destination_type"] == "volume" or bdm["source_type"] in ("volume", "snapshot"))]
        for bdm in devices:
            if bdm["source_type"] in ("blank", "image") and bdm["destination_type"] is None and not bdm["no_device"]:
                problems.add(f"{bdm['path']}.destination_type", None, "must be local: there is no volume service here", "InvalidBDMFormat")
        for bdm in needing:
            problems.add(bdm["path"], bdm["source_type"], "there is no volume service here: disks are local (image, blank)", "VolumeNotFound")
