"""A guest that has run: no path of a build undoes it, none makes its disks anew, and it is started as it was left."""

from __future__ import annotations

import pathlib
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance, Outcome
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

LOST = HypervisorError("libvirt went away", lost=True)


def ran(lab: Lab, power_state: str) -> pathlib.Path:
    """A server whose build was cut off once its guest ran, in this power state by now; its disk."""
    web = lab.web()
    lab.claim(web)
    lab.hypervisor.lose("resume")
    assert lab.build(web)[0]["outcome"] == "unknown"
    return written(lab, web, power_state)


def off(lab: Lab, power_state: str = "shutdown") -> pathlib.Path:
    """A server that was built, has written, and is off; its disk."""
    lab.there(lab.web())
    return written(lab, lab.web(), power_state)


def written(lab: Lab, server: Instance, power_state: str) -> pathlib.Path:
    disk = lab.folder(server) / "disk"
    disk.write_text("written by the guest")
    lab.hypervisor.states[server["uuid"]] = power_state
    lab.hypervisor.calls.clear()
    return disk


def start(lab: Lab, **changes: object) -> Outcome:
    (outcome,) = lab.build(make.order(lab.web(), action="start"), builder=lab.builder(**changes))
    return outcome


def error_of(outcome: Outcome) -> tuple[str, str]:
    assert outcome["error"] is not None
    return outcome["outcome"], outcome["error"]["error_class"]


def test_the_record_says_started_before_the_guest_is_let_run(lab: Lab) -> None:
    lab.claim(lab.web())
    assert lab.hypervisor.record(lab.web()["uuid"])["started"] is False
    lab.hypervisor.fail("resume", LOST)
    lab.build(lab.web())
    record = lab.hypervisor.record(lab.web()["uuid"])
    assert (record["vm_state"], record["started"]) == ("building", True)


@pytest.mark.parametrize("power_state", ["shutdown", "paused", "running", "crashed"])
def test_a_build_that_was_cut_off_is_finished_on_the_disks_that_the_guest_has_written(lab: Lab, power_state: str) -> None:
    disk = ran(lab, power_state)
    assert lab.build(lab.web())[0]["outcome"] == "built"
    assert disk.read_text() == "written by the guest"
    assert lab.hypervisor.states[lab.web()["uuid"]] == "running"
    record = lab.hypervisor.record(lab.web()["uuid"])
    assert (record["vm_state"], record["started"]) == ("active", True)
    assert not list((lab.state / "journal").glob("*"))


def test_a_guest_that_is_adopted_keeps_the_secrets_that_it_was_given(lab: Lab) -> None:
    ran(lab, "running")
    asked = lab.builder(secrets={lab.web()["uuid"]: {"user_data": "bmV3", "admin_pass": "new"}})
    assert lab.build(lab.web(), builder=asked)[0]["outcome"] == "built"
    assert lab.hypervisor.record(lab.web()["uuid"])["secrets"] == {"user_data": None, "admin_pass": None}


@pytest.mark.parametrize("power_state", ["shutdown", "paused", "running"])
@pytest.mark.parametrize("call", ["live_interfaces", "start_paused", "resume", "power_state", "set_record"])
def test_whatever_fails_then_nothing_is_stopped_undefined_or_removed(lab: Lab, power_state: str, call: str) -> None:
    disk = ran(lab, power_state)
    lab.hypervisor.fail(call)
    (outcome,) = lab.build(lab.web())
    assert outcome["outcome"] in ("unknown", "built")
    assert disk.read_text() == "written by the guest"
    assert not {"destroy", "undefine"} & set(lab.hypervisor.calls)


def test_an_undo_asks_the_record_itself(lab: Lab) -> None:
    disk = ran(lab, "shutdown")
    with pytest.raises(ServerError, match="may have run") as caught:
        lab.builder().undo(lab.web()["uuid"])
    assert caught.value.unknown
    assert disk.exists()


def test_a_record_that_was_written_though_libvirt_refused_is_not_undone(lab: Lab) -> None:
    lab.claim(lab.web())
    lab.hypervisor.lose("set_record", HypervisorError("the answer was an error"))
    assert error_of(lab.build(lab.web())[0])[0] == "unknown"
    assert "disk" in lab.files(lab.web())
    assert "undefine" not in lab.hypervisor.calls


def test_a_guest_that_someone_let_run_by_hand_is_not_undone(lab: Lab) -> None:
    lab.claim(lab.web())
    lab.hypervisor.lose("start_paused")
    lab.build(lab.web())
    disk = written(lab, lab.web(), "running")
    lab.links.there = False
    assert error_of(lab.build(lab.web())[0]) == ("unknown", "VirtualInterfacePlugException")
    lab.hypervisor.states[lab.web()["uuid"]] = "shutdown"
    lab.links.there = True
    assert lab.build(lab.web())[0]["outcome"] == "built"
    assert disk.read_text() == "written by the guest"


def test_a_take_over_by_force_from_a_live_builder_counts_the_guest_as_started(lab: Lab) -> None:
    lab.claim(lab.web())
    with locks.instance_lock(str(lab.state), lab.web()["uuid"]):
        lab.claim(make.order(lab.web(), action="finish"), builder=lab.builder(make.run(id="run-2"), force=True))
    assert lab.hypervisor.record(lab.web()["uuid"])["started"] is True


def test_a_take_over_by_force_of_a_claim_that_nobody_works_on_is_built_anew(lab: Lab) -> None:
    lab.claim(lab.web(), builder=lab.builder(make.run(id="run-2")))
    order = make.order(lab.web(), action="finish")
    assert lab.claim(order, builder=lab.builder(force=True))[0]["outcome"] == "claimed"
    assert lab.build(order)[0]["outcome"] == "built"


@pytest.mark.parametrize("role", ["root", "ephemeral"])
def test_a_disk_that_is_gone_is_not_made_anew(lab: Lab, role: str) -> None:
    web = lab.web(disks=[make.disk(kind="plain", role=role, file="disk", device_name="vda")])
    lab.there(web)
    disk = written(lab, web, "shutdown")
    disk.unlink()
    outcome = start(lab)
    assert error_of(outcome) == ("failed", "DiskNotFound")
    message = (outcome["error"] or {}).get("message")
    assert str(disk) in str(message)
    assert web["uuid"] in str(message)
    assert not disk.exists()
    assert "start_paused" not in lab.hypervisor.calls


def test_check_mode_says_that_a_disk_is_gone(lab: Lab) -> None:
    off(lab).unlink()
    assert error_of(start(lab, check_mode=True)) == ("failed", "DiskNotFound")


def test_a_build_that_was_cut_off_makes_no_disk_anew_either(lab: Lab) -> None:
    disk = ran(lab, "shutdown")
    disk.unlink()
    assert error_of(lab.build(lab.web())[0]) == ("unknown", "DiskNotFound")
    assert not disk.exists()


def test_only_the_server_that_is_named_starts_with_a_blank_disk(lab: Lab) -> None:
    off(lab).unlink()
    assert error_of(start(lab, blank=("another",))) == ("failed", "DiskNotFound")
    assert start(lab, blank=(lab.web()["uuid"],))["outcome"] == "started"
    assert (lab.folder(lab.web()) / "disk").read_text() == "new"


@pytest.mark.parametrize("role", ["swap", "config"])
def test_what_holds_nothing_of_the_guests_is_made_again(lab: Lab, role: str) -> None:
    root = make.disk(kind="plain", role="root", file="disk", device_name="vda")
    web = lab.web(disks=[root, make.disk(kind="plain", role=role, file="other", device_name="vdb")])
    lab.there(web)
    disk = written(lab, web, "shutdown")
    (lab.folder(web) / "other").unlink()
    assert start(lab)["outcome"] == "started"
    assert (lab.folder(web) / "other").read_text() == "new"
    assert disk.read_text() == "written by the guest"


def test_a_disk_that_cannot_be_read_is_not_missing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = off(lab)

    def exists(_path: str) -> bool:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(lab.disk, "exists", exists)
    assert error_of(start(lab, blank=(lab.web()["uuid"],))) == ("failed", "OSError")
    assert disk.read_text() == "written by the guest"


def test_a_changed_instances_path_moves_no_server(lab: Lab, tmp_path: pathlib.Path) -> None:
    disk = off(lab)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert start(lab, instances_path=str(elsewhere))["outcome"] == "started"
    assert disk.read_text() == "written by the guest"
    lab.delete(lab.web()["uuid"], builder=lab.builder(instances_path=str(elsewhere)))
    assert not disk.exists()
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("folder", ["/", "/etc", "relative/{uuid}"])
def test_a_record_that_names_a_folder_of_others_deletes_nothing(lab: Lab, folder: str) -> None:
    disk = off(lab)
    uuid = lab.web()["uuid"]
    lab.hypervisor.set_record(uuid, {**lab.hypervisor.record(uuid), "folder": folder.format(uuid=uuid)})
    assert error_of(lab.delete(uuid)[0]) == ("failed", "InvalidRecord")
    assert disk.exists()


def test_a_start_keeps_the_definition_with_its_snapshots_and_attached_devices(lab: Lab) -> None:
    disk = off(lab)
    uuid = lab.web()["uuid"]
    root = ET.fromstring(lab.hypervisor.xml[uuid])
    source = root.find("devices/disk/source")
    assert source is not None
    overlay = lab.folder(lab.web()) / "disk.snap"
    overlay.write_text("since the snapshot")
    source.set("file", str(overlay))
    attached = ET.SubElement(ET.SubElement(root, "devices"), "disk", {"type": "file", "device": "disk"})
    ET.SubElement(attached, "target", {"dev": "vdz"})
    lab.hypervisor.xml[uuid] = ET.tostring(root, encoding="unicode")
    before = lab.hypervisor.xml[uuid]
    assert start(lab)["outcome"] == "started"
    assert lab.hypervisor.xml[uuid] == before
    lab.hypervisor.states[uuid] = "shutdown"
    overlay.unlink()
    # The base is there, but the guest has written to the overlay since.
    assert error_of(start(lab, blank=(uuid,))) == ("failed", "DiskNotFound")
    assert disk.exists()


def test_a_guest_that_runs_by_now_is_not_stopped_by_a_start_that_finds_it_so(lab: Lab) -> None:
    off(lab)
    uuid = lab.web()["uuid"]
    real = lab.hypervisor.start_paused

    def started_by_another(_uuid: str) -> None:
        lab.hypervisor.states[uuid] = "running"
        raise HypervisorError("domain is already running")

    lab.hypervisor.start_paused = started_by_another
    assert error_of(start(lab)) == ("failed", "LibvirtError")
    assert lab.hypervisor.states[uuid] == "running"
    assert "destroy" not in lab.hypervisor.calls
    lab.hypervisor.start_paused = real


def test_a_start_whose_guest_can_not_be_stopped_again_is_unknown(lab: Lab) -> None:
    off(lab)
    lab.hypervisor.fail("live_interfaces")
    lab.hypervisor.fail("destroy")
    assert error_of(start(lab)) == ("unknown", "LibvirtError")


def test_a_paused_guest_is_let_run_and_a_sleeping_one_is_left_alone(lab: Lab) -> None:
    off(lab, "paused")
    assert start(lab)["outcome"] == "started"
    lab.hypervisor.states[lab.web()["uuid"]] = "suspended"
    assert error_of(start(lab)) == ("failed", "InstanceInvalidState")
    assert "destroy" not in lab.hypervisor.calls


def test_a_define_that_was_refused_is_unknown_unless_the_domain_is_proven_absent(lab: Lab) -> None:
    lab.hypervisor.fail("define")
    assert error_of(lab.claim(lab.web(1))[0])[0] == "refused"
    lab.hypervisor.lose("define", HypervisorError("the answer was an error"))
    assert error_of(lab.claim(lab.web(2))[0])[0] == "unknown"
    lab.hypervisor.fail("define")
    lab.hypervisor.fail("find")
    assert error_of(lab.claim(lab.web(3))[0])[0] == "unknown"


def test_a_build_that_cannot_read_its_claim_is_unknown(lab: Lab) -> None:
    lab.claim(lab.web())
    lab.hypervisor.fail("find", after=1)
    assert error_of(lab.build(lab.web())[0]) == ("unknown", "LibvirtError")
    assert lab.build(lab.web())[0]["outcome"] == "built"


def test_an_undo_that_fails_names_the_journal(lab: Lab) -> None:
    lab.claim(lab.web())
    lab.hypervisor.fail("start_paused")
    lab.hypervisor.fail("destroy", after=1)
    (outcome,) = lab.build(lab.web())
    assert error_of(outcome)[0] == "unknown"
    assert str(lab.state / "journal" / lab.web()["uuid"]) in str(outcome["error"])
