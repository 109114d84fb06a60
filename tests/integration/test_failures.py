"""What goes wrong is said, tried elsewhere where that may help, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import os
import pathlib
import signal
import subprocess
import time

import pytest

from .conftest import INSTANCES, NET4, Fleet, server, ssh


def image(path: pathlib.Path, **fields: str) -> dict[str, dict[str, str]]:
    """A catalogue with one image."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"odd": {"source": str(path), "checksum": f"sha256:{digest}", "disk_format": "qcow2", **fields}}


def test_no_valid_host_says_why(fleet: Fleet) -> None:
    play = fleet.create(server("huge", flavor="m1.huge"), server("web"))
    assert play.code == 2
    lost = play.server("huge")
    assert lost["state"] == "ERROR"
    assert set(lost["error"]["reasons"]) == {"h1", "h2", "h3"}
    assert all("MEMORY_MB" in reason and "1048576 requested" in reason for reason in lost["error"]["reasons"].values())
    assert play.server("web")["state"] == "ACTIVE"
    assert len(fleet.where("web-")) == 1


def test_a_refused_claim_goes_to_an_alternate(fleet: Fleet) -> None:
    # Between placement and claim a foreign guest takes all memory of the chosen host.
    play = fleet.play(str(pathlib.Path(__file__).with_name("late_guest.yml")), {"compute_servers": [server("web", availability_zone="az1")]})
    assert play.code == 0, play.output
    made = play.server("web")
    assert [attempt["stage"] for attempt in made["attempts"]] == ["claim"]
    assert made["host"] != made["attempts"][0]["host"]
    assert fleet.where("web-") == [made["host"]]


def test_a_failed_build_is_undone_and_tried_elsewhere(fleet: Fleet) -> None:
    first = fleet.hosts["h1"]
    # The host's bridge vanishes between claim and build: its port can't be plugged.
    first.run("ip", "link", "add", "br-lost", "type", "bridge")
    first.run("ip", "link", "set", "br-lost", "up")
    fleet.hosts["h3"].run("sh", "-c", "ip link add br-lost type bridge; ip link set br-lost up")
    networks = {"lost": {"bridge": "br-lost", "subnets": [{"cidr": "192.168.9.0/24"}]}}
    try:
        play = fleet.play(
            str(pathlib.Path(__file__).with_name("lost_bridge.yml")),
            {"compute_networks": networks, "compute_servers": [server("web", networks=[{"name": "lost"}])]},
        )
        assert play.code == 0, play.output
        made = play.server("web")
        assert [attempt["stage"] for attempt in made["attempts"]] == ["build"]
        failed = fleet.hosts[made["attempts"][0]["host"]]
        assert failed.domains("--all") == set()
        assert failed.folders() == set()
        assert failed.run("cat", "/var/lib/kvmfleet/failed_builds").strip() == "1"
        assert fleet.where("web-") == [made["host"]]
    finally:
        for name in ("h1", "h3"):
            fleet.hosts[name].run("sh", "-c", "ip link del br-lost 2>/dev/null; true")


@pytest.mark.parametrize(
    ("kind", "error_class"),
    [
        pytest.param("broken", "ImageUnacceptable", marks=pytest.mark.campaign),
        ("checksum", "ImageChecksumMismatch"),
        ("backing", "ImageUnacceptable"),
        pytest.param("missing", "ImageNotFound", marks=pytest.mark.campaign),
    ],
)
def test_a_bad_image_is_refused_and_leaves_nothing(fleet: Fleet, tmp_path: pathlib.Path, kind: str, error_class: str) -> None:
    path = tmp_path / "odd.qcow2"
    path.write_bytes(b"this is no qcow2 at all" * 100)
    images = image(path)
    if kind == "checksum":
        images["odd"]["checksum"] = "sha256:" + "0" * 64
    elif kind == "backing":
        path.unlink()
        subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", str(path), "64M"], check=True)
        images = image(path)
    elif kind == "missing":
        path.unlink()
    play = fleet.create(server("web", image="odd"), compute_images=images)
    assert play.code == 2, play.output
    made = play.server("web")
    assert (made["state"], made["error"]["error_class"], len(made["attempts"])) == ("ERROR", error_class, 1)
    for host in fleet.hosts.values():
        assert host.domains("--all") == set()
        assert host.folders() == set()


def test_bad_requests_are_all_reported_before_a_host_is_touched(fleet: Fleet) -> None:
    play = fleet.create(server("a", flavor="m1.none"), server("b", image="none"), server("c", networks=[{"name": "lan", "fixed_ip": "203.0.113.1"}]))
    assert play.code == 2
    for text in ("servers[0].flavor", "servers[1].image", "servers[2].networks[0].fixed_ip"):
        assert text in play.output
    assert all(host.domains("--all") == set() for host in fleet.hosts.values())


def test_taken_names_and_addresses(fleet: Fleet) -> None:
    assert fleet.create(server("web", networks=[{"name": "lan", "fixed_ip": f"{NET4}.1.50"}])).code == 0
    twice = fleet.create(server("x"), server("x"))
    assert twice.code == 2
    assert "InstanceExists" in twice.output
    taken = fleet.create(server("other", networks=[{"name": "lan", "fixed_ip": f"{NET4}.1.50"}]))
    assert taken.code == 2
    assert "FixedIpAlreadyInUse" in taken.output
    assert fleet.where("other-") == fleet.where("x-") == []


@pytest.mark.campaign
def test_a_foreign_domain_counts_and_is_left_alone(fleet: Fleet) -> None:
    host = fleet.hosts["h1"]
    host.run(
        "sh",
        "-c",
        'printf \'<domain type="qemu"><name>foreign</name><memory unit="GiB">64</memory><vcpu>2</vcpu><os><type>hvm</type></os></domain>\' > /tmp/f.xml;'
        "virsh -q define /tmp/f.xml",
    )
    play = fleet.create(server("web", min_count=2, availability_zone="az1"))
    assert play.code == 0, play.output
    assert set(fleet.where("web-")) == {"h3"}
    wanted = {"compute_delete_names": ["web-1", "web-2", "foreign"]}
    missing = fleet.play("kvmfleet.compute.delete_server", wanted)
    assert missing.code != 0 and "no server has the name foreign" in missing.output
    assert len(fleet.where("web-")) == 2
    deleted = fleet.play("kvmfleet.compute.delete_server", {**wanted, "compute_delete_missing": "ignore"})
    assert deleted.code == 0, deleted.output
    assert host.domains("--all") == {"foreign"}


def test_delete_removes_all_of_ours_and_nothing_foreign(fleet: Fleet) -> None:
    made = fleet.create(server("web", tags=["ci"])).server("web")
    host = fleet.hosts[made["host"]]
    folder = f"/var/lib/libvirt/kvmfleet/instances/{made['id']}"
    host.run("sh", "-c", f"echo mine > {folder}/notes.txt")
    check = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_tags": ["ci"]}, "--check")
    assert check.changed() > 0
    assert host.domains() == {made["domain"]}
    assert fleet.play("kvmfleet.compute.delete_server", {"compute_delete_tags": ["ci"]}).code == 0
    assert host.domains("--all") == set()
    assert host.run("ls", folder).split() == ["notes.txt"]
    again = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_tags": ["ci"], "compute_delete_missing": "ignore"})
    assert (again.code, again.changed()) == (0, 0)


@pytest.mark.parametrize("kind", ["checkpoint", pytest.param("snapshot", marks=pytest.mark.campaign)])
def test_a_server_with_a_checkpoint_or_a_snapshot_and_a_saved_state_is_started_and_deleted(fleet: Fleet, kind: str) -> None:
    made = fleet.create(server("web"), compute_wait_for="ssh").server("web")
    host, domain = fleet.hosts[made["host"]], made["domain"]
    if kind == "checkpoint":
        host.run("virsh", "checkpoint-create-as", domain, "one", "--diskspec", "vda,checkpoint=bitmap")
    else:
        host.run("virsh", "snapshot-create-as", domain, "one", "--disk-only", "--diskspec", "vda,snapshot=external")
        host.run("virsh", "managedsave", domain)
        assert fleet.create(server("web")).code == 0
        assert host.xml(domain).find("devices/disk/source").get("file").endswith("disk.one")
    folder = f"{INSTANCES}/{made['id']}"
    host.run("sh", "-c", f"touch {folder}/console.log.0 {folder}/console.log.1")
    gone = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["web"]})
    assert gone.code == 0, gone.output
    assert host.domains("--all") == set()
    assert host.run("sh", "-c", f"ls -d {folder} || true") == ""


@pytest.mark.campaign
def test_a_lost_host_stops_a_create_unless_ignored(fleet: Fleet) -> None:
    # The first run of a fleet needs all its hosts.
    assert fleet.create(server("first")).code == 0
    fleet.testbed("cut", "h3")
    try:
        stopped = fleet.create(server("web"))
        assert stopped.code & 2
        assert "HostUnreachable" in stopped.output
        assert fleet.where("web-") == []
        ignored = fleet.create(server("web", min_count=2), compute_unreachable_hosts="ignore")
        assert set(fleet.where("web-")) == {"h1", "h2"}, ignored.output
    finally:
        fleet.testbed("heal", "h3")


def _claims(fleet: Fleet) -> int:
    return sum(len(host.domains("--all")) for host in fleet.hosts.values())


@pytest.mark.campaign
def test_a_killed_run_is_finished_by_the_next(fleet: Fleet) -> None:
    argv, environment = fleet.command("kvmfleet.compute.create_server", {"compute_servers": [server("web", min_count=6)]})
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while _claims(fleet) < 6:
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for host in fleet.hosts.values():
        host.wait_for_modules()
    again = fleet.create(server("web", min_count=6), compute_wait_for="ssh")
    assert again.code == 0, again.output
    assert sum(len(host.domains()) for host in fleet.hosts.values()) == 6
    for made in again.result["servers"]:
        assert ssh(made["addresses"]["lan"][0]["addr"], "hostname").strip() == made["name"]


@pytest.mark.campaign
def test_libvirtd_restarted_in_the_middle(fleet: Fleet) -> None:
    argv, environment = fleet.command("kvmfleet.compute.create_server", {"compute_servers": [server("web", min_count=9)]})
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout:
            if "Build and start" in line:
                fleet.testbed("restart-libvirtd", "h1")
                break
        output = process.stdout.read()
        assert process.wait(timeout=300) in (0, 2), output
    # What the restart may have cost is made good by the next run, and nothing is there twice.
    again = fleet.create(server("web", min_count=9))
    assert again.code == 0, again.output
    assert sum(len(host.domains("--all")) for host in fleet.hosts.values()) == 9
    assert {host.name: len(host.domains()) for host in fleet.hosts.values()} == {"h1": 3, "h2": 3, "h3": 3}


@pytest.mark.campaign
def test_a_host_lost_in_the_middle_leaves_unknown_and_comes_back(fleet: Fleet) -> None:
    play = fleet.play(str(pathlib.Path(__file__).with_name("lost_host.yml")), {"compute_servers": [server("web", min_count=3)], "cut": "h2"})
    try:
        assert play.code != 0
        lost = [made for made in play.result["servers"] if made["host"] == "h2"]
        assert [made["state"] for made in lost] == ["UNKNOWN"], play.output
        assert "h2 was lost" in play.told()
        assert sorted(made["state"] for made in play.result["servers"]) == ["ACTIVE", "ACTIVE", "UNKNOWN"]
    finally:
        fleet.testbed("heal", "h2")
    again = fleet.create(server("web", min_count=3), compute_wait_for="ssh")
    assert again.code == 0, again.output
    assert sorted(fleet.where("web-")) == ["h1", "h2", "h3"]


@pytest.mark.campaign
def test_a_wait_that_times_out_leaves_the_server_and_shows_its_console(fleet: Fleet) -> None:
    play = fleet.create(server("web"), compute_wait_for="cloud_init", compute_wait_timeout_s=45)
    assert play.code == 2
    made = play.server("web")
    assert (made["state"], made["error"]["error_class"]) == ("ERROR", "WaitTimeout")
    assert any("kvmfleet-micro ready" in line for line in made["console"])
    assert fleet.hosts[made["host"]].domains() == {made["domain"]}
    assert len(made["attempts"]) == 1


def test_limit_and_serial_are_refused(fleet: Fleet) -> None:
    play = fleet.create(server("web"), options=("--limit", "h1"))
    # The play does not even begin.
    assert play.code == 4
    assert "--limit" in play.output
    assert fleet.where("web-") == []
