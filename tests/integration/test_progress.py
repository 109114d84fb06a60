"""While a host fetches and builds, its lines are there; the next thing happens only when a line was seen."""

from __future__ import annotations

import hashlib
import http.server
import pathlib
import subprocess
import threading
import typing as t

import pytest

from .conftest import NET4, Fleet, Host, server
from .test_create import MICRO

HOOK = "/etc/libvirt/hooks/qemu"
GO_ON = "/run/kvmfleet-test-goes-on"
# libvirt waits for its hook when QEMU is there and before anybody may let the guest run.
HOLD = f"""mv {HOOK} {HOOK}.kept
cat > {HOOK} <<'END'
#!/bin/sh
[ "$2" != started ] || while [ ! -e {GO_ON} ]; do sleep 0.2; done
END
chmod 755 {HOOK}"""


class SlowImage:
    """An HTTP server that has the micro image under a digest of its own, and sends it drop by drop until it may go on."""

    def __init__(self) -> None:
        # Whatever this test fetched before is another image.
        content = MICRO.read_bytes() + hashlib.sha256(str(id(self)).encode()).digest() * 16
        self.digest = hashlib.sha256(content).hexdigest()
        self.goes_on = goes_on = threading.Event()
        self.sends_drops = 1000
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                sent = 0
                for _drop in range(outer.sends_drops):
                    self.wfile.write(content[sent : sent + 4096])
                    sent += 4096
                    if goes_on.wait(0.1):
                        break
                self.wfile.write(content[sent:])

            def log_message(self, *_arguments: t.Any) -> None:
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer((f"{NET4}.0.1", 0), Handler)
        self.url = f"http://{NET4}.0.1:{self.server.server_port}/micro.qcow2"


@pytest.fixture
def slow_image() -> t.Iterator[SlowImage]:
    made = SlowImage()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.goes_on.set()
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def release(host: Host) -> None:
    host.run("sh", "-c", f"touch {GO_ON}; [ ! -e {HOOK}.kept ] || mv {HOOK}.kept {HOOK}")


@pytest.mark.parametrize("name", [pytest.param("h1", marks=pytest.mark.campaign), "h2"], ids=["as root", "by sudo"])
def test_lines_are_there_before_what_they_tell_of_has_ended(fleet: Fleet, slow_image: SlowImage, name: str, tmp_path: pathlib.Path) -> None:
    host = fleet.hosts[name]
    host.run("sh", "-c", f"rm -f {GO_ON}; {HOLD}")
    try:
        images = {"slow": {"source": slow_image.url, "checksum": f"sha256:{slow_image.digest}", "disk_format": "qcow2"}}
        zone = {"h1": "az1", "h2": "az2"}[name]
        request = server("web", image="slow", availability_zone=f"{zone}:{name}")
        argv, environment = fleet.command("kvmfleet.compute.create_server", {"compute_servers": [request], "compute_images": images})
        with (tmp_path / "out").open("w") as out, subprocess.Popen(argv, env=environment, stdout=out, stderr=subprocess.PIPE, text=True) as run:
            assert run.stderr is not None
            told = []

            def line(words: str) -> str:
                for text in run.stderr or ():
                    told.append(text)
                    if words in text:
                        return text.strip()
                raise AssertionError("".join(told) + (tmp_path / "out").read_text())

            assert " left" in line(f"{name}: image slow: ")
            slow_image.goes_on.set()
            assert line(f"{name}: web: start") == f"{name}: web: starting"
            release(host)
            run.communicate(timeout=300)
        assert run.returncode == 0, (tmp_path / "out").read_text()
    finally:
        release(host)


def test_who_wants_no_lines_gets_none(fleet: Fleet, slow_image: SlowImage) -> None:
    # It takes so long that there would be lines of it.
    slow_image.sends_drops = 80
    images = {"slow": {"source": slow_image.url, "checksum": f"sha256:{slow_image.digest}", "disk_format": "qcow2"}}
    play = fleet.create(server("web", image="slow", availability_zone="az1:h1"), compute_images=images, compute_progress=False)
    assert play.code == 0, play.output
    assert "h1: image slow" not in play.output and "h1: web: " not in play.output
