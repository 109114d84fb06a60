"""The module image: each image's failure is its own."""

from __future__ import annotations

import hashlib
import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.image import fetch
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.stage import ImageOptions, bring_all, diff
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import WantedImage

SERVER: t.Any = {**dict.fromkeys(("url_hosts", "url_username", "url_password", "headers", "client_cert", "client_key", "ca_path")), "use_proxy": True}
UNSET: t.Any = dict.fromkeys(("secret_source", "secret_checksum", "arriving_bytes"))
CONTENT = bytes(512)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def image(source: str, **changes: t.Any) -> WantedImage:
    made: t.Any = {
        "id": source,
        "name": None,
        "source": source,
        "checksum": f"sha256:{DIGEST}",
        "disk_format": "raw",
        "size": None,
        "virtual_size": None,
        **UNSET,
    }
    return t.cast(WantedImage, {**made, **changes})


def options(folder: pathlib.Path, *images: WantedImage, **changes: t.Any) -> ImageOptions:
    whole = {
        "images": list(images),
        "cache_path": str(folder / "cache"),
        "timeout_s": 5.0,
        "max_concurrent_downloads": 2,
        "max_size_bytes": 2**30,
        "staged": {},
        "on_error": "fail",
        **SERVER,
    }
    (folder / "cache").mkdir(exist_ok=True)
    return ImageOptions.of({**whole, **changes})


@pytest.fixture
def source(tmp_path: pathlib.Path) -> str:
    """An image that the host has."""
    (tmp_path / "disk.raw").write_bytes(CONTENT)
    return (tmp_path / "disk.raw").as_uri()


def test_one_bad_image_among_good_ones_fails_alone(tmp_path: pathlib.Path, source: str) -> None:
    bad = image(source, id="bad", checksum="sha256:" + "1" * 64)
    results = bring_all(options(tmp_path, bad, image(source)), False)
    assert [(item["error"] or {}).get("error_class") for item in results] == ["ImageChecksumMismatch", None]
    assert (results[1]["digest"], results[1]["changed"], results[1]["bytes_fetched"]) == (f"sha256:{DIGEST}", True, 512)
    again = bring_all(options(tmp_path, image(source)), False)
    assert (again[0]["changed"], again[0]["path"]) == (False, results[1]["path"])


def test_what_nobody_expected_is_that_images_failure_with_its_traceback(tmp_path: pathlib.Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_options: object) -> t.NoReturn:
        raise ZeroDivisionError("bug")

    monkeypatch.setattr(fetch, "publish", broken)
    (result,) = bring_all(options(tmp_path, image(source)), False)
    assert result["error"] is not None
    assert "ZeroDivisionError: bug" in result["error"]["exception"]


def test_a_file_of_the_controller_is_asked_for_and_taken_when_it_came(tmp_path: pathlib.Path) -> None:
    wanted = image("disk.raw", id="i")
    (asked,) = bring_all(options(tmp_path, wanted), False)
    assert (asked["needs_staging"], asked["digest"], asked["error"]) == (True, None, None)
    (tmp_path / "sent").write_bytes(CONTENT)
    (taken,) = bring_all(options(tmp_path, wanted, staged={"i": str(tmp_path / "sent")}), False)
    assert (taken["needs_staging"], taken["digest"]) == (False, f"sha256:{DIGEST}")


def test_check_mode_says_what_would_be_fetched_and_fetches_nothing(tmp_path: pathlib.Path, source: str) -> None:
    results = bring_all(options(tmp_path, image(source, name="debian")), True)
    assert (results[0]["changed"], results[0]["digest"]) == (True, None)
    assert list((tmp_path / "cache").iterdir()) == []
    assert diff([], results) == {"before": {"images": []}, "after": {"images": ["debian (to be fetched)"]}}


def test_an_image_of_another_format_than_declared_is_refused_from_the_cache_too(tmp_path: pathlib.Path, source: str) -> None:
    bring_all(options(tmp_path, image(source)), False)
    for check_mode in (False, True):
        (result,) = bring_all(options(tmp_path, image(source, disk_format="qcow2")), check_mode)
        assert (result["error"] or {}).get("error_class") == "ImageUnacceptable"
