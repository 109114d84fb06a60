"""What a host in life has and a plain one hasn't: a user with sudo, a full disk, a rotated log, another clock, a power cut."""

from __future__ import annotations

import hashlib
import json
import pathlib
import subprocess

from .conftest import NET4, SSH, STATE, Fleet, server

MICRO = pathlib.Path(json.loads((STATE / "inventory" / "group_vars" / "all.yml").read_text())["compute_images"]["micro"]["source"])
IMAGES = "/var/lib/libvirt/kvmfleet/images"


def test_a_host_is_reached_as_a_user_with_sudo(fleet: Fleet, tmp_path: pathlib.Path) -> None:
    host = fleet.hosts["h2"]
    root = subprocess.run([*SSH, f"root@{NET4}.0.12", "true"], capture_output=True, text=True, check=False)
    assert "Permission denied" in root.stderr
    # An image that the host hasn't got is sent from the controller by way of that user.
    odd = tmp_path / "odd.qcow2"
    odd.write_bytes(MICRO.read_bytes() + b"\0" * 512)
    digest = hashlib.sha256(odd.read_bytes()).hexdigest()
    images = {"odd": {"source": str(odd), "checksum": f"sha256:{digest}", "disk_format": "qcow2"}}
    path = f"{IMAGES}/sha256-{digest}"
    try:
        play = fleet.create(server("web", image="odd", availability_zone="az2"), compute_images=images, compute_wait_for="ssh")
        assert play.code == 0, play.output
        assert host.domains() == {play.server("web")["domain"]}
        assert host.run("stat", "-c", "%U %a", path).split() == ["root", "644"]
        assert host.run("stat", "-c", "%U", "/home/ops/.ansible/tmp").split() == ["ops"]
        assert host.run("ls", "-A", "/home/ops/.ansible/tmp") == ""
    finally:
        host.run("sh", "-c", f"rm -f {path}*")
    gone = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["web"]})
    assert gone.code == 0, gone.output
    assert host.domains("--all") == host.folders() == set()
