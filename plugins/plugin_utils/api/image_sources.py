# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an image is to come from: what the catalogue says and nobody else, what may be secret apart from what may be shown; pure.

A server's record lies on a host, and whoever rules there can write any path of the controller into it.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import checksum
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import public

Asked = dict[str, t.Any]  # an image as the module takes it; keys may be missing


def _same_source(entry: Asked, image: Asked) -> bool:
    return public(str(entry.get("source") or "")) == public(str(image.get("source") or ""))


def _same_sum(entry: Asked, image: Asked) -> bool:
    # Digests may be written in upper case.
    return public(str(entry.get("checksum") or "")).lower() == public(str(image.get("checksum") or "")).lower()


def from_catalogue(image: Asked, catalogue: t.Mapping[str, Asked]) -> Asked:
    """The image with the source of its entry, and the entry's checksum unless it is a digest already; ImageError if the catalogue has none.

    An entry is the image's if it has the same digest, or the same source and either the same sums file or, for a digest, any.
    """
    is_digest = checksum.is_digest(*checksum.parse(str(image.get("checksum") or "")))
    entries = [entry for entry in catalogue.values() if isinstance(entry, dict)]
    for entry in sorted(entries, key=lambda entry: not _same_source(entry, image)):
        if (is_digest or _same_sum(entry, image)) and (_same_source(entry, image) or (is_digest and _same_sum(entry, image))):
            return {**image, "source": str(entry["source"]), "checksum": str(image["checksum"] if is_digest else entry["checksum"])}
    source, declared = public(str(image.get("source"))), public(str(image.get("checksum")))
    raise ImageError("ImageNotFound", f"{source}: no image of compute_images has the checksum {declared}, so it can't be fetched; add one")


def with_secrets_apart(image: Asked) -> Asked:
    """The image with addresses that may be shown; those that hold a user, a password or a query stand whole beside them."""
    apart = dict(image)
    for key in ("source", "checksum"):
        whole = str(image.get(key) or "")
        if public(whole) != whole:
            apart.update({key: public(whole), f"secret_{key}": whole})
    return apart
