# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries of the catalogue as they go on with a server; what has to be worked out of one is worked out once. Pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import public
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Flavor, Image
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue_entries import E, Entries
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import image_properties
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.suggestion import suggestion
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import CatalogueFlavor, CatalogueImage


def flavor_shape(flavor: CatalogueFlavor) -> Flavor:
    """A flavor as it goes on."""
    return {
        "id": flavor["id"],
        "name": flavor["name"],
        "vcpus": flavor["vcpus"],
        "memory_mb": flavor["memory_mb"],
        "root_gb": flavor["root_gb"],
        "ephemeral_gb": flavor["ephemeral_gb"],
        "swap": flavor["swap"],
        "extra_specs": flavor["extra_specs"],
    }


def image_shape(image: CatalogueImage) -> Image:
    """An image as it goes on: its addresses without what may be secret, its properties in Nova's own spelling, so that nobody behind has to know the others."""
    return {
        "id": image["id"],
        "name": image["name"],
        "source": public(image["source"]),
        "checksum": public(image["checksum"]),
        "disk_format": image["disk_format"],
        "size": image["size"],
        "virtual_size": image["virtual_size"],
        "min_disk": image["min_disk"],
        "min_ram": image["min_ram"],
        "properties": {**image["properties"], **image_properties.known(image["properties"])},
    }


class UnknownEntries:
    """The rules that unknown names break: to find what may have been meant takes time, and many requests of a run may share a slip."""

    def __init__(self) -> None:
        self._rules: dict[tuple[str, str], str] = {}

    def rule(self, noun: str, value: object, entries: Entries[E]) -> str | None:
        """The rule that an unknown name breaks; None if the entry exists, but has a fault of its own."""
        if str(value) in entries.faulty:
            return None
        key = (noun, str(value))
        if key not in self._rules:
            self._rules[key] = f"unknown {noun}{suggestion(value, sorted({*entries.by_key, *entries.faulty}))}"
        return self._rules[key]
