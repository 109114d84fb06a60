"""The action image: what it reads of the controller and sends is what the catalogue names, and it leaves nothing on the host."""

from __future__ import annotations

import hashlib
import os
import pathlib
import types
import typing as t

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound

from ansible_collections.kvmfleet.compute.plugins.action.image import ActionModule, free_of_df
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.image_sources import from_catalogue, with_secrets_apart

CONTENT = bytes(512)
SUM = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
Data = dict[str, t.Any]


class Action(ActionModule):
    """The action before a host that has no image, whatever it is asked for; its connection can be cut."""

    def __init__(self, folder: pathlib.Path, args: Data, *, room_kib: int = 1 << 20, cut: bool = False, pipelining: bool = True) -> None:
        self._task = types.SimpleNamespace(args=args, async_val=0, check_mode=False, no_log=False, diff=False)
        self._display = types.SimpleNamespace(verbosity=0)
        self._connection = types.SimpleNamespace(transport="none", _shell=types.SimpleNamespace(join_path=os.path.join, tmpdir=None))
        self._folder, self._room_kib, self._cut, self._pipelining = folder, room_kib, cut, pipelining
        self.calls: list[Data] = []
        self.opened: list[str] = []
        self.sent: list[str] = []
        self.tmp: list[str] = []

    def _find_needle(self, _dirname: str, needle: str) -> str:
        self.opened.append(needle)
        if not (self._folder / needle).exists():
            raise AnsibleFileNotFound(file_name=needle)
        return str(self._folder / needle)

    def _execute_module(self, module_name: str | None = None, module_args: Data | None = None, task_vars: Data | None = None, wrap_async: bool = False) -> Data:
        assert module_args
        if self._pipelining is False and self._connection._shell.tmpdir is None:
            # As ansible-core does.
            self._make_tmp_path()
        self.calls.append(module_args)
        return {"images": [self._line(image, module_args) for image in module_args["images"]], "changed": False}

    @staticmethod
    def _line(image: Data, args: Data) -> Data:
        has = image["id"] in args.get("staged", {})
        return {"id": image["id"], "name": image.get("name"), "digest": image["checksum"] if has else None, "needs_staging": not has, "error": None}

    def _make_tmp_path(self, remote_user: str | None = None) -> str:
        self.tmp.append(f"/tmp/made-{len(self.tmp)}")
        self._connection._shell.tmpdir = self.tmp[-1]
        return self.tmp[-1]

    def _remove_tmp_path(self, tmp_path: str, force: bool = False) -> None:
        self.tmp.remove(tmp_path)
        self._connection._shell.tmpdir = None

    def _low_level_execute_command(self, cmd: str, **_options: t.Any) -> Data:
        return {"rc": 0, "stdout": f"Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/a 99 1 {self._room_kib} 1% /\n" if "df" in cmd else ""}

    def _transfer_file(self, local_path: str, remote_path: str) -> str:
        if self._cut:
            raise AnsibleConnectionFailure("cut")
        self.sent.append(local_path)
        return remote_path

    def result(self) -> Data:
        return self.run(task_vars={})


def image(source: str = "disk.raw", checksum: str = SUM, **changes: t.Any) -> Data:
    return {"id": "i", "name": "disk", "source": source, "checksum": checksum, "disk_format": "raw", **changes}


@pytest.fixture
def files(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "disk.raw").write_bytes(CONTENT)
    (tmp_path / "id_ed25519").write_text("secret")
    (tmp_path / "SUMS").write_text(f"{SUM.partition(':')[2]}  disk.raw\n")
    return tmp_path


CATALOGUE = {"disk": {"source": "disk.raw", "checksum": SUM}, "other": {"source": "https://example.org/a", "checksum": "sha256:" + "1" * 64}}


@pytest.mark.parametrize("pipelining", [True, False])
def test_what_the_catalogue_names_is_sent_and_no_folder_stays(files: pathlib.Path, pipelining: bool) -> None:
    action = Action(files, {"images": [image()], "catalogue": CATALOGUE}, pipelining=pipelining)
    result = action.result()
    assert (result["images"][0]["digest"], action.sent, action.tmp) == (SUM, [str(files / "disk.raw")], [])
    assert "catalogue" not in action.calls[0]
    assert action.calls[0]["images"][0]["arriving_bytes"] == 512


@pytest.mark.parametrize(
    "asked",
    [image("id_ed25519", "sha256:" + "0" * 64), image("disk.raw", "sha256:id_ed25519"), image("https://evil.example.org/a", "sha256:" + "0" * 64)],
    ids=["source", "sums file", "URL"],
)
def test_what_the_catalogue_does_not_name_is_neither_opened_nor_sent(files: pathlib.Path, asked: Data) -> None:
    action = Action(files, {"images": [asked, image(id="good")], "catalogue": CATALOGUE, "on_error": "report"})
    bad, good = action.result()["images"]
    assert bad["error"]["error_class"] == "ImageNotFound"
    assert "add one" in bad["error"]["message"]
    assert good["error"] is None
    assert set(action.opened) == {"disk.raw"}
    assert [[item["id"] for item in call["images"]] for call in action.calls] == [["good"], ["good"]]


def test_a_digest_of_the_catalogue_with_another_source_gets_the_catalogues_source(files: pathlib.Path) -> None:
    action = Action(files, {"images": [image("id_ed25519")], "catalogue": CATALOGUE})
    action.result()
    assert action.sent == [str(files / "disk.raw")]


def test_a_host_that_asks_for_a_file_in_place_of_a_url_gets_nothing(files: pathlib.Path) -> None:
    action = Action(files, {"images": [image("https://example.org/a", "sha256:" + "1" * 64)], "catalogue": CATALOGUE})
    action.result()
    assert (action.opened, action.sent) == ([], [])


def test_without_a_catalogue_the_play_names_the_files(files: pathlib.Path) -> None:
    action = Action(files, {"images": [image(checksum="sha256:SUMS")]})
    assert action.result()["images"][0]["digest"] == SUM
    assert action.calls[0]["images"][0]["checksum"] == SUM


def test_a_connection_that_is_cut_leaves_no_folder_on_the_host(files: pathlib.Path) -> None:
    action = Action(files, {"images": [image()]}, cut=True)
    with pytest.raises(AnsibleConnectionFailure):
        action.result()
    assert action.tmp == []


def test_nothing_is_sent_where_it_has_no_room(files: pathlib.Path) -> None:
    action = Action(files, {"images": [image()], "on_error": "report"}, room_kib=0)
    (line,) = action.result()["images"]
    assert line["error"]["error_class"] == "NoSpaceForImage"
    assert (action.sent, action.tmp) == ([], [])


@pytest.mark.parametrize(("text", "free"), [("", None), ("df: no such folder\n", None), ("Filesystem …\n/dev/a 9 1 8 1% /\n", 8192)])
def test_df_is_read_as_posix_says(text: str, free: int | None) -> None:
    assert free_of_df(text) == free


SIGNED = {"signed": {"source": "https://u:p@example.org/a.raw?sig=1", "checksum": "sha512:https://u:p@example.org/SUMS?sig=2"}}


def test_secrets_of_an_address_travel_apart_from_it() -> None:
    asked = {"id": "i", "source": "https://example.org/a.raw", "checksum": "sha512:https://example.org/SUMS"}
    assert with_secrets_apart(from_catalogue(asked, SIGNED)) == {
        **asked,
        "secret_source": SIGNED["signed"]["source"],
        "secret_checksum": SIGNED["signed"]["checksum"],
    }
    assert with_secrets_apart(image()) == image()


def test_a_digest_of_a_record_may_stand_in_the_sums_file_of_its_source() -> None:
    asked = {"id": "i", "source": "https://example.org/a.raw", "checksum": SUM}
    assert from_catalogue(asked, SIGNED) == {**asked, "source": SIGNED["signed"]["source"]}
    with pytest.raises(ImageError, match=r"https://example\.org/b\.raw: no image of compute_images"):
        from_catalogue({**asked, "source": "https://example.org/b.raw"}, SIGNED)
