"""A libvirtd or a host that hangs is a sentence within its time-out; the next run heals, and there is one guest, never two."""

from __future__ import annotations

import pathlib
import subprocess
import time
import typing as t

import pytest

from .conftest import STATE, Fleet, Host, Play, server

LIMIT_S = 15  # a busy test machine answers within that
HERE = pathlib.Path(__file__).parent
SENTENCE = f"has not answered a call within {LIMIT_S} s"
HOOK = "/etc/libvirt/hooks/qemu"
# libvirtd waits for its hook, and the hook stops libvirtd: a call hangs in the middle of what it does.
STOPS_AT = """mv {hook} {hook}.kept
cat > {hook} <<'END'
#!/bin/sh
[ "$2" != {operation} ] || kill -STOP "$(cat /run/libvirt/libvirtd.pid)"
END
chmod 755 {hook}"""


def stop(host: Host) -> None:
    host.run("sh", "-c", "kill -STOP $(cat /run/libvirt/libvirtd.pid)")


def stop_at(host: Host, operation: str) -> None:
    host.run("sh", "-c", STOPS_AT.format(hook=HOOK, operation=operation))


def go_on(host: Host) -> None:
    host.run("sh", "-c", f"[ ! -e {HOOK}.kept ] || mv {HOOK}.kept {HOOK}; kill -CONT $(cat /run/libvirt/libvirtd.pid)")


@pytest.fixture
def healing(fleet: Fleet) -> t.Iterator[Fleet]:
    """Whatever a test has stopped goes on at its end."""
    yield fleet
    for host in fleet.hosts.values():
        go_on(host)


def assert_free(host: Host) -> None:
    """No module runs on the host any more, and nobody holds the lock of its claims."""
    deadline = time.monotonic() + 60
    while host.run("pgrep", "-f", "AnsiballZ|kvmfleet.compute", check=False).strip():
        assert time.monotonic() < deadline, host.run("ps", "-ef")
    host.run("sh", "-c", "[ ! -e /var/lib/kvmfleet/locks/host ] || flock -n /var/lib/kvmfleet/locks/host true")


def hung(fleet: Fleet, before: str, count: int, host: str = "h1") -> Play:
    """A run of servers over all hosts, on one of which libvirtd hangs before a stage."""
    variables = {"compute_servers": [server("web", min_count=count)], "compute_libvirt_timeout_s": LIMIT_S, "hung": host, "before": before}
    return fleet.play(str(HERE / "hung_libvirtd.yml"), variables)


def assert_heals(fleet: Fleet, count: int) -> None:
    """The next run has every server once, and all of them run."""
    again = fleet.create(server("web", min_count=count))
    deadline = time.monotonic() + 120
    while "is reserved for server" in again.output:
        # What a run that was cut short has reserved and not claimed is free when that has run out.
        assert time.monotonic() < deadline, again.output
        again = fleet.create(server("web", min_count=count))
    assert again.code == 0, again.output
    there = sorted(made["domain"] for made in again.result["servers"])
    assert len(there) == count
    assert sorted(name for host in fleet.hosts.values() for name in host.domains()) == there
    assert sorted(name for host in fleet.hosts.values() for name in host.domains("--all")) == there


def assert_only_h1_is_unknown(fleet: Fleet, play: Play) -> None:
    """What was built elsewhere is built; of h1 the run says that it can't know, and holds nothing there."""
    assert play.code == 2
    states = {(made["host"], made["state"]) for made in play.result["servers"]}
    assert states == {("h1", "UNKNOWN"), ("h2", "ACTIVE"), ("h3", "ACTIVE")}, play.output
    assert SENTENCE in play.told()
    assert_free(fleet.hosts["h1"])


def test_a_libvirtd_that_hangs_while_the_hosts_are_read_stops_the_run_or_is_left_out(healing: Fleet) -> None:
    stop(healing.hosts["h1"])
    stopped = healing.create(server("web"), compute_libvirt_timeout_s=LIMIT_S)
    assert stopped.code == 2
    assert SENTENCE in stopped.told()
    assert_free(healing.hosts["h1"])
    ignored = healing.create(server("web", min_count=2), compute_libvirt_timeout_s=LIMIT_S, compute_unreachable_hosts="ignore")
    assert ignored.code == 0, ignored.output
    assert {made["host"] for made in ignored.result["servers"]} == {"h2", "h3"}
    go_on(healing.hosts["h1"])
    assert_heals(healing, 2)


@pytest.mark.campaign
def test_what_was_never_sent_to_a_libvirtd_that_hangs_is_claimed_elsewhere(healing: Fleet) -> None:
    play = hung(healing, "claim", 1, "{{ __create_server_conducted.round.placements | first }}")
    assert play.code == 0, play.output
    (moved,) = play.result["servers"]
    (attempt,) = moved["attempts"]
    assert (attempt["stage"], SENTENCE in attempt["error"]) == ("claim", True)
    host = healing.hosts[attempt["host"]]
    assert_free(host)
    go_on(host)
    assert host.domains("--all") == set()
    assert_heals(healing, 1)


@pytest.mark.campaign
def test_what_is_claimed_on_a_libvirtd_that_hangs_stays_there_and_is_unknown(healing: Fleet) -> None:
    play = hung(healing, "build", 6)
    assert_only_h1_is_unknown(healing, play)
    go_on(healing.hosts["h1"])
    assert_heals(healing, 6)


@pytest.mark.campaign
def test_claims_that_a_hang_cuts_short_are_taken_once(healing: Fleet) -> None:
    argv, environment = healing.command(
        "kvmfleet.compute.create_server",
        {"compute_servers": [server("web", min_count=8)], "compute_libvirt_timeout_s": LIMIT_S, "compute_reservation_timeout_s": 30},
    )
    host = healing.hosts["h1"]
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        host.run("sh", "-c", "until ls /etc/libvirt/qemu/web-*.xml >/dev/null 2>&1; do :; done; kill -STOP $(cat /run/libvirt/libvirtd.pid)")
        output = process.stdout.read()
        assert process.wait() in (0, 2), output
    assert_free(host)
    go_on(host)
    assert_heals(healing, 8)


@pytest.mark.campaign
@pytest.mark.parametrize("operation", ["prepare", pytest.param("started", marks=pytest.mark.campaign)])
def test_a_start_that_hangs_leaves_its_servers_unknown_and_the_next_run_finishes_them(healing: Fleet, operation: str) -> None:
    stop_at(healing.hosts["h1"], operation)
    play = healing.create(server("web", min_count=6), compute_libvirt_timeout_s=LIMIT_S)
    assert_only_h1_is_unknown(healing, play)
    go_on(healing.hosts["h1"])
    assert_heals(healing, 6)


@pytest.mark.campaign
def test_a_deletion_that_hangs_is_finished_by_the_next(healing: Fleet) -> None:
    assert healing.create(server("web", min_count=3)).code == 0
    wanted = {"compute_delete_names": ["web-1", "web-2", "web-3"], "compute_delete_missing": "ignore", "compute_libvirt_timeout_s": LIMIT_S}
    host = healing.hosts["h1"]
    stop(host)
    unread = healing.play("kvmfleet.compute.delete_server", wanted)
    assert (unread.code, SENTENCE in unread.told()) == (2, True), unread.output
    go_on(host)
    stop_at(host, "stopped")
    hangs = healing.play("kvmfleet.compute.delete_server", wanted)
    assert (hangs.code, SENTENCE in hangs.told()) in ((2, True), (0, False)), hangs.output
    assert_free(host)
    go_on(host)
    assert healing.play("kvmfleet.compute.delete_server", wanted).code == 0
    assert all(made.domains("--all") == set() and made.folders() == set() for made in healing.hosts.values())


@pytest.mark.campaign
@pytest.mark.parametrize("pipelining", ["True", pytest.param("False", marks=pytest.mark.campaign)])
def test_a_host_that_hangs_below_ssh_is_cut_off_and_lost(healing: Fleet, pipelining: str, tmp_path: pathlib.Path) -> None:
    # A connection that stands and says nothing any more: SSH itself would wait for it for a quarter of an hour.
    environment = {
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=60s",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(tmp_path),
        "ANSIBLE_PIPELINING": pipelining,
    }
    variables = {
        "compute_servers": [server("web", min_count=3)],
        "cut": "h2",
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={STATE}/ssh/known_hosts",
        "compute_build_timeout_s": 40,
        "compute_vif_plugging_timeout_s": 1,
        "compute_wait_timeout_s": 1,
    }
    try:
        play = healing.play(str(HERE / "lost_host.yml"), variables, environment=environment)
    finally:
        healing.testbed("heal", "h2")
    assert play.code == 2
    assert sorted((made["host"], made["state"]) for made in play.result["servers"]) == [("h1", "ACTIVE"), ("h2", "UNKNOWN"), ("h3", "ACTIVE")], play.output
    assert "the task was cut off" in play.told()
    assert_heals(healing, 3)
