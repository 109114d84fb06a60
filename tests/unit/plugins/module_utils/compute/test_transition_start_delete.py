"""Start, keep and delete: what a guest has written is never made anew, and nothing of a foreigner's is touched."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import bridges
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Order
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

FOREIGN = "ffffffff-bbbb-4ccc-8ddd-eeeeeeeeeeee"


def start(lab: Lab) -> Order:
    return make.order(lab.web(), action="start")


def off(lab: Lab) -> None:
    """A server that was built, has written, and is off."""
    lab.there(lab.web())
    (lab.folder(lab.web()) / "disk").write_text("written by the guest")
    lab.hypervisor.states[lab.web()["uuid"]] = "shutdown"


def test_a_server_that_is_off_runs_again_on_the_disks_that_it_has(lab: Lab) -> None:
    off(lab)
    (outcome,) = lab.build(start(lab))
    assert (outcome["outcome"], outcome["power_state"], outcome["changed"], outcome["drift"]) == ("started", "running", True, [])
    assert (lab.folder(lab.web()) / "disk").read_text() == "written by the guest"
    assert lab.hypervisor.record(lab.web()["uuid"])["vm_state"] == "active"


def test_the_power_state_is_what_libvirt_said_and_no_call_is_made_for_it(lab: Lab) -> None:
    off(lab)
    (planned,) = lab.build(start(lab), builder=lab.builder(check_mode=True))
    assert (planned["outcome"], planned["power_state"]) == ("started", "shutdown")
    lab.hypervisor.states[lab.web()["uuid"]] = "blocked"
    (kept,) = lab.build(start(lab))
    assert (kept["outcome"], kept["power_state"]) == ("unchanged", "blocked")
    lab.hypervisor.states[lab.web()["uuid"]] = "shutdown"
    lab.hypervisor.calls.clear()
    (started,) = lab.build(start(lab))
    assert (started["power_state"], lab.hypervisor.calls.count("power_state")) == ("running", 1)


def test_a_server_that_runs_by_now_is_unchanged_whatever_was_seen_before(lab: Lab) -> None:
    lab.there(lab.web())
    (outcome,) = lab.build(start(lab))
    assert (outcome["outcome"], outcome["changed"]) == ("unchanged", False)
    assert not {"destroy", "define", "start_paused"} & set(lab.hypervisor.calls)


def test_a_new_server_needs_a_bridge_for_its_packets_and_one_that_is_there_starts_as_before(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    web = lab.web(ports=[make.port(binding=make.libvirt_network(), mtu=1500)])
    lab.hypervisor.nets["default"]["bridge"] = "virbr0"
    lab.there(web)
    lab.hypervisor.states[web["uuid"]] = "shutdown"
    monkeypatch.setattr(bridges, "bridges", lambda: [{"name": "virbr0", "up": True, "mtu": 1400}])
    (started,) = lab.build(make.order(web, action="start"))
    assert started["outcome"] == "started"
    assert started["warnings"][0].endswith("bridge virbr0 carries packets of up to 1400 bytes, and the network's MTU is 1500")
    other = make.numbered(1, disks=web["disks"], ports=[make.port(binding=make.libvirt_network(), mtu=1500, mac_address="fa:16:3e:00:00:09", fixed_ips=[])])
    lab.claim(other)
    (outcome,) = lab.build(other)
    assert outcome["error"] is not None
    assert (outcome["outcome"], outcome["error"]["error_class"], outcome["error"]["reschedule"]) == ("failed", "PortBindingFailed", True)
    assert outcome["error"]["message"].endswith("bridge virbr0 carries packets of up to 1400 bytes, and the network's MTU is 1500")


def test_a_start_starts_the_network_that_its_port_needs(lab: Lab) -> None:
    off(lab)
    lab.hypervisor.nets["default"]["active"] = False
    assert lab.build(start(lab))[0]["outcome"] == "started"
    assert lab.hypervisor.nets["default"]["active"]


@pytest.mark.parametrize("call", ["start_paused", "live_interfaces", "resume"])
def test_a_start_that_fails_leaves_the_server_off_with_its_disks_and_on_this_host(lab: Lab, call: str) -> None:
    off(lab)
    lab.hypervisor.fail(call)
    (outcome,) = lab.build(start(lab))
    assert outcome["outcome"] == "failed"
    assert outcome["error"] is not None
    assert outcome["error"]["reschedule"] is False
    assert lab.hypervisor.states[lab.web()["uuid"]] == "shutdown"
    assert (lab.folder(lab.web()) / "disk").read_text() == "written by the guest"


def test_a_start_whose_answer_is_lost_is_unknown_and_the_guest_is_not_stopped(lab: Lab) -> None:
    off(lab)
    lab.hypervisor.lose("resume")
    (outcome,) = lab.build(start(lab))
    assert outcome["outcome"] == "unknown"
    assert lab.hypervisor.states[lab.web()["uuid"]] == "running"


def test_a_server_that_is_being_built_is_not_started(lab: Lab) -> None:
    lab.claim(lab.web())
    (outcome,) = lab.build(start(lab))
    assert (outcome["error"] or {}).get("error_class") == "InstanceInvalidState"
    assert "start_paused" not in lab.hypervisor.calls


def test_check_mode_starts_nothing(lab: Lab) -> None:
    off(lab)
    (outcome,) = lab.build(start(lab), builder=lab.builder(check_mode=True))
    assert (outcome["outcome"], outcome["changed"]) == ("started", True)
    assert lab.hypervisor.states[lab.web()["uuid"]] == "shutdown"


def test_secrets_that_differ_are_drift_and_their_values_are_hidden(lab: Lab) -> None:
    web = lab.web()
    lab.there(web)
    asked = lab.builder(secrets={web["uuid"]: {"user_data": "bmV3", "admin_pass": "geheim"}})
    (outcome,) = lab.build(make.order(web, action="none"), builder=asked)
    assert (outcome["outcome"], outcome["changed"]) == ("unchanged", False)
    assert [drift["path"] for drift in outcome["drift"]] == ["user_data", "adminPass"]
    assert "geheim" not in str(outcome)
    assert lab.build(make.order(web, action="none"))[0]["drift"] == []


def test_delete_removes_all_of_ours_and_nothing_foreign(lab: Lab) -> None:
    web = lab.web()
    lab.there(web)
    (lab.folder(web) / "console.log").write_text("")
    (lab.folder(web) / "notes").write_text("mine")
    lab.hypervisor.add(make.domain_xml())
    (outcome,) = lab.delete(web["uuid"])
    assert (outcome["outcome"], outcome["changed"]) == ("deleted", True)
    assert outcome["foreign_files"] == [str(lab.folder(web) / "notes")]
    assert list(lab.hypervisor.xml) == [FOREIGN]
    assert lab.files(web) == {"notes"}


def test_delete_leaves_nothing_and_once_more_changes_nothing(lab: Lab) -> None:
    lab.there(lab.web())
    assert lab.delete(lab.web()["uuid"])[0]["outcome"] == "deleted"
    assert lab.left() == []
    (again,) = lab.delete(lab.web()["uuid"])
    assert (again["outcome"], again["changed"]) == ("unchanged", False)


def test_delete_removes_what_a_reset_of_the_host_has_left_on_a_switch(lab: Lab) -> None:
    web = lab.web(ports=[make.port(binding=make.openvswitch(), device="tap0"), make.port(binding=make.macvtap(), device="tap1")])
    assert [outcome["error"] for outcome in lab.claim(web)] == [None]
    lab.left_on_switches = {(device, uuid) for device in ("tap0", "tap1") for uuid in (web["uuid"], FOREIGN)}
    lab.delete(web["uuid"])
    assert lab.left_on_switches == {("tap0", FOREIGN), ("tap1", web["uuid"]), ("tap1", FOREIGN)}


@pytest.mark.parametrize("remove", ["delete", "release"])
def test_a_switch_that_does_not_answer_keeps_nobody_from_removing_a_server(lab: Lab, remove: str) -> None:
    assert [outcome["error"] for outcome in lab.claim(lab.web())] == [None]
    builder, asked = lab.builder(), []

    def refuse(device: str, uuid: str) -> None:
        asked.append((device, uuid))
        raise ServerError("ProcessExecutionError", "ovs-vsctl: database connection failed")

    builder.remove_switch_port = refuse
    calls = {"delete": lab.delete, "release": lab.release}
    (outcome,) = calls[remove](lab.web()["uuid"], builder=builder)
    assert outcome["error"] is None and asked == [("tap0", lab.web()["uuid"])] and lab.left() == []


def test_a_foreign_domain_is_not_deleted(lab: Lab) -> None:
    lab.hypervisor.add(make.domain_xml())
    (outcome,) = lab.delete(FOREIGN)
    assert outcome["outcome"] == "failed"
    assert (outcome["error"] or {}).get("error_class") == "InstanceNotFound"
    assert list(lab.hypervisor.xml) == [FOREIGN]


def test_a_claim_that_was_never_built_is_deleted_with_what_its_journal_names(lab: Lab) -> None:
    lab.claim(lab.web())
    lab.hypervisor.fail("start_paused", HypervisorError("libvirt went away", lost=True))
    lab.build(lab.web())
    assert lab.delete(lab.web()["uuid"])[0]["outcome"] == "deleted"
    assert lab.left() == []


def test_a_journal_without_a_domain_is_cleared(lab: Lab) -> None:
    lab.claim(lab.web())
    lab.hypervisor.fail("start_paused", HypervisorError("libvirt went away", lost=True))
    lab.build(lab.web())
    lab.hypervisor.xml.clear()
    lab.hypervisor.network_filters.clear()
    (outcome,) = lab.delete(lab.web()["uuid"])
    assert (outcome["outcome"], outcome["changed"]) == ("deleted", True)
    assert lab.left() == []


def test_a_delete_that_is_cut_off_leaves_the_definition_and_is_finished_by_the_next(lab: Lab) -> None:
    lab.there(lab.web())
    lab.hypervisor.fail("undefine")
    (cut,) = lab.delete(lab.web()["uuid"])
    assert (cut["outcome"], (cut["error"] or {}).get("message")) == ("failed", "delete: undefine refused")
    assert list(lab.hypervisor.xml) == [lab.web()["uuid"]]
    assert lab.delete(lab.web()["uuid"])[0]["outcome"] == "deleted"
    assert lab.left() == []


def test_the_definition_goes_last_so_that_a_server_with_a_disk_left_is_still_found(lab: Lab) -> None:
    lab.there(lab.web())
    lab.disk.errors = [OSError(5, "Input/output error")]
    (outcome,) = lab.delete(lab.web()["uuid"])
    assert (outcome["outcome"], (outcome["error"] or {}).get("error_class")) == ("failed", "OSError")
    assert list(lab.hypervisor.xml) == [lab.web()["uuid"]]
    lab.disk.errors = []
    assert lab.delete(lab.web()["uuid"])[0]["outcome"] == "deleted"
    assert lab.left() == []


def test_a_server_that_another_process_works_on_is_not_deleted(lab: Lab) -> None:
    lab.there(lab.web())
    with locks.instance_lock(str(lab.state), lab.web()["uuid"]):
        (outcome,) = lab.delete(lab.web()["uuid"])
    assert (outcome["outcome"], (outcome["error"] or {}).get("error_class")) == ("failed", "InstanceIsLocked")
    assert "disk" in lab.files(lab.web())


def test_check_mode_deletes_nothing(lab: Lab) -> None:
    lab.there(lab.web())
    before = lab.left()
    (outcome,) = lab.delete(lab.web()["uuid"], builder=lab.builder(check_mode=True))
    assert (outcome["outcome"], outcome["changed"]) == ("deleted", True)
    assert lab.left() == before


def test_one_server_that_cannot_be_deleted_does_not_keep_the_others(lab: Lab) -> None:
    lab.there(lab.web(1))
    lab.there(lab.web(2))
    lab.hypervisor.fail("undefine", ZeroDivisionError("bug"))
    outcomes = [*lab.delete(lab.web(1)["uuid"]), *lab.delete(lab.web(2)["uuid"])]
    assert [item["outcome"] for item in outcomes] == ["unknown", "deleted"]


def test_the_overlay_that_a_snapshot_has_put_over_a_disk_goes_with_its_server_and_one_elsewhere_stays(lab: Lab, tmp_path: pathlib.Path) -> None:
    for number, folder in ((1, lab.folder(lab.web(1))), (2, tmp_path)):
        lab.there(lab.web(number))
        uuid = lab.web(number)["uuid"]
        (folder / "overlay").write_text("since the snapshot")
        old = str(lab.folder(lab.web(number)) / "disk")
        lab.hypervisor.xml[uuid] = lab.hypervisor.xml[uuid].replace(f'file="{old}"', f'file="{folder / "overlay"}"')
        assert lab.delete(uuid)[0]["outcome"] == "deleted"
    assert lab.left() == []
    assert (tmp_path / "overlay").exists()


def test_a_delete_between_claim_and_build_stops_the_build(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    lab.delete(web["uuid"])
    (outcome,) = lab.build(make.order({"uuid": web["uuid"], "display_name": web["display_name"]}))
    error = outcome["error"]
    assert error is not None
    assert (outcome["outcome"], error["error_class"], error["reschedule"]) == ("failed", "InstanceNotFound", False)
    assert lab.left() == []


def test_a_server_that_is_kept_has_the_power_state_that_it_has(lab: Lab) -> None:
    web = lab.web()
    lab.there(web)
    lab.hypervisor.states[web["uuid"]] = "paused"
    (outcome,) = lab.build(make.order(web, action="none"))
    assert (outcome["outcome"], outcome["power_state"]) == ("unchanged", "paused")


def test_a_server_that_was_deleted_meanwhile_is_not_said_to_be_unchanged(lab: Lab) -> None:
    (outcome,) = lab.build(make.order(lab.web(), action="none"))
    assert (outcome["outcome"], (outcome["error"] or {}).get("error_class")) == ("failed", "InstanceNotFound")


def test_a_start_that_is_killed_before_the_guest_runs_is_told_from_a_pause_and_made_whole_by_the_next(lab: Lab) -> None:
    off(lab)
    lab.hypervisor.fail("live_interfaces", KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        lab.build(start(lab))
    uuid = lab.web()["uuid"]
    assert (lab.hypervisor.states[uuid], lab.hypervisor.record(uuid)["run"]) == ("paused", make.run())
    assert lab.build(start(lab))[0]["outcome"] == "started"
    assert (lab.hypervisor.states[uuid], lab.hypervisor.record(uuid)["run"]) == ("running", None)
