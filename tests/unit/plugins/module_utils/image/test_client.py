"""Sums files, redirects and credentials, from real servers on the loopback interface, one over https and one over plain http."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import http.server
import pathlib
import ssl
import subprocess
import threading
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import checksum, fetch
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.client import Client
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import is_source, public
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import WantedImage

CONTENT = bytes(range(256)) * 16
SHA512 = hashlib.sha512(CONTENT).hexdigest()
LITERAL = f"sha512:{SHA512}"


@dataclasses.dataclass
class Server:
    """Serves CONTENT and its sums; redirects as it is told; remembers what it was asked."""

    url: str
    redirects: dict[str, str] = dataclasses.field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = dataclasses.field(default_factory=list)


def run(certificate: pathlib.Path | None) -> t.Iterator[Server]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            target = made.redirects.get(self.path.partition("?")[0])
            body = b"" if target else f"{SHA512}  image.raw\n".encode() if "SUMS" in self.path else CONTENT
            self.send_response(302 if target else 404 if "missing" in self.path else 200)
            if target:
                self.send_header("Location", target)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: t.Any) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
    made = Server(f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    asked = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*asked, "-keyout", str(path.with_suffix(".key")), "-out", str(path)], check=True, capture_output=True)
    return path


@pytest.fixture
def secure(certificate: pathlib.Path) -> t.Iterator[Server]:
    yield from run(certificate)


@pytest.fixture
def plain() -> t.Iterator[Server]:
    yield from run(None)


def image(source: str, declared: str = LITERAL, **changes: t.Any) -> WantedImage:
    made: t.Any = {"id": "i", "name": None, "source": source, "secret_source": None, "checksum": declared, "secret_checksum": None, "disk_format": "raw"}
    return t.cast(WantedImage, {**made, "size": None, "virtual_size": None, "arriving_bytes": None, **changes})


def ensure(folder: pathlib.Path, wanted: WantedImage, certificate: pathlib.Path, **options: t.Any) -> int:
    return fetch.ensure(str(folder), wanted, server=Client(10, ca_path=str(certificate), **options))[1]


def test_a_sums_file_over_https_vouches_for_an_image_over_plain_http(tmp_path: pathlib.Path, secure: Server, plain: Server, certificate: pathlib.Path) -> None:
    assert ensure(tmp_path, image(f"{plain.url}/image.raw", f"sha512:{secure.url}/SUMS"), certificate) == len(CONTENT)
    assert ensure(tmp_path, image(f"{plain.url}/image.raw"), certificate) == 0


def test_a_server_whose_certificate_nobody_vouches_for_is_not_believed(tmp_path: pathlib.Path, secure: Server) -> None:
    with pytest.raises(ImageError, match="certificate verify failed"):
        fetch.ensure(str(tmp_path), image(f"{secure.url}/image.raw"), server=Client(10))


def test_a_sums_file_over_plain_http_is_refused_and_not_asked_for(tmp_path: pathlib.Path, plain: Server, certificate: pathlib.Path) -> None:
    with pytest.raises(ImageError, match="anyone on the way can change a sums file over plain http"):
        ensure(tmp_path, image(f"{plain.url}/image.raw", f"sha512:{plain.url}/SUMS"), certificate)
    assert plain.asked == []


@pytest.mark.parametrize("what", ["image.raw", "SUMS"])
def test_no_redirect_leads_from_https_to_plain_http(tmp_path: pathlib.Path, secure: Server, plain: Server, certificate: pathlib.Path, what: str) -> None:
    secure.redirects[f"/{what}"] = f"{plain.url}/{what}?X-Signature=abc"
    with pytest.raises(ImageError, match=f"redirected from https to plain http, {plain.url}/{what}$"):
        ensure(tmp_path, image(f"{secure.url}/image.raw", f"sha512:{secure.url}/SUMS"), certificate)
    assert plain.asked == []


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/image.raw", "data:,x"])
def test_a_redirect_to_what_is_no_http_is_refused(tmp_path: pathlib.Path, plain: Server, certificate: pathlib.Path, target: str) -> None:
    plain.redirects["/image.raw"] = target
    with pytest.raises(ImageError, match="redirected to something that is no http"):
        ensure(tmp_path, image(f"{plain.url}/image.raw"), certificate)


def test_redirects_are_followed_to_an_end_and_not_without_one(tmp_path: pathlib.Path, secure: Server, plain: Server, certificate: pathlib.Path) -> None:
    plain.redirects.update({"/image.raw": "/second", "/second": f"{secure.url}/third", "/circle": "/circle"})
    with pytest.raises(ImageError, match="more than 10 redirects"):
        ensure(tmp_path, image(f"{plain.url}/circle"), certificate)
    assert ensure(tmp_path, image(f"{plain.url}/image.raw"), certificate) == len(CONTENT)


BASIC = "Basic " + base64.b64encode(b"ops:pass word").decode()
CREDENTIALS: dict[str, t.Any] = {"url_username": "ops", "url_password": "pass word", "headers": {"X-Token": "t0ken"}}


def seen(server: Server) -> list[tuple[str | None, str | None]]:
    return [(headers.get("authorization"), headers.get("x-token")) for _path, headers in server.asked]


def test_credentials_go_to_the_hosts_that_are_named_and_nowhere_else(tmp_path: pathlib.Path, secure: Server, plain: Server, certificate: pathlib.Path) -> None:
    secure.redirects["/image.raw"] = "/there"
    named = secure.url.removeprefix("https://")
    wanted = image(f"{secure.url}/image.raw", f"sha512:{secure.url}/SUMS")
    ensure(tmp_path / "a", wanted, certificate, url_hosts=(named,), **CREDENTIALS)
    assert seen(secure) == [(BASIC, "t0ken")] * 3
    ensure(tmp_path / "b", image(f"{plain.url}/image.raw"), certificate, url_hosts=(named,), **CREDENTIALS)
    assert seen(plain) == [(None, None)]


def test_a_redirect_takes_no_credentials_to_another_host_or_over_plain_http(
    tmp_path: pathlib.Path, secure: Server, plain: Server, certificate: pathlib.Path
) -> None:
    first = plain.url.removeprefix("http://")
    plain.redirects.update({"/image.raw": "/second", "/second": f"{secure.url}/image.raw"})
    ensure(tmp_path, image(f"{plain.url}/image.raw"), certificate, url_hosts=(first,), **CREDENTIALS)
    assert seen(plain) == [(BASIC, "t0ken"), (None, None)]
    assert seen(secure) == [(None, None)]


def test_what_is_secret_in_an_address_is_used_and_never_said(tmp_path: pathlib.Path, plain: Server, certificate: pathlib.Path) -> None:
    secret = plain.url.replace("//", "//ops:pass%20word@")
    shown = f"{plain.url}/image.raw"
    wanted = image(shown, secret_source=f"{secret}/image.raw?X-Signature=s3cret")
    ensure(tmp_path / "a", wanted, certificate)
    assert [path for path, _headers in plain.asked] == ["/image.raw?X-Signature=s3cret"]
    assert seen(plain) == [(BASIC, None)]
    broken = [
        image(shown, secret_source=f"{secret}/missing?X-Signature=s3cret"),
        image(shown, "sha256:" + "0" * 64, secret_source=f"{secret}/image.raw?X-Signature=s3cret"),
        image(shown, secret_source="http://ops:pass%20word@127.0.0.1:9/image.raw?X-Signature=s3cret"),
        image(shown, secret_source=f"{secret}/image raw?X-Signature=s3cret"),
        image(shown, secret_source=f"{secret}/image.raw?X-Signature=s3cret", size=5),
        image(shown, f"sha256:{plain.url}/SUMS", secret_checksum=f"sha256:{secret}/SUMS?X-Signature=s3cret"),
    ]
    for item in broken:
        with pytest.raises(ImageError) as caught:
            ensure(tmp_path / "b", item, certificate)
        assert "127.0.0.1" in caught.value.message
        assert [word for word in ("s3cret", "pass%20word", "pass word") if word in caught.value.message] == []


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://u:p@example.org:8443/a/b.qcow2?sig=1#x", "https://example.org:8443/a/b.qcow2"),
        ("sha256:https://u:p@example.org/SUMS?sig=1", "sha256:https://example.org/SUMS"),
        ("https://example.org?sig=1", "https://example.org"),
        ("https://u:p/@x@example.org/", "https://u:p/@x@example.org/"),
        ("https://u:p@[bad/d", "https://[bad/d"),
        ("files/what?.qcow2", "files/what?.qcow2"),
        ("file:///srv/a%3Fb.raw", "file:///srv/a%3Fb.raw"),
        (LITERAL, LITERAL),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(address: str, shown: str) -> None:
    assert public(address) == shown


@pytest.mark.parametrize("declared", ["sha256:http://example.org/SUMS", "sha512:HTTP://u:p@example.org/SUMS?sig=1"])
def test_a_checksum_over_plain_http_is_none(declared: str) -> None:
    with pytest.raises(ImageError) as caught:
        checksum.parse(declared)
    assert not any(word in caught.value.message for word in ("u:p", "sig"))


@pytest.mark.parametrize(("source", "right"), [("disk.raw", True), ("file:/srv/a", True), ("HTTPS://a/b", True), ("ftp://a/b", False), ("s3://a/b", False)])
def test_what_an_image_can_come_from(source: str, right: bool) -> None:
    assert is_source(source) is right
