from __future__ import annotations

import pathlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import checksum
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.inspect import OTHER_FORMATS, inspect, qcow2_virtual_size


def qcow2(version: int = 3, backing: int = 0, size: int = 2**30, bits: int = 16, features: int = 0, extension: bytes = b"", length: int = 104) -> bytes:
    head = struct.pack(">4sIQIIQ", b"QFI\xfb", version, backing, 0, bits, size)
    head = head.ljust(72, b"\0")
    if version == 3:
        head += struct.pack(">QQQII", features, 0, 0, 4, length)
    return head + extension + b"\0" * 512


@pytest.mark.parametrize("version", [2, 3])
def test_a_plain_qcow2(version: int) -> None:
    assert qcow2_virtual_size(qcow2(version)) == 2**30


@pytest.mark.parametrize(
    ("head", "why"),
    [
        (qcow2(backing=1024), "backing file"),
        (qcow2(version=2, backing=1024), "backing file"),
        (qcow2(features=4), "data in another file"),
        (qcow2(features=2), "corrupt"),
        (qcow2(features=1 << 20), "unknown"),
        (qcow2(extension=struct.pack(">II", 0x44415441, 8) + b"/etc/pwd"), "data file outside"),
        (qcow2(bits=30), "cluster_bits"),
        (qcow2(version=7), "version 7"),
        (qcow2(length=5), "header length"),
        (b"QFI\xfb", "cut off"),
    ],
)
def test_what_is_refused(head: bytes, why: str) -> None:
    with pytest.raises(ImageError, match=why):
        qcow2_virtual_size(head)


@given(st.binary(max_size=300), st.booleans())
def test_random_bytes_are_refused_or_sized_never_a_traceback(tail: bytes, magic: bool) -> None:
    head = (b"QFI\xfb" if magic else b"") + tail
    try:
        size = qcow2_virtual_size(head)
    except ImageError:
        return
    assert struct.unpack_from(">Q", head, 8)[0] == 0
    assert size >= 0


@pytest.mark.parametrize(("offset", "magic", "name"), OTHER_FORMATS)
def test_raw_must_not_be_another_format(tmp_path: pathlib.Path, offset: int, magic: bytes, name: str) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"\0" * offset + magic + b"\0" * 2048)
    with pytest.raises(ImageError, match=f"its content is {name}"):
        inspect(str(path), "raw")


def test_raw_is_raw_and_an_empty_file_is_nothing(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "image"
    path.write_bytes(b"\xeb\x63\x90" + b"\0" * 1021)
    assert inspect(str(path), "raw") == (1024, 1024)
    path.write_bytes(b"")
    with pytest.raises(ImageError, match="empty"):
        inspect(str(path), "raw")


@pytest.mark.parametrize(
    "line", ["{d}  disk.qcow2", "{d} *disk.qcow2", "SHA256 (disk.qcow2) = {d}", "{d}  ./images/disk.qcow2"], ids=["gnu", "binary", "bsd", "path"]
)
def test_sums_files(line: str) -> None:
    digest = "ab" * 32
    assert checksum.in_sums(f"{'00' * 32}  other\n{line.format(d=digest)}\n", "sha256", "disk.qcow2") == digest


@pytest.mark.parametrize("text", ["", "md5:abc", "sha256:", "sha256:abc", "sha512:" + "0" * 64])
def test_bad_checksums(text: str) -> None:
    with pytest.raises(ImageError):
        checksum.parse(text)
