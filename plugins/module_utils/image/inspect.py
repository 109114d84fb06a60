# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an image file really is, from its own bytes, and whether it is safe to give to a guest.

Follows the rules of ``nova/virt/images.py: do_image_deep_inspection`` and oslo.utils' ``format_inspector`` (CVE-2022-47951, CVE-2024-32498): the content
must be what was declared, and a qcow2 must not name any other file.
"""

from __future__ import annotations

import os
import struct
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError

QCOW2_MAGIC = b"QFI\xfb"
# Incompatible features (qcow2 specification): dirty, corrupt, external data file, compression type, extended L2 entries.
FEATURE_CORRUPT, FEATURE_DATA_FILE = 1 << 1, 1 << 2
FEATURES_KNOWN = 0b11111
EXTENSION_END, EXTENSION_DATA_FILE = 0x00000000, 0x44415441
MOST_EXTENSIONS = 64

# What "raw" must not be: (offset, magic, name). A disk with a boot sector and partitions, or an ISO, is raw.
OTHER_FORMATS = (
    (0, QCOW2_MAGIC, "qcow2"),
    (0, b"QED\x00", "qed"),
    (0, b"KDMV", "vmdk"),
    (0, b"COWD", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (0x40, b"\x7f\x10\xda\xbe", "vdi"),
    (0, b"vhdxfile", "vhdx"),
    (0, b"conectix", "vhd"),
    (0, b"LUKS\xba\xbe", "luks"),
    (0, b"WithoutFreeSpace", "parallels"),
    (0, b"WithouFreSpacExt", "parallels"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"\xfd7zXZ\x00", "xz"),
    (0, b"BZh", "bzip2"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"PK\x03\x04", "zip"),
)


def detect(head: bytes) -> str:
    """The format that the first bytes (4096 are enough) say: one of OTHER_FORMATS' names, else ``raw``."""
    for offset, magic, name in OTHER_FORMATS:
        if head[offset : offset + len(magic)] == magic:
            return name
    return "raw"


def _refuse(why: str) -> t.NoReturn:
    raise ImageError("ImageUnacceptable", why)


def _numbers(form: str, head: bytes, offset: int) -> tuple[int, ...]:
    """The unsigned numbers at an offset of the header."""
    return struct.unpack_from(form, head, offset)


def _check_extensions(head: bytes, offset: int) -> None:
    for _count in range(MOST_EXTENSIONS):
        if offset + 8 > len(head):
            _refuse("qcow2: its header extensions don't end")
        kind, length = _numbers(">II", head, offset)
        if kind == EXTENSION_END:
            return
        if kind == EXTENSION_DATA_FILE:
            _refuse("qcow2: it names a data file outside itself")
        offset += 8 + (length + 7) // 8 * 8
    _refuse(f"qcow2: more than {MOST_EXTENSIONS} header extensions")


def qcow2_virtual_size(head: bytes) -> int:
    """The virtual size in bytes of a qcow2 from its header; ImageError (ImageUnacceptable) if it is broken or names another file."""
    if len(head) < 72 or head[:4] != QCOW2_MAGIC:
        _refuse("qcow2: the header is cut off")
    version, backing_offset = _numbers(">IQ", head, 4)
    cluster_bits, virtual_size = _numbers(">IQ", head, 20)
    if version not in (2, 3):
        _refuse(f"qcow2: version {version} is unknown")
    if backing_offset:
        _refuse("qcow2: it has a backing file")
    if not 9 <= cluster_bits <= 21:
        _refuse(f"qcow2: cluster_bits {cluster_bits} is not between 9 and 21")
    if version == 3:
        if len(head) < 104:
            _refuse("qcow2: the header is cut off")
        (features,) = _numbers(">Q", head, 72)
        (header_length,) = _numbers(">I", head, 100)
        if features & FEATURE_DATA_FILE:
            _refuse("qcow2: it keeps its data in another file")
        if features & FEATURE_CORRUPT:
            _refuse("qcow2: it is marked as corrupt")
        if features & ~FEATURES_KNOWN:
            _refuse(f"qcow2: incompatible features {features:#x} are unknown")
        if header_length < 104 or header_length > len(head):
            _refuse(f"qcow2: header length {header_length} is impossible")
        _check_extensions(head, header_length)
    else:
        _check_extensions(head, 72)
    return virtual_size


class Sizes(t.NamedTuple):
    """Of an image, in bytes."""

    size: int
    virtual_size: int


def inspect(path: str, disk_format: str) -> Sizes:
    """The sizes of a file that must be of ``disk_format`` (qcow2, raw); ImageError if it is not, or not safe."""
    size = os.stat(path).st_size
    with open(path, "rb") as file:
        head = file.read(65536)
    found = detect(head)
    if found != disk_format:
        _refuse(f"declared as {disk_format}, but its content is {found}")
    if disk_format == "qcow2":
        return Sizes(size, qcow2_virtual_size(head))
    # The fixed VHD's mark stands at the end.
    with open(path, "rb") as file:
        file.seek(max(0, size - 512))
        if file.read(8) == b"conectix":
            _refuse("declared as raw, but its content is vhd")
    if not size:
        _refuse("the image is empty")
    return Sizes(size, size)
