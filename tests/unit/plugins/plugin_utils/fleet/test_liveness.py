"""Live and dead runs: told by a process that only its own kernel and namespace can see, and by a lease that only the host can tell."""

from __future__ import annotations

import os
import subprocess
import sys
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Process
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import runs
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.liveness import Space, is_dead, is_gone
from ansible_collections.kvmfleet.compute.tests.unit import make

SPACES = st.builds(Space, st.sampled_from(["boot-1", "boot-2"]), st.sampled_from(["pid:[1]", "pid:[2]"]))
PROCESSES = st.builds(
    lambda space, pid, start: make.process(boot_id=space.boot_id, pid_namespace=space.pid_namespace, pid=pid, pid_start=start),
    SPACES,
    st.integers(1, 3),
    st.integers(1, 3),
)


@given(st.none() | PROCESSES, st.none() | SPACES, st.dictionaries(st.integers(1, 3), st.integers(1, 3)), st.none() | st.integers(0, 2))
def test_a_run_is_dead_only_if_its_own_space_misses_its_process_or_its_host_says_so(
    process: Process | None, here: Space | None, alive: dict[int, int], lease_left_s: int | None
) -> None:
    run = make.run(process=process)
    gone = is_gone(run, here, lambda item: alive.get(item["pid"]) != item["pid_start"])
    if process is None or here is None or here != (process["boot_id"], process["pid_namespace"]):
        assert not gone
    else:
        assert gone == ((process["pid"], process["pid_start"]) not in alive.items())
    assert is_dead(run, gone, lease_left_s) == (gone or lease_left_s == 0)


def test_what_no_run_claims_is_free() -> None:
    assert is_dead(None, gone=False, lease_left_s=None)


@pytest.mark.parametrize("other", [{"boot_id": "boot-2"}, {"pid_namespace": "pid:[4026532999]"}])
def test_containers_and_machines_of_one_name_with_the_same_pids_say_nothing_of_each_other(other: dict[str, str]) -> None:
    # Both are "localhost", both run ansible-playbook as pid 1: one's pid 1 is neither the other's process nor its end.
    first, second = make.process(pid=1, pid_start=10), make.process(pid=1, pid_start=20, **other)
    here = Space(second["boot_id"], second["pid_namespace"])
    asked: list[Process] = []

    def has_ended(process: Process) -> bool:
        asked.append(process)
        return process != second

    assert not is_gone(make.run(controller="localhost", process=first), here, has_ended)
    assert asked == []
    assert not is_gone(make.run(controller="localhost", process=second), here, has_ended)


def process_of(pid: int) -> Process:
    """A process of this space, as a record names it."""
    space = runs.this_space()
    assert space
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        start = int(file.read().rpartition(")")[2].split()[19])
    return make.process(boot_id=space.boot_id, pid_namespace=space.pid_namespace, pid=pid, pid_start=start)


def test_this_run_names_the_process_that_started_this_one() -> None:
    run = runs.this_run("r", 60.5)
    assert run["process"] == process_of(os.getppid())
    assert (run["id"], run["lease_s"], runs.has_gone(run)) == ("r", 60, False)


def test_a_process_is_gone_when_it_has_ended_waited_for_or_not_and_when_its_pid_is_anothers() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        run = make.run(process=process_of(child.pid))
        assert not runs.has_gone(run)
        assert runs.has_gone(make.run(process={**process_of(child.pid), "pid_start": 1}))
        child.kill()
        # Ended, and not waited for yet.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert runs.has_gone(run)
    assert runs.has_gone(run)


def test_a_process_that_proc_hides_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "_stat", lambda _pid: None)
    assert not runs.has_ended(make.process(pid=os.getpid()))
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        child.wait()
        assert runs.has_ended(make.process(pid=child.pid))


@pytest.mark.parametrize("name", ["BOOT_ID", "getpid"])
def test_where_the_system_does_not_tell_only_the_lease_does(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    mine = process_of(os.getpid())
    if name == "getpid":
        # /proc is that of another namespace.
        monkeypatch.setattr(os, "getpid", lambda: 1)
    else:
        monkeypatch.setattr(runs, "BOOT_ID", "/nowhere")
    other: dict[str, t.Any] = {**mine, "pid_start": 1}
    assert runs.this_run("r", 60)["process"] is None
    assert not runs.has_gone(make.run(process=other))
