"""The kinds of disk, made by the host's own tools where it has them."""

from __future__ import annotations

import errno
import json
import os
import pathlib
import shutil
import subprocess
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Disk
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage import base
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.base import BaseImage
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.config_drive import iso_tool
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.instance_files import InstanceFiles
from ansible_collections.kvmfleet.compute.plugins.module_utils.storage.table import KINDS, backend_of
from ansible_collections.kvmfleet.compute.tests.unit import make


class Sources:
    """A raw image of 1 MiB, and a config drive of one file."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._image = folder / "image"
        self._image.write_bytes(bytes(2**20))

    def base_image(self) -> BaseImage:
        return BaseImage(str(self._image), "raw", 2**20)

    def config_drive(self) -> dict[str, bytes]:
        return {"openstack/latest/meta_data.json": b"{}"}


def made(folder: pathlib.Path, disk: Disk) -> pathlib.Path:
    path = folder / disk["file"]
    backend_of(disk).make(disk, str(path), Sources(folder))
    assert path.stat().st_mode & 0o777 == 0o600
    return path


def needs(*tools: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(any(shutil.which(tool) is None for tool in tools), reason=f"needs {', '.join(tools)}")


needs_iso_tool = pytest.mark.skipif(iso_tool() is None, reason="needs an ISO tool")


def test_every_kind_stands_in_the_table_under_its_name() -> None:
    assert sorted(KINDS) == ["blank", "config_drive", "overlay"]
    assert all(kind == backend.kind for kind, backend in KINDS.items())


@needs("qemu-img")
@pytest.mark.parametrize(("size_bytes", "virtual_size"), [(2**21, 2**21), (0, 2**20)])
def test_an_overlay_is_grown_to_its_size_or_has_its_images_own(tmp_path: pathlib.Path, size_bytes: int, virtual_size: int) -> None:
    path = made(tmp_path, make.root_disk(size_bytes=size_bytes))
    info = json.loads(subprocess.run(["qemu-img", "info", "--output=json", str(path)], check=True, capture_output=True).stdout)
    assert (info["virtual-size"], info["format"], info["backing-filename"]) == (virtual_size, "qcow2", str(tmp_path / "image"))


def test_an_image_that_is_larger_than_the_disk_is_refused_before_anything_is_made(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ServerError) as caught:
        made(tmp_path, make.root_disk(size_bytes=2**19))
    assert (caught.value.error_class, caught.value.reschedule) == ("FlavorDiskSmallerThanImage", False)
    assert not (tmp_path / "disk").exists()


@needs("mkfs.ext4", "blkid")
@pytest.mark.parametrize(
    ("changes", "label", "kind"), [({"size_bytes": 2**24}, "ephemeral0", "ext4"), ({"role": "swap", "size_bytes": 2**20, "label": None}, "swap", "swap")]
)
def test_a_blank_disk_has_the_file_system_or_swap_that_it_is_for(tmp_path: pathlib.Path, changes: dict[str, t.Any], label: str, kind: str) -> None:
    path = made(tmp_path, make.disk(**changes))
    seen = subprocess.run(["blkid", "-p", "-o", "export", str(path)], check=True, capture_output=True, text=True).stdout.splitlines()
    assert {f"LABEL={label}", f"TYPE={kind}"} <= set(seen)
    assert path.stat().st_size == changes["size_bytes"]


def test_a_blank_disk_is_never_made_over_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "disk.eph0").write_text("written by the guest")
    with pytest.raises(FileExistsError):
        made(tmp_path, make.disk())
    assert (tmp_path / "disk.eph0").read_text() == "written by the guest"


@needs_iso_tool
def test_a_config_drive_is_an_iso_with_the_label_that_guests_look_for(tmp_path: pathlib.Path) -> None:
    path = made(tmp_path, make.config_disk())
    assert path.read_bytes()[32808:32840].decode().strip() == "config-2"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["disk.config", "image"]


def test_removing_says_whether_there_was_something(tmp_path: pathlib.Path) -> None:
    (tmp_path / "disk").write_text("x")
    backend = KINDS["overlay"]
    assert (backend.exists(str(tmp_path / "disk")), backend.remove(str(tmp_path / "disk"))) == (True, True)
    assert (backend.exists(str(tmp_path / "disk")), backend.remove(str(tmp_path / "disk"))) == (False, False)


def test_missing_disks_are_found_by_their_names(tmp_path: pathlib.Path) -> None:
    files = InstanceFiles(str(tmp_path / "u"))
    pathlib.Path(files.folder).mkdir()
    (tmp_path / "u" / "disk").write_text("x")
    assert [disk["file"] for disk in files.missing([make.root_disk(), make.disk()])] == ["disk.eph0"]


@needs("qemu-img")
def test_an_overlay_is_never_made_over_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "disk").write_text("written by the guest")
    with pytest.raises(FileExistsError):
        made(tmp_path, make.root_disk())
    assert (tmp_path / "disk").read_text() == "written by the guest"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["disk", "image"]


def test_a_disk_is_there_as_a_whole_or_not_at_all(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_argv: list[str]) -> str:
        raise ServerError("ProcessExecutionError", "mkfs.ext4: no")

    monkeypatch.setattr(commands, "run", fail)
    with pytest.raises(ServerError, match=r"mkfs\.ext4"):
        made(tmp_path, make.disk())
    assert sorted(item.name for item in tmp_path.iterdir()) == ["image"]


@pytest.mark.parametrize("disk", [make.disk(size_bytes=2**24), pytest.param(make.config_disk(), marks=needs_iso_tool)])
def test_what_a_killed_process_left_half_made_is_made_anew(tmp_path: pathlib.Path, disk: Disk) -> None:
    backend = backend_of(disk)
    for path, kind in backend.scratch(str(tmp_path / disk["file"])).items():
        if kind == "tree":
            pathlib.Path(path).mkdir()
            (pathlib.Path(path) / "user_data").write_text("secret")
        else:
            pathlib.Path(path).write_text("half")
    made(tmp_path, disk)
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted([disk["file"], "image"])


def test_a_path_that_cannot_be_read_is_an_error_and_not_a_disk_that_is_missing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stat(_path: str) -> t.NoReturn:
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="Stale"):
        patched.setattr(base.os, "stat", stat)
        KINDS["overlay"].exists(str(tmp_path / "disk"))


def test_a_disk_lasts_through_a_power_cut_before_it_has_its_name(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[tuple[str, bool]] = []

    def fsync(descriptor: int) -> None:
        synced.append((os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}")), (tmp_path / "disk.eph0").exists()))

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(commands, "run", lambda _argv: "")
    made(tmp_path, make.disk())
    assert synced == [("disk.eph0.part", False)]
