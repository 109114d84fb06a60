"""What killed modules and hands have left on a host is listed, removed, and gone; what may be anybody's stays."""

from __future__ import annotations

import json
import re
import typing as t

import pytest

from .conftest import INSTANCES, Fleet, Host, Play, server

STATE_PATH = "/var/lib/kvmfleet"
IMAGES = "/var/lib/libvirt/kvmfleet/images"
GONE = "00000000-0000-4000-8000-000000000001"
LINE = re.compile(r"(would be removed|removed|left): (\w+) (\S+) \((\d+) bytes\): (.+)")


class Line(t.NamedTuple):
    verb: str
    kind: str
    path: str
    bytes: str
    why: str


def cleanup(fleet: Fleet, *options: str, **variables: t.Any) -> tuple[Play, dict[str, list[str]]]:
    """The play, and what it says of each host."""
    play = fleet.play("kvmfleet.compute.cleanup", variables, *options, environment={"ANSIBLE_CALLBACK_RESULT_FORMAT": "json"})
    told = play.output.split("Say what was found", 1)[-1]
    found = {host: told.split(f"ok: [{host}] => ", 1)[-1] for host in fleet.hosts}
    assert play.code == 0, play.output
    return play, {host: json.JSONDecoder().raw_decode(text)[0]["msg"] for host, text in found.items()}


def lines(told: list[str]) -> list[Line]:
    found = [LINE.fullmatch(line) for line in told]
    assert all(found), told
    return [Line(*match.groups()) for match in found if match]


def everything(host: Host) -> list[str]:
    """Every file and folder of the collection on the host, with its inode and its change, and every domain; but for consoles, which guests write."""
    places = f"{STATE_PATH} {INSTANCES} {IMAGES}"
    return [*host.run("sh", "-c", f"find {places} ! -name console.log -printf '%p %i %T@\\n' | sort").splitlines(), *sorted(host.domains("--all"))]


def killed(fleet: Fleet, name: str) -> str:
    """A server whose module on h1 was killed while the config drive was made; its id. Its claim runs out after a second."""
    host = fleet.hosts["h1"]
    host.run("sh", "-c", "printf '#!/bin/sh\\nkill -9 $PPID\\n' > /run/killer; chmod 755 /run/killer; mount --bind /run/killer $(command -v genisoimage)")
    try:
        play = fleet.create(server(name, availability_zone="az1:h1"), compute_build_timeout_s=1)
    finally:
        host.run("sh", "-c", "umount $(command -v genisoimage); rm /run/killer")
    made = play.server(name)
    assert (play.code, made["state"]) == (2, "UNKNOWN"), play.output
    assert "disk.config.part.tree" in host.run("ls", f"{INSTANCES}/{made['id']}")
    return str(made["id"])


@pytest.mark.campaign
def test_what_is_left_is_listed_then_removed_then_gone(fleet: Fleet) -> None:
    host = fleet.hosts["h1"]
    web, lost = (fleet.create(server(name, availability_zone="az1:h1")).server(name) for name in ("web", "lost"))
    other = fleet.create(server("other", availability_zone="az2:h2")).server("other")
    orphan, dead = killed(fleet, "orphan"), killed(fleet, "dead")
    host.run("virsh", "undefine", orphan)
    host.run("sh", "-c", f"virsh destroy {lost['id']}; virsh undefine {lost['id']}")
    host.run(
        "sh",
        "-c",
        f"cd {STATE_PATH}; touch locks/{GONE}; echo key > secret.key.7.0123abcd; touch -d '3 days ago' secret.key.7.0123abcd; "
        # A journal of a server that another host has by now.
        f"mkdir -p journal; sed s/{orphan}/{other['id']}/ journal/{orphan} > journal/{other['id']}; "
        f"rm -rf {IMAGES}/.partial; mkdir -p {IMAGES}/.partial; cd {IMAGES}/.partial; touch cut.lock waits.lock waits.etag; echo x > cut; echo x > waits; "
        f"echo x > {INSTANCES}/{web['id']}/disk.config.part; mkdir -p {INSTANCES}/backups; echo mine > {INSTANCES}/{orphan}/notes.txt",
    )
    due = {
        ("claim", f"{INSTANCES}/{dead}"),
        ("journal", f"{STATE_PATH}/journal/{orphan}"),
        ("temporary", f"{INSTANCES}/{web['id']}/disk.config.part"),
        ("temporary", f"{STATE_PATH}/secret.key.7.0123abcd"),
        ("partial", f"{IMAGES}/.partial/cut"),
        ("lock", f"{STATE_PATH}/locks/{GONE}"),
    }
    stays = {
        ("journal", f"{STATE_PATH}/journal/{other['id']}"): "another host has a domain with this id",
        ("folder", f"{INSTANCES}/{lost['id']}"): "it is removed only if its id is named",
        ("partial", f"{IMAGES}/.partial/waits"): "can be gone on with",
        ("partial", f"{IMAGES}/.partial/waits.etag"): "can be gone on with",
    }
    try:
        before, guest = everything(host), host.run("virsh", "domid", web["domain"])
        play, told = cleanup(fleet, "--check")
        listed = lines(told["h1"])
        assert {(line.kind, line.path) for line in listed if line.verb == "would be removed"} == due, told
        assert play.changed() == 1
        assert everything(host) == before
        play, told = cleanup(fleet)
        found = lines(told["h1"])
        assert [line[1:] for line in found] == [line[1:] for line in listed]
        assert {(line.kind, line.path) for line in found if line.verb == "removed"} == due
        left = {(line.kind, line.path): line.why for line in found if line.verb == "left"}
        assert left.keys() == stays.keys()
        assert all(why in left[key] for key, why in stays.items())
        assert all(int(line.bytes) > 0 for line in found if line.kind in ("claim", "folder") or line.path.endswith(orphan))
        assert host.domains("--all") == {web["domain"]}
        assert host.run("virsh", "domid", web["domain"]) == guest
        assert host.folders() == {web["id"], lost["id"], orphan, "backups"}
        assert host.run("ls", f"{INSTANCES}/{orphan}").split() == ["notes.txt"]
        play, told = cleanup(fleet)
        assert play.changed() == 0
        again = {(line.kind, line.path) for line in lines(told["h1"])}
        # The folder of the orphan is foreign now: what lies in it was made by somebody else.
        assert again == {*stays, ("folder", f"{INSTANCES}/{orphan}")}
        play, told = cleanup(fleet, compute_cleanup_folders=[lost["id"], orphan, web["id"], other["id"]])
        assert {(line.kind, line.path) for line in lines(told["h1"]) if line.verb == "removed"} == {("folder", f"{INSTANCES}/{lost['id']}")}
        assert "notes.txt" in next(line.why for line in lines(told["h1"]) if line.path.endswith(orphan))
        assert host.folders() == {web["id"], orphan, "backups"}
        assert fleet.create(server("web", availability_zone="az1:h1"), server("other", availability_zone="az2:h2")).changed() == 0
    finally:
        host.run("sh", "-c", f"rm -rf {IMAGES}/.partial {STATE_PATH}/secret.key.7.0123abcd")
