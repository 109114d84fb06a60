"""Fetching from a real HTTP server on the loopback interface."""

from __future__ import annotations

import hashlib
import http.server
import pathlib
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache, fetch
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.client import Client

UNSET: t.Any = dict.fromkeys(("secret_source", "secret_checksum", "arriving_bytes"))
CONTENT = bytes(range(256)) * 8192
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Serves CONTENT; may cut the first answers off, and counts the requests and the bytes."""

    def __init__(self) -> None:
        self.ranges = True
        self.cut_after: list[int] = []
        self.content = CONTENT
        self.requests: list[str | None] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                outer.requests.append(asked)
                if self.path.endswith("missing"):
                    self.send_error(404)
                    return
                start = int(asked.split("=")[1].rstrip("-")) if asked and outer.ranges else 0
                body = outer.content[start:]
                self.send_response(206 if start else 200)
                self.send_header("ETag", f'"{hashlib.sha256(outer.content).hexdigest()[:8]}"')
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if outer.cut_after:
                    body = body[: outer.cut_after.pop(0)]
                    self.close_connection = True
                self.wfile.write(body)

            def log_message(self, *_arguments: t.Any) -> None:
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def server() -> t.Iterator[Server]:
    made = Server()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def image(source: str, digest: str = f"sha256:{DIGEST}") -> dict[str, t.Any]:
    return {"id": "i", "name": None, "source": source, "checksum": digest, "disk_format": "raw", "size": None, "virtual_size": None, **UNSET}


def ensure(folder: pathlib.Path, wanted: dict[str, t.Any], **options: t.Any) -> tuple[dict[str, t.Any], int]:
    return fetch.ensure(str(folder), wanted, server=Client(10), **options)


def test_fetched_once_and_published_whole(server: Server, tmp_path: pathlib.Path) -> None:
    entry, fetched = ensure(tmp_path, image(f"{server.url}/image.raw"))
    assert fetched == len(CONTENT)
    assert pathlib.Path(entry["path"]).read_bytes() == CONTENT
    assert ensure(tmp_path, image(f"{server.url}/image.raw")) == (entry, 0)
    assert [item["digest"] for item in cache.cached_images(str(tmp_path))] == [f"sha256:{DIGEST}"]
    assert [p.name for p in (tmp_path / ".partial").iterdir() if not p.name.endswith(".lock")] == []


def test_two_at_once_fetch_once(server: Server, tmp_path: pathlib.Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _n: ensure(tmp_path, image(f"{server.url}/image.raw")), range(8)))
    assert sorted(fetched for _entry, fetched in results) == [0] * 7 + [len(CONTENT)]
    assert len(server.requests) == 1


def test_a_cut_off_download_goes_on(server: Server, tmp_path: pathlib.Path) -> None:
    server.cut_after = [100000]
    with pytest.raises(ImageError, match="after 100000 of"):
        ensure(tmp_path, image(f"{server.url}/image.raw"))
    assert cache.cached_images(str(tmp_path)) == []
    _entry, fetched = ensure(tmp_path, image(f"{server.url}/image.raw"))
    assert fetched == len(CONTENT) - 100000
    assert server.requests == [None, "bytes=100000-"]


def test_a_server_without_ranges_is_asked_for_all(server: Server, tmp_path: pathlib.Path) -> None:
    server.cut_after, server.ranges = [100000], False
    with pytest.raises(ImageError):
        ensure(tmp_path, image(f"{server.url}/image.raw"))
    assert ensure(tmp_path, image(f"{server.url}/image.raw"))[1] == len(CONTENT)


def test_a_partial_file_that_went_bad_is_fetched_anew(server: Server, tmp_path: pathlib.Path) -> None:
    server.cut_after = [100000]
    with pytest.raises(ImageError):
        ensure(tmp_path, image(f"{server.url}/image.raw"))
    partial = next(p for p in (tmp_path / ".partial").iterdir() if p.name == f"sha256-{DIGEST}")
    partial.write_bytes(b"x" * 100000)
    entry, _fetched = ensure(tmp_path, image(f"{server.url}/image.raw"))
    assert pathlib.Path(entry["path"]).read_bytes() == CONTENT


def test_wrong_checksum_is_never_published(server: Server, tmp_path: pathlib.Path) -> None:
    with pytest.raises(ImageError) as caught:
        ensure(tmp_path, image(f"{server.url}/image.raw", "sha256:" + "0" * 64))
    assert caught.value.error_class == "ImageChecksumMismatch"
    assert DIGEST in caught.value.message
    assert list(tmp_path.glob("sha256-*")) == []


def test_missing_and_unreachable(server: Server, tmp_path: pathlib.Path) -> None:
    with pytest.raises(ImageError) as caught:
        ensure(tmp_path, image(f"{server.url}/missing"))
    assert caught.value.error_class == "ImageNotFound"
    with pytest.raises(ImageError) as caught:
        ensure(tmp_path, image("http://127.0.0.1:9/image.raw"))
    assert caught.value.error_class == "ImageDownloadFailed"


def test_a_file_of_the_host_and_declared_sizes(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "an image.raw"
    path.write_bytes(CONTENT)
    url = path.as_uri()
    with pytest.raises(ImageError, match="declared size 5 bytes"):
        ensure(tmp_path / "cache", {**image(url), "size": 5})
    assert ensure(tmp_path / "cache", image(url))[1] == len(CONTENT)
    assert path.read_bytes() == CONTENT


def test_a_truncated_cache_entry_is_fetched_again(server: Server, tmp_path: pathlib.Path) -> None:
    entry, _fetched = ensure(tmp_path, image(f"{server.url}/image.raw"))
    pathlib.Path(entry["path"]).write_bytes(CONTENT[:100])
    assert ensure(tmp_path, image(f"{server.url}/image.raw"))[1] == len(CONTENT)
