# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images of the campaign."""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess
import typing as t

from ansible_collections.kvmfleet.compute.tests.unit import make

from .hypervisor import Hypervisor

BUILT = pathlib.Path(os.environ.get("KVMFLEET_TESTBED_IMAGES", "/var/cache/kvmfleet-testbed"))
Image = dict[str, t.Any]


def image_of(path: pathlib.Path) -> Image:
    """The image that a file has."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return dict(make.image(id=path.stem, name=path.stem, source=path.as_uri(), checksum=f"sha256:{digest}"))


def asked_for(image: Image) -> Image:
    """An image as the module ``image`` is asked for it."""
    return {key: image[key] for key in ("id", "name", "source", "checksum", "disk_format")}


class Images:
    """``bootless`` has nothing to boot: its guest is there, and costs no time. ``fetched`` is only fetched. ``micro`` boots."""

    def __init__(self, host: Hypervisor) -> None:
        self.bootless = self._empty(host, "bootless", "4M")
        self.fetched = self._empty(host, "fetched", "5M")
        self.micro = image_of(BUILT / "micro.qcow2")
        result = host.call("image", images=[asked_for(self.bootless), asked_for(self.micro)]).result
        assert result is not None
        assert not result.get("failed"), result

    def _empty(self, host: Hypervisor, name: str, size: str) -> Image:
        path = host.code / f"{name}.qcow2"
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", str(path), size], check=True)
        return image_of(path)
