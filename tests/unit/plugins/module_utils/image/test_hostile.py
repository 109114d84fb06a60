"""Images and servers that mean harm, from a real HTTP server on the loopback interface: each is refused in a sentence, and nothing of it stays."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import pathlib
import struct
import threading
import typing as t
from collections.abc import Callable

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache, fetch
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.client import Client
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.partial import CHUNK, Partial
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import WantedImage

UNSET: t.Any = dict.fromkeys(("secret_source", "secret_checksum", "arriving_bytes"))
LIMIT = 1 << 20
BLOCK = bytes(65536)
Handler = http.server.BaseHTTPRequestHandler
Answer = Callable[[Handler], None]


def send(handler: Handler, body: bytes, length: int | None = None, **headers: str) -> None:
    handler.send_response(200)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    # Who has heard enough hangs up.
    with contextlib.suppress(OSError):
        handler.wfile.write(body)
    handler.close_connection = True


def whole(body: bytes, **headers: str) -> Answer:
    return lambda handler: send(handler, body, **headers)


def endless(handler: Handler) -> None:
    """A chunked body that ends only when the client has had enough; at 64 MiB the server gives up."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _count in range(1024):
            handler.wfile.write(b"%x\r\n" % len(BLOCK) + BLOCK + b"\r\n")
        handler.wfile.write(b"0\r\n\r\n")
    handler.close_connection = True


def cut_chunks(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n" % (2 * len(BLOCK)) + BLOCK)
    handler.close_connection = True


def qcow2(backing: int = 0, features: int = 0, extension: bytes = b"") -> bytes:
    head = struct.pack(">4sIQIIQ", b"QFI\xfb", 3, backing, 0, 16, 2**30).ljust(72, b"\0")
    return (head + struct.pack(">QQQII", features, 0, 0, 4, 104) + extension).ljust(65536, b"\0")


BACKING = qcow2(backing=1024)
DATA_FILE = qcow2(features=4)
DATA_FILE_NAME = qcow2(extension=struct.pack(">II", 0x44415441, 8) + b"/etc/pwd")
VMDK = b'# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\nRW 2048 FLAT "/etc/shadow" 0\n'.ljust(4096, b"\n")
BOMB = gzip.compress(bytes(64 << 20))


@pytest.fixture
def serve() -> t.Iterator[Callable[[Answer], str]]:
    answers: list[Answer] = []

    class Served(Handler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answers[0](self)

        def log_message(self, *_arguments: t.Any) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Served)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def begin(answer: Answer) -> str:
        answers[:] = [answer]
        return f"http://127.0.0.1:{server.server_port}/image"

    yield begin
    server.shutdown()
    server.server_close()
    thread.join()


def image(source: str, content: bytes, disk_format: str = "raw", size: int | None = None) -> WantedImage:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return {"id": "i", "name": None, "source": source, "checksum": digest, "disk_format": disk_format, "size": size, "virtual_size": None, **UNSET}


def left(folder: pathlib.Path) -> list[str]:
    """The files of the cache but for locks."""
    return [path.name for path in folder.rglob("*") if path.is_file() and not path.name.endswith(".lock")]


HOSTILE: dict[str, tuple[Answer, bytes, str, str]] = {
    # what comes, what its digest was said to be of, the declared format, the sentence
    "backing file": (whole(BACKING), BACKING, "qcow2", "it has a backing file"),
    "data file": (whole(DATA_FILE), DATA_FILE, "qcow2", "keeps its data in another file"),
    "data file by name": (whole(DATA_FILE_NAME), DATA_FILE_NAME, "qcow2", "names a data file outside"),
    "backing file as raw": (whole(BACKING), BACKING, "raw", "its content is qcow2"),
    "VMDK with an extent": (whole(VMDK), VMDK, "raw", "its content is vmdk"),
    "gzip as an image": (whole(BOMB), BOMB, "raw", "its content is gzip"),
    "gzip bomb by Content-Encoding": (whole(BOMB, Content_Encoding="gzip"), BOMB, "raw", "Content-Encoding"),
    "endless body": (endless, b"", "raw", f"more than {LIMIT} bytes, max_size_bytes"),
    "too long by its own word": (lambda handler: send(handler, BLOCK, LIMIT + 1), BLOCK, "raw", f"more than {LIMIT} bytes, max_size_bytes"),
    "length too small": (lambda handler: send(handler, BLOCK, 100), BLOCK, "raw", "wanted"),
    "length too large": (lambda handler: send(handler, BLOCK, 2 * len(BLOCK)), BLOCK, "raw", "ended after 65536 of 131072 bytes"),
    "a chunk that is cut off": (cut_chunks, BLOCK, "raw", "IncompleteRead"),
    "another content": (whole(b"x" * 512), BLOCK, "raw", "wanted"),
}


@pytest.mark.parametrize(("answer", "content", "disk_format", "sentence"), HOSTILE.values(), ids=HOSTILE)
def test_what_means_harm_is_refused_and_leaves_nothing(
    serve: Callable[[Answer], str], tmp_path: pathlib.Path, answer: Answer, content: bytes, disk_format: str, sentence: str
) -> None:
    wanted = image(serve(answer), content, disk_format)
    with pytest.raises(ImageError, match=sentence):
        fetch.ensure(str(tmp_path), wanted, server=Client(10), max_size_bytes=LIMIT)
    assert left(tmp_path) == []


@pytest.mark.parametrize("size", [len(BLOCK) - 1, len(BLOCK) + 1])
def test_a_server_that_has_another_size_than_declared_is_not_listened_to(serve: Callable[[Answer], str], tmp_path: pathlib.Path, size: int) -> None:
    with pytest.raises(ImageError, match=f"declared size {size} bytes, found {len(BLOCK)}"):
        fetch.ensure(str(tmp_path), image(serve(whole(BLOCK)), BLOCK, size=size), server=Client(10))
    assert left(tmp_path) == []


def test_an_endless_body_ends_at_the_declared_size(serve: Callable[[Answer], str], tmp_path: pathlib.Path) -> None:
    with pytest.raises(ImageError, match="more than 100000 bytes, its declared size"):
        fetch.ensure(str(tmp_path), image(serve(endless), b"", size=100000), server=Client(10))
    assert left(tmp_path) == []


def test_an_image_that_changes_midway_is_fetched_whole(serve: Callable[[Answer], str], tmp_path: pathlib.Path) -> None:
    old, new = b"o" * len(BLOCK), b"n" * len(BLOCK)
    url = serve(lambda handler: send(handler, old[:1000], len(old), ETag='"1"'))
    with pytest.raises(ImageError, match="ended after 1000"):
        fetch.ensure(str(tmp_path), image(url, new), server=Client(10))
    asked: list[tuple[str | None, str | None]] = []

    def changed(handler: Handler) -> None:
        asked.append((handler.headers["Range"], handler.headers["If-Range"]))
        send(handler, new, ETag='"2"')

    serve(changed)
    entry, fetched = fetch.ensure(str(tmp_path), image(url, new), server=Client(10))
    assert asked == [("bytes=1000-", '"1"')]
    assert (pathlib.Path(entry["path"]).read_bytes(), fetched) == (new, len(new))


def test_a_server_that_answers_with_another_range_is_asked_again_for_all(serve: Callable[[Answer], str], tmp_path: pathlib.Path) -> None:
    content = bytes(range(256)) * 256
    url = serve(lambda handler: send(handler, content[:1000], len(content), ETag='"1"'))
    with pytest.raises(ImageError, match="ended after 1000"):
        fetch.ensure(str(tmp_path), image(url, content), server=Client(10))

    def wrong_range(handler: Handler) -> None:
        if not handler.headers["Range"]:
            return send(handler, content)
        handler.send_response(206)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(content[5:105])
        return None

    serve(wrong_range)
    entry, _fetched = fetch.ensure(str(tmp_path), image(url, content), server=Client(10))
    assert pathlib.Path(entry["path"]).read_bytes() == content


def test_a_sums_file_has_a_bound(tmp_path: pathlib.Path) -> None:
    content = bytes(512)
    (tmp_path / "disk.raw").write_bytes(content)
    sums = tmp_path / "SUMS"
    sums.write_text("\n" * fetch.MOST_SUMS + f"{hashlib.sha256(content).hexdigest()}  disk.raw\n")
    wanted = image((tmp_path / "disk.raw").as_uri(), content)
    wanted["checksum"] = f"sha256:{sums.as_uri()}"
    with pytest.raises(ImageError, match="no sha256 line"):
        fetch.ensure(str(tmp_path / "cache"), wanted, server=Client(10))
    assert cache.cached_images(str(tmp_path / "cache")) == []


@pytest.fixture
def changing(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, bytes], pathlib.Path]:
    """A file of the host that somebody writes to whenever a piece of it has been copied."""

    def begin(mode: str, piece: bytes) -> pathlib.Path:
        path = tmp_path / "disk.raw"
        path.write_bytes(bytes(CHUNK + 512))
        write = Partial.write

        def written(partial: Partial, chunk: bytes) -> None:
            with open(path, mode) as file:
                file.seek(0, 2 if "a" in mode else 0)
                file.write(piece)
            write(partial, chunk)

        monkeypatch.setattr(Partial, "write", written)
        return path

    return begin


def test_a_file_that_is_changed_while_it_is_copied_is_refused_and_leaves_nothing(
    changing: Callable[[str, bytes], pathlib.Path], tmp_path: pathlib.Path
) -> None:
    path = changing("r+b", b"x" * (CHUNK + 512))
    with pytest.raises(ImageError, match="wanted"):
        fetch.ensure(str(tmp_path / "cache"), image(path.as_uri(), bytes(CHUNK + 512)), server=Client(10))
    assert left(tmp_path / "cache") == []


def test_a_file_that_grows_as_fast_as_it_is_copied_ends_at_the_limit(changing: Callable[[str, bytes], pathlib.Path], tmp_path: pathlib.Path) -> None:
    path = changing("ab", bytes(CHUNK))
    with pytest.raises(ImageError, match=f"more than {4 * CHUNK} bytes, max_size_bytes"):
        fetch.ensure(str(tmp_path / "cache"), image(path.as_uri(), bytes(CHUNK)), server=Client(10), max_size_bytes=4 * CHUNK)
    assert left(tmp_path / "cache") == []
