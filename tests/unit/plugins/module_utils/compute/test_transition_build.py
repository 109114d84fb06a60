"""Build: journal, then undo; unknown is not failed; a guest that has run is never undone."""

from __future__ import annotations

import errno
import pathlib
import socket
import threading
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import build_failures, locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.batch import Batch
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.journal import Journal
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.table import TRANSITIONS
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import limits, ways_in
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import port_filter_name
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import ImageResult, Outcome
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

LOST = HypervisorError("libvirt went away", lost=True)
# What the hypervisor is asked between the first file and the moment at which the guest runs.
BEFORE_IT_RUNS = ("start_paused", "live_interfaces", "bound_filter", "set_record")


def error_of(outcome: Outcome) -> tuple[str, str, bool]:
    """(outcome, error class, may another host try)"""
    error = outcome["error"]
    assert error is not None
    return outcome["outcome"], error["error_class"], error["reschedule"]


def test_a_built_server_runs_is_active_and_has_no_open_journal(lab: Lab) -> None:
    web = lab.web()
    secrets = {web["uuid"]: {"user_data": "c2VjcmV0", "admin_pass": None}}
    lab.claim(web, builder=lab.builder(secrets=secrets))
    (outcome,) = lab.build(web, builder=lab.builder(secrets=secrets))
    assert set(outcome["seconds"]) == {"port", "build"}
    assert (outcome["outcome"], outcome["power_state"], outcome["changed"]) == ("built", "running", True)
    record = lab.hypervisor.record(web["uuid"])
    assert (record["vm_state"], record["run"]) == ("active", None)
    assert record["secrets"]["user_data"] not in (None, "c2VjcmV0")
    assert lab.hypervisor.states[web["uuid"]] == "running"
    assert lab.files(web) == {"disk", "config_drive.json"}
    assert (lab.folder(web) / "config_drive.json").stat().st_mode & 0o777 == 0o600
    assert not list((lab.state / "journal").glob("*"))


def test_the_guest_is_started_paused_looked_at_and_then_let_run(lab: Lab) -> None:
    lab.claim(lab.web())
    lab.build(lab.web())
    wanted = ["start_paused", "live_interfaces", "set_record", "resume", "power_state", "set_record"]
    assert [call for call in lab.hypervisor.calls if call in wanted] == wanted


def test_for_a_claimed_server_its_id_is_enough_and_what_was_claimed_is_built(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    order = make.order({"uuid": web["uuid"], "display_name": web["display_name"]})
    assert lab.build(order)[0]["outcome"] == "built"
    other = lab.web(1)
    lab.claim(other)
    lab.build({**make.order(other), "instance": {**other, "flavor": make.flavor(vcpus=4)}})
    assert lab.hypervisor.record(other["uuid"])["flavor"]["vcpus"] == 2


def test_a_server_that_no_claim_was_taken_for_is_claimed_first(lab: Lab) -> None:
    good, bad = lab.build(lab.web(1), lab.web(2, flavor=make.flavor(vcpus=99)))
    assert (good["outcome"], bad["outcome"], bad["stage"]) == ("built", "refused", "claim")
    assert list(lab.hypervisor.xml) == [lab.web(1)["uuid"]]


def test_a_claim_that_is_gone_and_of_which_only_the_id_is_known_is_not_found(lab: Lab) -> None:
    web = lab.web()
    order = make.order({"uuid": web["uuid"], "display_name": web["display_name"]})
    assert error_of(lab.build(order)[0]) == ("failed", "InstanceNotFound", False)


def test_a_server_that_cannot_be_looked_up_is_that_servers_failure(lab: Lab) -> None:
    lab.claim(lab.web(1), lab.web(2))
    lab.hypervisor.fail("find", ZeroDivisionError("bug"))
    lab.hypervisor.fail("find", ZeroDivisionError("bug"))
    assert lab.build(lab.web(1))[0]["outcome"] == "unknown"
    assert lab.build(lab.web(2))[0]["outcome"] == "built"


def test_a_claim_of_another_run_is_not_built(lab: Lab) -> None:
    lab.claim(lab.web(), builder=lab.builder(make.run(id="run-2")))
    assert error_of(lab.build(lab.web())[0]) == ("unknown", "InstanceIsBuilding", False)
    assert "start_paused" not in lab.hypervisor.calls
    assert lab.hypervisor.record(lab.web()["uuid"])["vm_state"] == "building"


@pytest.mark.parametrize("call", ["networks", "start_paused", "live_interfaces", "set_record", "resume", "power_state"])
def test_a_call_that_is_never_answered_leaves_all_as_it_is_and_nothing_more_is_sent(lab: Lab, call: str) -> None:
    lab.claim(lab.web(1), lab.web(2))
    lab.hypervisor.hang(call)
    outcomes = lab.build(lab.web(1), lab.web(2))
    assert [error_of(item) for item in outcomes] == [("unknown", "LibvirtError", False)] * 2
    assert lab.hypervisor.calls[-1] == call
    # The next run, of a libvirt that answers again.
    journals = {path.name for path in (lab.state / "journal").glob("*")}
    made = {uuid for uuid in lab.hypervisor.xml if (lab.instances / uuid).exists() and not lab.hypervisor.record(uuid)["started"]}
    assert journals == made or call == "networks"
    lab.hypervisor.lost, lab.hypervisor._hanging = None, None
    assert [item["error"] for item in lab.build(lab.web(1), lab.web(2))] == [None, None]
    assert len(lab.hypervisor.xml) == 2


def test_a_server_that_another_process_works_on_is_left_alone(lab: Lab) -> None:
    lab.claim(lab.web())
    with locks.instance_lock(str(lab.state), lab.web()["uuid"]):
        assert error_of(lab.build(lab.web())[0]) == ("unknown", "InstanceIsLocked", False)
    assert list(lab.hypervisor.xml) == [lab.web()["uuid"]]


@pytest.mark.parametrize("error", [ServerError("ProcessExecutionError", "qemu-img: no", reschedule=True), OSError(28, "No space left on device")])
def test_a_failed_disk_undoes_all_of_this_server_and_nothing_else(lab: Lab, error: Exception) -> None:
    lab.there(lab.web(1))
    before = lab.left()
    lab.claim(lab.web(2))
    lab.disk.errors = [error]
    outcome, _error_class, elsewhere = error_of(lab.build(lab.web(2))[0])
    assert (outcome, elsewhere) == ("failed", True)
    assert lab.left() == before
    assert lab.files(lab.web(1)) == {"disk", "config_drive.json"}


@pytest.mark.parametrize("call", BEFORE_IT_RUNS)
def test_what_libvirt_refuses_before_the_guest_runs_is_undone_and_may_be_tried_elsewhere(lab: Lab, call: str) -> None:
    lab.claim(lab.web())
    lab.hypervisor.fail(call)
    assert error_of(lab.build(lab.web())[0]) == ("failed", "LibvirtError", True)
    assert lab.left() == []


@pytest.mark.parametrize("call", BEFORE_IT_RUNS)
def test_if_libvirt_went_away_the_outcome_is_unknown_and_nothing_is_undone(lab: Lab, call: str) -> None:
    web = lab.web()
    lab.claim(web)
    lab.hypervisor.fail(call, LOST)
    assert error_of(lab.build(web)[0]) == ("unknown", "LibvirtError", False)
    assert list(lab.hypervisor.xml) == [web["uuid"]]
    assert "disk" in lab.files(web)
    # A run that sees the host again finishes it.
    assert lab.build(web)[0]["outcome"] == "built"


def test_a_port_that_is_not_plugged_fails_the_build_before_the_guest_runs(lab: Lab) -> None:
    lab.claim(lab.web())
    lab.links.there = False
    assert error_of(lab.build(lab.web())[0]) == ("failed", "VirtualInterfacePlugException", True)
    assert "resume" not in lab.hypervisor.calls
    assert lab.left() == []


@pytest.mark.parametrize("call", ["destroy", "undefine", "find"])
def test_an_undo_that_is_not_proven_is_unknown(lab: Lab, call: str) -> None:
    web = lab.web()
    lab.claim(web)
    lab.disk.errors = [ServerError("ProcessExecutionError", "mkfs: no", reschedule=True)]
    builder = lab.builder()
    run = builder.undo

    def undo(uuid: str) -> None:
        lab.hypervisor.fail(call)
        run(uuid)

    builder.undo = undo
    outcome = lab.build(web, builder=builder)[0]
    assert error_of(outcome)[0] == "unknown"
    assert "mkfs: no; what was made could not be removed" in str(outcome["error"])
    assert web["uuid"] in lab.hypervisor.xml


def test_an_undefine_that_changes_nothing_is_no_undo(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    lab.disk.errors = [ServerError("ProcessExecutionError", "mkfs: no")]
    lab.hypervisor.undefine = lambda _uuid: None
    outcome = lab.build(web)[0]
    assert error_of(outcome)[0] == "unknown"
    assert "the domain is still there" in str(outcome["error"])


@pytest.mark.parametrize(("call", "after", "state"), [("resume", 0, "paused"), ("power_state", 0, "running"), ("set_record", 1, "running")])
@pytest.mark.parametrize("error", [HypervisorError("refused"), LOST], ids=["refused", "lost"])
def test_once_the_record_says_started_nothing_is_undone(lab: Lab, call: str, after: int, state: str, error: Exception) -> None:
    web = lab.web()
    lab.claim(web)
    lab.hypervisor.fail(call, error, after=after)
    assert error_of(lab.build(web)[0])[0] == "unknown"
    assert lab.hypervisor.states[web["uuid"]] == state
    assert "disk" in lab.files(web)
    assert "undefine" not in lab.hypervisor.calls


def test_a_guest_that_crashes_at_once_is_reported_and_kept(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    lab.hypervisor.after_resume = "crashed"
    assert error_of(lab.build(web)[0])[:2] == ("unknown", "InstancePowerOnFailure")
    assert "disk" in lab.files(web)


def test_a_guest_that_a_dead_run_started_is_adopted_as_it_runs(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    lab.hypervisor.lose("resume")
    lab.build(web)
    (lab.folder(web) / "disk").write_text("written by the guest")
    lab.hypervisor.calls.clear()
    assert lab.build(web)[0]["outcome"] == "built"
    assert not {"destroy", "start_paused", "define"} & set(lab.hypervisor.calls)
    assert (lab.folder(web) / "disk").read_text() == "written by the guest"
    assert lab.hypervisor.record(web["uuid"])["vm_state"] == "active"


def test_an_adopted_guest_whose_port_is_not_plugged_is_not_undone(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    lab.hypervisor.lose("resume")
    lab.build(web)
    lab.links.there = False
    assert error_of(lab.build(web)[0])[:2] == ("unknown", "VirtualInterfacePlugException")
    assert lab.hypervisor.states[web["uuid"]] == "running"


def test_what_a_dead_run_left_unfinished_is_removed_and_made_anew(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    lab.hypervisor.lose("start_paused")
    lab.build(web)
    assert lab.hypervisor.states[web["uuid"]] == "paused"
    (lab.folder(web) / "disk").write_text("half made")
    assert lab.build(web)[0]["outcome"] == "built"
    assert (lab.folder(web) / "disk").read_text() == "new"


def test_a_foreign_file_in_the_servers_folder_survives_an_undo(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    lab.hypervisor.lose("start_paused")
    lab.build(web)
    (lab.folder(web) / "notes").write_text("mine")
    lab.hypervisor.fail("start_paused")
    assert error_of(lab.build(web)[0])[0] == "failed"
    assert lab.files(web) == {"notes"}


def test_what_nobody_expected_in_a_build_is_unknown_and_its_neighbours_are_built(lab: Lab) -> None:
    odd = lab.web(1, image=None, disks=[make.disk(kind="plain", role="root", file="disk", device_name="vda")])
    lab.claim(odd, lab.web(2))
    lab.hypervisor.fail("live_interfaces", ZeroDivisionError("bug"))
    outcomes = [*lab.build(odd), *lab.build(lab.web(2))]
    assert [item["outcome"] for item in outcomes] == ["unknown", "built"]
    assert "ZeroDivisionError: bug" in str(outcomes[0]["error"])
    assert list(lab.hypervisor.xml) == [odd["uuid"], lab.web(2)["uuid"]]


def test_one_bad_server_among_good_ones_fails_alone(lab: Lab) -> None:
    bad = lab.web(1, ports=[make.port(binding=make.libvirt_network("nowhere"), mac_address="fa:16:3e:00:00:77", fixed_ips=[])])
    lab.claim(lab.web(0), bad, lab.web(2))
    outcomes = lab.build(lab.web(0), bad, lab.web(2))
    assert [item["outcome"] for item in outcomes] == ["built", "failed", "built"]
    assert error_of(outcomes[1])[1] == "PortBindingFailed"
    good = [lab.web(0), lab.web(2)]
    filters = [port_filter_name(port["id"]) for server in good for port in server["ports"]]
    locks = [str(path) for path in (lab.state / "locks").glob("0000000[02]*")]
    assert lab.left() == sorted([server["uuid"] for server in good] * 2 + filters + locks)


def test_an_inactive_network_is_started_once_for_all_servers(lab: Lab) -> None:
    lab.hypervisor.nets["default"]["active"] = False
    lab.claim(*(lab.web(number) for number in range(4)))
    assert [item["outcome"] for item in lab.build(*(lab.web(number) for number in range(4)))] == ["built"] * 4
    assert lab.hypervisor.calls.count("start_network") == 1


def test_check_mode_names_the_network_that_it_would_start_and_changes_nothing(lab: Lab) -> None:
    lab.hypervisor.nets["default"]["active"] = False
    builder = lab.builder(check_mode=True)
    (outcome,) = lab.build(lab.web(), builder=builder)
    assert (outcome["outcome"], outcome["changed"]) == ("built", True)
    assert [(diff["before_header"], diff["before"]) for diff in builder.diffs] == [("default", "inactive\n")]
    assert not {"start_network", "define", "start_paused"} & set(lab.hypervisor.calls)
    assert lab.left() == []


def test_an_image_that_could_not_be_fetched_fails_its_servers_for_good(lab: Lab) -> None:
    web = lab.web(disks=[make.root_disk()])
    lab.claim(web)
    image: ImageResult = {
        "id": "i",
        "name": "debian",
        "digest": None,
        "path": None,
        "disk_format": "qcow2",
        "size": None,
        "virtual_size": None,
        "changed": False,
        "bytes_fetched": 0,
        "needs_staging": False,
        "seconds": 0.0,
        "error": {"error_class": "ImageChecksumMismatch", "message": "its sha256 is 1, wanted 2", "reschedule": False},
    }
    assert error_of(lab.build(web, builder=lab.builder(images={"i": image}))[0]) == ("failed", "ImageChecksumMismatch", False)
    lab.claim(web)
    assert error_of(lab.build(web)[0]) == ("failed", "ImageNotFound", True)
    assert lab.left() == []


def test_the_host_counts_builds_that_fail_until_one_succeeds(lab: Lab) -> None:
    lab.claim(lab.web(1), lab.web(2))
    lab.hypervisor.fail("start_paused")
    lab.build(lab.web(1))
    assert build_failures.read(str(lab.state)) == 1
    lab.build(lab.web(2))
    assert build_failures.read(str(lab.state)) == 0


def test_a_counter_that_cannot_be_written_is_a_warning_and_the_server_stays_built(lab: Lab) -> None:
    lab.claim(lab.web())
    (pathlib.Path(lab.state) / "failed_builds").mkdir()
    batch = Batch(lab.builder())
    (outcome,) = lab.build(lab.web(), batch=batch)
    assert outcome["outcome"] == "built"
    assert len(batch.warnings) == 1
    assert "failed builds" in batch.warnings[0]


def test_a_wait_that_times_out_leaves_the_server_and_shows_its_console(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    lab.hypervisor.lose("resume")
    lab.build(web)
    (lab.folder(web) / "console.log").write_text("booting\r\n\x1b[1mno network\x1b[0m\n")
    (outcome,) = lab.build(web, wait_for="cloud_init")
    assert error_of(outcome) == ("failed", "WaitTimeout", False)
    assert (outcome["stage"], outcome["console"]) == ("wait", ["booting", "no network"])
    assert lab.hypervisor.states[web["uuid"]] == "running"


@pytest.mark.parametrize(("greeting", "expected"), [(b"SSH-2.0-guest\r\n", None), (b"", ("failed", "WaitTimeout", False))])
def test_ssh_may_be_asked_from_the_host(lab: Lab, monkeypatch: pytest.MonkeyPatch, greeting: bytes, expected: object) -> None:
    web = lab.web()
    web["ports"][0]["fixed_ips"] = [make.fixed_ip(ip_address="127.0.0.1")]
    lab.claim(web)

    def greet(guest: socket.socket) -> None:
        connection, _address = guest.accept()
        connection.sendall(greeting)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as guest:
        monkeypatch.setattr(ways_in, "SSH_PORT", guest.getsockname()[1])
        threading.Thread(target=greet, args=(guest,), daemon=True).start()
        (outcome,) = lab.build(web, wait_for="ssh")
    assert (error_of(outcome) if outcome["error"] else None) == expected
    assert "wait" in outcome["seconds"]


def test_every_transition_says_where_it_leads_and_its_steps_have_names() -> None:
    assert {name: (item.starts_from, item.ends_in) for name, item in TRANSITIONS.items()} == {
        "claim": ((), "building"),
        "take_over": (("building",), "building"),
        "renew": (("building",), "building"),
        "build": (("building",), "active"),
        "start": (("active",), "active"),
        "keep": (("active",), "active"),
        "release": (("building",), None),
        "delete": (("building", "active"), None),
    }
    steps = [step for item in TRANSITIONS.values() for step in (*item.steps, *item.lasting)]
    assert all(step.__name__.isidentifier() and step.__doc__ for step in steps)


def test_a_journal_that_cannot_be_read_while_a_build_is_undone_is_said_and_no_traceback(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    web = lab.web()
    lab.claim(web)

    def unreadable(_journal: Journal) -> t.NoReturn:
        raise OSError(errno.EIO, "Input/output error")

    def dying() -> t.NoReturn:
        monkeypatch.setattr(Journal, "entries", unreadable)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(lab.disk, "write", lambda *_arguments: dying())
    (outcome,) = lab.build(web)
    assert outcome["outcome"] == "unknown"
    assert "exception" not in (outcome["error"] or {})
    assert "can't be read" in str(outcome["error"])


def test_a_port_s_limit_that_the_host_can_not_keep_is_found_before_anything_is_made(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "obstacle", lambda: "the host has no tc")
    limited = lab.web(ports=[make.port(binding=make.libvirt_network(), bandwidth={"inbound": None, "outbound": {"average": 1, "peak": None, "burst": None}})])
    lab.claim(limited)
    (outcome,) = lab.build(limited)
    assert error_of(outcome) == ("failed", "PortBindingFailed", True) and outcome["error"]["message"].endswith("on network lan: the host has no tc")
    assert lab.left() == [] and "start_paused" not in lab.hypervisor.calls
