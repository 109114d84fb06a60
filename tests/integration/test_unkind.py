"""What a host in life has and a plain one hasn't: a user with sudo, a full disk, a rotated log, another clock, a power cut."""

from __future__ import annotations

import hashlib
import json
import pathlib
import re
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from .conftest import INSTANCES, NET4, SSH, STATE, TESTBED, Fleet, server, ssh

MICRO = pathlib.Path(json.loads((STATE / "inventory" / "group_vars" / "all.yml").read_text())["compute_images"]["micro"]["source"])
IMAGES = "/var/lib/libvirt/kvmfleet/images"


@pytest.mark.campaign
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
        play = fleet.create(server("web", image="odd", availability_zone="az2"), compute_images=images)
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


@pytest.mark.campaign
def test_a_full_file_system_fails_one_build_and_keeps_nothing(fleet: Fleet) -> None:
    host = fleet.hosts["h1"]
    asked = server("web", availability_zone="az1:h1")
    # The image is there: what has no room is the server.
    first = fleet.create(server("first", availability_zone="az1:h1"))
    assert first.code == 0, first.output
    before = host.folders(), host.domains("--all"), host.run("find", "/var/lib/kvmfleet/journal", "/var/lib/libvirt/qemu", "-type", "f")
    fleet.testbed("fill", "h1")
    try:
        play = fleet.create(asked)
        assert play.code == 2, play.output
        assert "No space left on device" in play.server("web")["error"]["message"]
        assert (host.folders(), host.domains("--all"), host.run("find", "/var/lib/kvmfleet/journal", "/var/lib/libvirt/qemu", "-type", "f")) == before
    finally:
        fleet.testbed("drain", "h1")
    again = fleet.create(asked)
    assert again.code == 0, again.output
    assert host.domains() == {first.server("first")["domain"], again.server("web")["domain"]}


@pytest.mark.campaign
def test_a_reboot_and_a_file_system_that_is_not_mounted_afterwards(fleet: Fleet) -> None:
    host = fleet.hosts["h1"]
    asked = server("web", availability_zone="az1:h1")
    made = fleet.create(asked).server("web")
    disk = f"{INSTANCES}/{made['id']}/disk"
    inode = host.run("stat", "-c", "%i", disk)
    host.run("sh", "-c", "touch /run/stray; ip link add stray type bridge")
    boot_id = host.run("cat", "/proc/sys/kernel/random/boot_id")
    assert host.taps() != set()
    fleet.testbed("reboot", "h1")
    assert host.run("cat", "/proc/sys/kernel/random/boot_id") not in (boot_id, pathlib.Path("/proc/sys/kernel/random/boot_id").read_text())
    assert host.run("sh", "-c", "ls -d /run/stray /sys/class/net/stray || true") == ""
    assert host.taps() == set()
    assert (host.domains("--all"), host.domains()) == ({made["domain"]}, set())
    fleet.testbed("unmount", "h1")
    try:
        lost = fleet.create(asked)
        assert lost.code == 2, lost.output
        assert lost.server("web")["error"]["error_class"] == "DiskNotFound"
        assert host.domains() == set()
        assert host.run("find", INSTANCES, "-type", "f", check=False) == ""
    finally:
        fleet.testbed("mount", "h1")
    again = fleet.create(asked)
    assert again.code == 0, again.output
    assert host.domains() == {made["domain"]}
    assert host.run("stat", "-c", "%i", disk) == inode


def test_what_kill_host_has_killed_is_switched_on_again(fleet: Fleet) -> None:
    host = fleet.hosts["h1"]
    host.run("sh", "-c", "echo kept > /var/tmp/kept")
    fleet.testbed("kill-host", "h1")
    fleet.testbed("reboot", "h1")
    assert host.run("cat", "/var/tmp/kept").strip() == "kept"
    fleet.testbed("kill-host", "h1")
    # A loop device that a crash has left.
    subprocess.run(["losetup", "-f", f"{STATE}/hosts/h1/disk"], check=True)
    fleet.testbed("hypervisor-up", "h1")
    assert host.run("sh", "-c", "ls /var/tmp/kept || true") == ""
    loops = subprocess.run(["losetup", "-n", "-O", "BACK-FILE", "-a"], capture_output=True, text=True, check=True).stdout
    assert [line for line in loops.splitlines() if f"{STATE}/" in line] == [f"{STATE}/hosts/h1/disk"]
    asked = {"compute_prepare_packages": False, "compute_prepare_service": False}
    assert fleet.play("kvmfleet.compute.prepare_host", asked).code == 0
    # The registrar's host is a new machine, and its ledger is gone.
    fleet.forget_registrar()


TALK = """
line=$(printf %0100d 0)
number=0
while [ $number -lt 500 ]; do
  echo "line $number $line" > /dev/console
  number=$((number + 1))
done
echo 'Cloud-init v. 22.4.2 finished at Sat, 21 Nov 2026' > /dev/console
"""


@pytest.mark.campaign
def test_a_talkative_guest_whose_console_log_is_rotated(fleet: Fleet) -> None:
    host = fleet.hosts["h3"]
    asked = server("web", availability_zone="az1:h3", networks=[{"name": "lan", "fixed_ip": f"{NET4}.1.90"}])
    with ThreadPoolExecutor() as pool:
        play = pool.submit(fleet.create, asked, compute_wait_for="cloud_init", compute_wait_timeout_s=300)
        while subprocess.run([*SSH, f"root@{NET4}.1.90", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
            assert not play.done(), play.result().output
        ssh(f"{NET4}.1.90", TALK)
        waited = play.result()
    assert waited.code == 0, waited.output
    made = waited.server("web")
    folder = f"{INSTANCES}/{made['id']}"
    logs = {"console.log", "console.log.0", "console.log.1"}
    assert set(host.run("ls", folder).split()) >= logs
    assert max(int(size) for size in host.run("sh", "-c", f"stat -c %s {folder}/console.log*").split()) <= 16384
    ssh(f"{NET4}.1.90", "echo the last word > /dev/console")
    read = fleet.play(str(pathlib.Path(__file__).with_name("console_of.yml")), {"uuid": made["id"], "host": "h3"})
    assert "the last word" in read.output, read.output
    gone = fleet.play("kvmfleet.compute.delete_server", {"compute_delete_names": ["web"]})
    assert gone.code == 0, gone.output
    assert host.domains("--all") == host.folders() == set()


READ_CLOCKS = """
import json, subprocess, threading, time
def uptime():
    return float(open("/proc/uptime").read().split()[0])
first, monotonic, boot, last = uptime(), time.monotonic(), time.clock_gettime(time.CLOCK_BOOTTIME), uptime()
begin = time.monotonic()
time.sleep(0.01)
threading.Event().wait(0.01)
print(json.dumps({"time": time.time(), "first": first, "monotonic": monotonic, "boot": boot, "last": last, "waited": time.monotonic() - begin}))
"""


def test_one_host_has_its_clock_ahead_and_only_that_one(fleet: Fleet) -> None:
    asked = fleet.play(str(pathlib.Path(__file__).with_name("read_clocks.yml")), {"program": READ_CLOCKS})
    assert asked.code == 0, asked.output
    clocks = {name: json.loads(text) for name, text in re.findall(r"clocks of (h\d): (\{.*?\})", " ".join(asked.output.split()))}
    assert {name: round((clock["time"] - time.time()) / 3600) for name, clock in clocks.items()} == {"h1": 0, "h2": 0, "h3": 2}
    for clock in clocks.values():
        # What counts from the boot does so truly; it is read in hundredths of a second there.
        assert clock["first"] <= clock["boot"] <= clock["last"] + 0.01
        assert 0 < clock["monotonic"] <= clock["boot"]
        assert clock["waited"] >= 0.02
    # What runs on the host by the testbed's own script sees the same clock.
    assert round((int(fleet.hosts["h3"].run("date", "+%s")) - time.time()) / 3600) == 2


SYNC_THREE_TIMES = """
import os
for number in range(3):
    descriptor = os.open("/var/tmp/synced", os.O_WRONLY | os.O_CREAT)
    try:
        os.fsync(descriptor)
        print(number, "synced", flush=True)
    except OSError as error:
        print(number, error.strerror, flush=True)
"""


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("fsync:error=EIO:when=2", 0, ["0 synced", "1 Input/output error", "2 synced"]),
        ("fsync:error=ENOSPC", 0, ["0 No space left on device", "1 No space left on device", "2 No space left on device"]),
        ("fsync:signal=KILL:when=2", -9, ["0 synced"]),
    ],
)
def test_a_system_call_fails_on_demand(testbed: None, fault: str, code: int, said: list[str]) -> None:
    argv = [str(TESTBED / "exec-failing"), "h1", fault, "/usr/bin/python3", "-c", SYNC_THREE_TIMES]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.stdout.splitlines(), done.returncode) == (said, code), done.stderr
