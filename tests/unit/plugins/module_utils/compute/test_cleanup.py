"""Cleanup: exactly what nobody can need any more, the same in check mode, and never what a guest may have written."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.cleanup import Cleanup
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.cleanup_options import CleanupOptions, make_cleanup
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.ledger import found
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.sqlite_store import SqliteStore
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance, Leaving
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

NOW = 2e9
LOST = HypervisorError("libvirt went away", lost=True)


def cleaned(lab: Lab, *, check_mode: bool = False, folders: t.Collection[str] = (), elsewhere: t.Collection[str] = ()) -> Cleanup:
    found = Cleanup(lab.builder(check_mode=check_mode), folders=folders, elsewhere=elsewhere, now=NOW)
    found.run()
    return found


def shown(items: list[Leaving]) -> list[tuple[str, str]]:
    return [(item["kind"], item["path"]) for item in items]


def everything(lab: Lab) -> list[str]:
    """All that is there: domains, and files with their inodes."""
    files = [f"{path} {os.lstat(path).st_ino}" for root in (lab.instances, lab.state) for path in sorted(root.rglob("*"))]
    return [*files, *lab.hypervisor.xml, *lab.hypervisor.states.values()]


def half_built(lab: Lab, web: Instance) -> pathlib.Path:
    """A claim whose build was killed before its guest ran; its disk."""
    lab.claim(web)
    lab.hypervisor.fail("start_paused", LOST)
    lab.build(web)
    assert lab.files(web) == {"disk", "config_drive.json"}
    return lab.folder(web) / "disk"


def undefined(lab: Lab, web: Instance) -> None:
    """An operator has undefined the domain."""
    del lab.hypervisor.xml[web["uuid"]]


def test_a_claim_that_has_run_out_goes_with_what_its_build_has_made(lab: Lab) -> None:
    web = lab.web()
    half_built(lab, web)
    (live,) = cleaned(lab).left
    assert live["why"] == "run run of controller c may live: the host keeps its claim for another 1800 s"
    lab.pass_time(1800)
    before = everything(lab)
    dry, found = cleaned(lab, check_mode=True), None
    assert everything(lab) == before
    found = cleaned(lab)
    assert (dry.removed, dry.left) == (found.removed, found.left)
    assert (shown(found.removed), found.left, found.failed) == ([("claim", str(lab.folder(web)))], [], [])
    assert found.removed[0]["bytes"] > 0
    assert lab.left() == []


@pytest.mark.parametrize("power_state", ["running", "shutdown"])
def test_a_claim_whose_guest_may_have_run_stays(lab: Lab, power_state: str) -> None:
    web = lab.web()
    lab.claim(web)
    lab.hypervisor.lose("resume")
    lab.build(web)
    lab.hypervisor.states[web["uuid"]] = power_state
    lab.pass_time(9999)
    before = everything(lab)
    found = cleaned(lab)
    assert (found.removed, found.failed, "may have run" in found.left[0]["why"], everything(lab)) == ([], [], True, before)


def test_a_claim_that_someone_let_run_by_hand_stays(lab: Lab) -> None:
    half_built(lab, lab.web())
    lab.hypervisor.states[lab.web()["uuid"]] = "running"
    lab.pass_time(9999)
    assert "may have run" in cleaned(lab).left[0]["why"]
    assert "disk" in lab.files(lab.web())


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_a_process_works_on_stays(lab: Lab, check_mode: bool) -> None:
    claimed, gone = lab.web(1), lab.web(2)
    half_built(lab, claimed)
    lab.pass_time(9999)
    with locks.instance_lock(str(lab.state), claimed["uuid"]), locks.instance_lock(str(lab.state), gone["uuid"]):
        before = everything(lab)
        found = cleaned(lab, check_mode=check_mode)
        assert everything(lab) == before
    assert [item["kind"] for item in found.left] == ["claim", "lock"]
    assert all("is being worked on by another process of this host" in item["why"] for item in found.left)
    assert (found.removed, found.failed) == ([], [])


def test_a_claim_that_was_finished_while_its_lock_was_waited_for_stays(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    web = lab.web()
    lab.claim(web)
    lab.pass_time(9999)
    domains = lab.hypervisor.domains

    def then_built() -> object:
        found = domains()
        monkeypatch.setattr(lab.hypervisor, "domains", domains)
        assert lab.build(web)[0]["outcome"] == "built"
        return found

    monkeypatch.setattr(lab.hypervisor, "domains", then_built)
    assert cleaned(lab).left[0]["why"] == "it has been finished or deleted meanwhile"
    assert lab.hypervisor.states[web["uuid"]] == "running"


def test_an_orphaned_journal_goes_with_what_it_names_and_nothing_else(lab: Lab) -> None:
    web, other = lab.web(1), lab.web(2)
    half_built(lab, web)
    lab.there(other)
    notes = lab.folder(web) / "notes.txt"
    notes.write_text("mine")
    undefined(lab, web)
    dry = cleaned(lab, check_mode=True)
    assert lab.files(web) == {"disk", "config_drive.json", "notes.txt"}
    found = cleaned(lab)
    assert (dry.removed, dry.left) == (found.removed, found.left)
    assert shown(found.removed) == [("journal", str(lab.state / "journal" / web["uuid"]))]
    assert found.removed[0]["bytes"] > 0
    assert lab.files(web) == {"notes.txt"}
    assert lab.files(other) == {"disk", "config_drive.json"}
    assert not locks.is_locked(str(lab.state), web["uuid"])
    assert not (lab.state / "locks" / web["uuid"]).exists()


def test_no_journal_names_what_a_guest_has_written(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    web = lab.web()
    lab.claim(web)
    open_at_resume: list[bool] = []
    resume = lab.hypervisor.resume

    def spy(uuid: str) -> None:
        open_at_resume.append((lab.state / "journal" / uuid).exists())
        resume(uuid)
        raise LOST

    monkeypatch.setattr(lab.hypervisor, "resume", spy)
    assert lab.build(web)[0]["outcome"] == "unknown"
    assert open_at_resume == [False]
    # Whatever becomes of the domain now, nothing is removed.
    disk = lab.folder(web) / "disk"
    disk.write_text("written by the guest")
    undefined(lab, web)
    found = cleaned(lab)
    assert (shown(found.left), disk.read_text()) == ([("folder", str(lab.folder(web)))], "written by the guest")
    assert [item["kind"] for item in found.removed] == []


def test_a_build_that_was_cut_off_between_its_two_marks_closes_the_journal_before_its_guest_runs(lab: Lab) -> None:
    web = lab.web()
    half_built(lab, web)
    lab.hypervisor.set_record(web["uuid"], {**lab.hypervisor.record(web["uuid"]), "started": True})
    lab.hypervisor.lose("resume")
    lab.hypervisor.states[web["uuid"]] = "paused"
    assert lab.build(web)[0]["outcome"] == "unknown"
    assert list((lab.state / "journal").iterdir()) == []


def test_an_orphaned_journal_stays_if_another_host_has_the_server_or_a_domain_uses_its_files(lab: Lab) -> None:
    web = lab.web()
    disk = half_built(lab, web)
    undefined(lab, web)
    found = cleaned(lab, elsewhere=[web["uuid"]])
    assert [(item["kind"], item["why"]) for item in found.left] == [("journal", "another host has a domain with this id")]
    # Defined again by another id and name.
    disks = f"<devices><disk type='file' device='disk'><source file='{disk}'/><target dev='vda'/></disk></devices>"
    lab.hypervisor.add(make.domain_xml().replace("</domain>", f"{disks}</domain>"))
    found = cleaned(lab)
    assert [(item["kind"], item["why"]) for item in found.left] == [("journal", f"domain foreign uses {disk}")]
    assert found.removed == []
    assert disk.exists() and (lab.state / "journal" / web["uuid"]).exists()


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_folder_without_a_domain_is_only_listed_unless_it_is_named(lab: Lab, check_mode: bool) -> None:
    web, other = lab.web(1), lab.web(2)
    for server in (web, other):
        lab.there(server)
        undefined(lab, server)
    (lab.folder(web) / "disk.eph0").write_text("written by the guest")
    (lab.instances / "backups").mkdir()
    before = everything(lab)
    listed = cleaned(lab, check_mode=check_mode)
    assert (shown(listed.left), listed.removed) == ([("folder", str(lab.folder(server))) for server in (web, other)], [])
    assert "only if its id is named" in listed.left[0]["why"]
    assert everything(lab) == before
    found = cleaned(lab, check_mode=check_mode, folders=[web["uuid"]])
    assert (shown(found.removed), shown(found.left)) == ([("folder", str(lab.folder(web)))], [("folder", str(lab.folder(other)))])
    assert lab.folder(web).exists() == check_mode
    assert lab.folder(other).exists()
    assert (lab.instances / "backups").exists()


def test_a_named_folder_stays_if_it_is_used_anywhere_or_holds_what_is_not_ours(lab: Lab) -> None:
    web = lab.web()
    lab.there(web)
    uuid, folder = web["uuid"], lab.folder(web)
    # It has its domain: it is no leaving at all.
    assert cleaned(lab, folders=[uuid]).left == []
    undefined(lab, web)
    assert cleaned(lab, folders=[uuid], elsewhere=[uuid]).left[0]["why"] == "another host has a domain with this id"
    # Not named, and on a path that is shared with the host that has it.
    assert cleaned(lab, elsewhere=[uuid]).left == []
    disks = f"<devices><disk type='file' device='disk'><source file='{folder}/disk'/><target dev='vda'/></disk></devices>"
    lab.hypervisor.add(make.domain_xml().replace("</domain>", f"{disks}</domain>"))
    assert cleaned(lab, folders=[uuid]).left[0]["why"] == f"domain foreign uses {folder}/disk"
    lab.hypervisor.xml.clear()
    (folder / "disk.snap1").write_text("what the guest has written since the snapshot")
    (folder / "disk.config").mkdir()
    why = cleaned(lab, folders=[uuid]).left[0]["why"]
    assert why == f"it holds what this collection has not made: {folder}/disk.config, {folder}/disk.snap1"
    elsewhere = lab.instances.parent / "moved"
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    assert cleaned(lab, folders=[uuid]).left[0]["why"] == "it is a link"
    assert (elsewhere / "disk").exists()


def test_a_folder_that_holds_only_what_we_make_goes_when_it_is_named(lab: Lab) -> None:
    folder = lab.folder(lab.web())
    (folder / "disk.config.part.tree" / "tree").mkdir(parents=True)
    names = ("disk", "disk.eph0", "disk.eph12.part", "disk.swap", "disk.config", "disk.config.part", "config_drive.json", "console.log", "console.log.0")
    for name in names:
        (folder / name).write_text("x")
    found = cleaned(lab, folders=[lab.web()["uuid"]])
    assert (shown(found.removed), lab.left()) == ([("folder", str(folder))], [])


def test_temporary_files_partial_downloads_and_locks_of_nobody_go(lab: Lab) -> None:
    web, gone = lab.web(1), lab.web(2)
    lab.there(web)
    part = lab.folder(web) / "disk.part"
    part.write_text("half a disk")
    key, fresh, other = (lab.state / name for name in ("secret.key.7.0123abcd", "secret.key.8.0123abcd", "secret.key.old"))
    for path, age_s in ((key, 2 * 86400), (fresh, 60), (other, 2 * 86400)):
        path.write_text("key")
        os.utime(path, (NOW - age_s,) * 2)
    images = str(lab.instances / "cache")
    with cache.fetch_lock(images, "sha256-1") as room:
        pathlib.Path(room.partial).write_text("half an image")
    for server in (web, gone):
        with locks.instance_lock(str(lab.state), server["uuid"]):
            pass
    before = everything(lab)
    dry = cleaned(lab, check_mode=True)
    assert everything(lab) == before
    found = cleaned(lab)
    assert (dry.removed, dry.left) == (found.removed, found.left)
    lock = str(lab.state / "locks" / gone["uuid"])
    assert shown(found.removed) == [("temporary", str(part)), ("temporary", str(key)), ("partial", f"{images}/.partial/sha256-1"), ("lock", lock)]
    assert found.left == []
    assert [path.exists() for path in (part, key, fresh, other, pathlib.Path(lock))] == [False, False, True, True, False]
    assert lab.files(web) == {"disk", "config_drive.json"}
    again = cleaned(lab)
    assert (again.removed, again.left, again.sentences(False)) == ([], [], ["Nothing is left of runs that have ended."])


def test_a_temporary_file_that_a_domain_uses_stays(lab: Lab) -> None:
    web = lab.web()
    lab.there(web)
    part = lab.folder(web) / "disk.part"
    part.write_text("half a disk")
    disks = f"<devices><disk type='file' device='disk'><source file='{part}'/><target dev='vda'/></disk></devices>"
    lab.hypervisor.add(make.domain_xml().replace("</domain>", f"{disks}</domain>"))
    assert [(item["kind"], item["why"]) for item in cleaned(lab).left] == [("temporary", f"domain foreign uses {part}")]
    assert part.exists()


def test_what_could_not_be_removed_is_said_and_the_others_go_on(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = lab.web(1), lab.web(2)
    for server in (first, second):
        half_built(lab, server)
    lab.pass_time(9999)
    lab.hypervisor.fail("undefine")
    found = cleaned(lab)
    assert shown(found.removed) == [("claim", str(lab.folder(second)))]
    assert "undefine refused" in found.left[0]["why"]
    assert len(found.failed) == 1
    # The next one finds it again, and comes to its end.
    assert shown(cleaned(lab).removed) == [("claim", str(lab.folder(first)))]
    assert lab.left() == []


def test_a_host_whose_domains_cannot_be_read_is_not_touched(lab: Lab) -> None:
    half_built(lab, lab.web())
    undefined(lab, lab.web())
    before = everything(lab)
    lab.hypervisor.fail("domains")
    with pytest.raises(HypervisorError):
        cleaned(lab)
    assert everything(lab) == before


def test_a_host_that_has_nothing_yet_has_nothing_left(lab: Lab) -> None:
    options = CleanupOptions.of(
        {
            "libvirt_uri": "",
            "libvirt_timeout_s": 60.0,
            "folders": [],
            "elsewhere": [],
            "instances_path": "/nowhere/instances",
            "image_cache_path": "/nowhere/images",
            "state_path": str(lab.state),
        }
    )
    cleanup = make_cleanup(options, lab.hypervisor, now=NOW, check_mode=False)
    cleanup.run()
    assert (cleanup.removed, cleanup.left, cleanup.failed, lab.state.exists()) == ([], [], [], False)


@pytest.mark.parametrize("name", ["../images", "web", "", "AAAAAAAA-BBBB-4CCC-8DDD-EEEEEEEEEEEE/.."])
def test_what_is_no_id_names_no_folder(name: str) -> None:
    with pytest.raises(ServerError, match="is not the id of a server"):
        CleanupOptions.of({"folders": [name]})


def test_what_the_host_holds_of_the_registrar_is_no_leaving(lab: Lab) -> None:
    lab.hold(make.epoch(2), 7)
    SqliteStore(str(lab.state)).transact(lambda ledger: (found(ledger, {"number": 2, "id": "epoch 2"}, 0), None))
    before = everything(lab)
    cleanup = cleaned(lab)
    assert (cleanup.removed, cleanup.left, cleanup.failed) == ([], [], [])
    assert everything(lab) == before
    web = lab.web()
    lab.claim(web, builder=lab.builder(grant=make.grant(make.epoch(2))))
    assert lab.delete(web["uuid"])[0]["outcome"] == "deleted"
    assert {"registrar.json", "registrar.sqlite"} <= {path.name for path in lab.state.iterdir()}
