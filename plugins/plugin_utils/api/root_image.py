# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue's image for the root disk of a server that is there: a host's record says which content it was, and never where it comes from; pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import public
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Image
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue_entries import Entries
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.entries import image_shape
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.formats import Checksum, checksum_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import CatalogueImage


class RootImages:
    """The catalogue's images, found by what a record says of its image."""

    def __init__(self, images: Entries[CatalogueImage]) -> None:
        self._images = images
        self._by_sum: dict[tuple[Checksum | None, str], CatalogueImage] = {}
        for image in images.by_key.values():
            self._by_sum.setdefault((checksum_of(public(image["checksum"])), image["disk_format"]), image)

    def of(self, recorded: Image | None) -> Image | None:
        """The catalogue's image with exactly the record's checksum and format, by the record's id; None if there is none.

        An entry whose sum stands in a sums file is asked for the record's digest: it can be fetched only if the file has that content.
        """
        declared = checksum_of(public(recorded["checksum"])) if recorded else None
        if not recorded or not declared:
            return None
        same = self._by_sum.get((declared, recorded["disk_format"]))
        if same:
            return {**image_shape(same), "id": recorded["id"]}
        entry = self._images.find(recorded["id"])
        of_entry = checksum_of(entry["checksum"]) if entry and entry["disk_format"] == recorded["disk_format"] else None
        if not entry or not of_entry or of_entry.is_literal or not declared.is_literal or of_entry.algorithm != declared.algorithm:
            return None
        return {**image_shape(entry), "checksum": f"{declared.algorithm}:{declared.of}"}
