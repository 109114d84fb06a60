"""Two controllers of one name, each in a PID namespace of its own: one is held between claim and build, the other has to wait until the host lets it."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess

import pytest

from .conftest import INSTANCES, Fleet, Host, Play, server

CONTROLLER = ["unshare", "--pid", "--fork", "--mount-proc"]
HELD = str(pathlib.Path(__file__).with_name("paused_run.yml"))
LEASE_S = 45
WEB = server("web", availability_zone="az1:h3")  # whose clock is two hours ahead


class HeldRun:
    """A run in a namespace of its own that has claimed; it goes on when it is let go."""

    def __init__(self, fleet: Fleet, folder: pathlib.Path, **variables: object) -> None:
        gate = folder / "gate"
        os.mkfifo(gate)
        argv, environment = fleet.command(HELD, {**variables, "gate": str(gate)})
        # A connection that both used would end with the first of them.
        environment["ANSIBLE_SSH_ARGS"] = "-o ControlMaster=no"
        self.process = subprocess.Popen(
            [*CONTROLLER, *argv], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
        )
        # Opened when the run opens its end, which is when the claims are taken.
        self._gate = os.open(gate, os.O_WRONLY)

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> tuple[int, str]:
        """Let it run to its end: its code and its output."""
        os.killpg(self.process.pid, signal.SIGCONT)
        os.close(self._gate)
        output, _none = self.process.communicate(timeout=300)
        return self.process.returncode, output

    def end(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.communicate()


def other_controller(fleet: Fleet, **variables: object) -> Play:
    """The same request from another namespace, to its end."""
    argv, environment = fleet.command("kvmfleet.compute.create_server", {"compute_servers": [WEB], **variables})
    done = subprocess.run([*CONTROLLER, *argv], env=environment, capture_output=True, text=True, check=False, timeout=300)
    return Play(done.returncode, done.stdout + done.stderr, {"servers": []})


def guest(host: Host, uuid: str) -> tuple[str, str]:
    """What changes if a guest is started again, or its disk is made again."""
    return host.run("virsh", "domid", uuid).strip(), host.run("stat", "-c", "%i", f"{INSTANCES}/{uuid}/disk").strip()


@pytest.mark.campaign
@pytest.mark.parametrize("force", [False, True])
def test_a_run_that_only_seems_dead_keeps_its_claim_as_long_as_the_host_says_and_never_builds_after_it(
    fleet: Fleet, tmp_path: pathlib.Path, force: bool
) -> None:
    (tmp_path / "other").mkdir()
    other = Fleet(tmp_path / "other")
    held = HeldRun(fleet, tmp_path, compute_servers=[WEB], compute_build_timeout_s=LEASE_S)
    try:
        held.stop()
        (place,) = fleet.where("web-")
        left = []
        while True:
            play = other_controller(other, compute_take_over=force)
            found = re.search(rf"is being built by run \S+ of controller \S+ host {place} keeps the claim for another (\d+) s", " ".join(play.output.split()))
            if not found:
                break
            assert (play.code, "InstanceIsBuilding" in play.output, "compute_take_over: true" in play.output) == (2, True, True)
            left.append(int(found[1]))
        assert play.code == 0, play.output
        # Both are pid 1 of a machine of one name: nobody took the held run for dead at once, unless told to.
        assert left == sorted(left, reverse=True)
        assert bool(left) == (not force)
        assert all(0 < seconds <= LEASE_S for seconds in left)
        host = fleet.hosts[place]
        (domain,) = host.domains()
        uuid = host.run("virsh", "domuuid", domain).strip()
        before = guest(host, uuid)
        code, output = held.go_on()
        assert code == 2
        assert "UNKNOWN" in output
        assert guest(host, uuid) == before
        assert fleet.where("web-") == [place]
        assert fleet.create(WEB).changed() == 0
    finally:
        held.end()
