"""What a host reports: totals, what is committed, its servers and everybody's domains."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import build_failures, host_report, locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.disk_sizes import existing_parent
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import KvmfleetError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.record import to_element
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain, HostFacts
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab


def facts(lab: Lab, check_mode: bool = False) -> HostFacts:
    return host_report.facts(
        lab.hypervisor,
        instances_path=str(lab.instances),
        image_cache_path=str(lab.instances / "cache"),
        state_path=str(lab.state),
        reserved={"MEMORY_MB": 512},
        allocation_ratio={"VCPU": 2.0},
        check_mode=check_mode,
    )


def test_an_empty_host_has_its_totals_and_nothing_committed(lab: Lab) -> None:
    found = facts(lab)
    assert (found["node"], found["vcpus"], found["memory_mb"], found["arch"]) == ("h1", 4, 8192, "x86_64")
    assert found["used"] == {"VCPU": 0, "MEMORY_MB": 0, "DISK_GB": 0}
    assert (found["reserved"], found["allocation_ratio"]) == ({"MEMORY_MB": 512}, {"VCPU": 2.0})
    assert found["supported_instances"] == [["x86_64", "qemu", "hvm"], ["aarch64", "kvm", "hvm"]]
    assert found["traits"] == ["HW_CPU_X86_AESNI"]
    assert set(found) == set(HostFacts.__annotations__) - {"inventory"}


def test_only_virtualisation_types_of_the_hosts_own_architecture_work(lab: Lab) -> None:
    assert facts(lab)["virt_types"] == ["qemu"]


def test_every_domain_counts_and_only_ours_is_an_instance(lab: Lab) -> None:
    web = lab.web()
    lab.there(web)
    lab.hypervisor.add(make.domain_xml(), "running")
    found = facts(lab)
    assert found["used"] == {"VCPU": 3, "MEMORY_MB": 2048, "DISK_GB": 10}
    assert [(item["name"], item["foreign"], item["power_state"]) for item in found["domains"]] == [("web-0", False, "running"), ("foreign", True, "running")]
    assert [item["uuid"] for item in found["instances"]] == [web["uuid"]]
    assert (found["num_instances"], found["num_io_ops"]) == (2, 0)


def test_a_report_says_what_is_missing_locked_and_building_and_keeps_the_hashes_back(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    with locks.instance_lock(str(lab.state), web["uuid"]):
        (report,) = facts(lab)["instances"]
    assert (report["vm_state"], report["locked"], report["power_state"]) == ("building", True, "shutdown")
    assert report["missing_files"] == [str(lab.folder(web) / "disk")]
    assert "secrets" not in report
    assert facts(lab)["num_io_ops"] == 1


def test_a_report_says_what_was_changed_below_the_record(lab: Lab) -> None:
    web = lab.web()
    lab.there(web)
    assert facts(lab)["instances"][0]["drift"] == []
    lab.hypervisor.live_xml[web["uuid"]] = lab.hypervisor.xml[web["uuid"]].replace('/disk"', '/disk.snap"')
    (found,) = facts(lab)["instances"][0]["drift"]
    assert (found["path"], found["actual"]) == ("libvirt.running.disks.vda", str(lab.folder(web) / "disk.snap"))


def test_a_record_that_cannot_be_read_is_an_error_that_names_the_domain(lab: Lab) -> None:
    element = ET.tostring(to_element(make.record(version=9)), encoding="unicode")
    lab.hypervisor.add(f"<domain><name>odd</name><uuid>u</uuid><metadata>{element}</metadata></domain>")
    with pytest.raises(ServerError, match="odd: instance record version 9"):
        facts(lab)


def test_a_clone_counts_as_foreign_and_is_warned_of(lab: Lab) -> None:
    web = lab.web()
    lab.there(web)
    clone = "cccccccc-bbbb-4ccc-8ddd-eeeeeeeeeeee"
    lab.hypervisor.add(lab.hypervisor.xml[web["uuid"]].replace(f"<uuid>{web['uuid']}</uuid>", f"<uuid>{clone}</uuid>", 1))
    found = facts(lab)
    assert [report["uuid"] for report in found["instances"]] == [web["uuid"]]
    assert [(item["uuid"], item["foreign"], item["record_of"]) for item in found["domains"]] == [(web["uuid"], False, None), (clone, True, web["uuid"])]
    (warning,) = host_report.copies(found["domains"])
    assert clone in warning
    assert web["uuid"] in warning
    (outcome,) = lab.delete(clone)
    assert outcome["outcome"] == "failed"
    assert clone in lab.hypervisor.xml


def test_the_instances_path_need_not_exist_yet(lab: Lab) -> None:
    assert existing_parent(str(lab.instances / "a" / "b")) == str(lab.instances)


def test_failed_builds_are_counted_reset_and_never_in_the_way(lab: Lab) -> None:
    state = str(lab.state)
    assert build_failures.read(state) == 0
    build_failures.count(state, 2, 0)
    build_failures.count(state, 1, 0)
    assert (build_failures.read(state), facts(lab)["failed_builds"]) == (3, 3)
    build_failures.count(state, 0, 0)
    assert build_failures.read(state) == 3
    build_failures.count(state, 5, 1)
    assert build_failures.read(state) == 0
    (lab.state / "failed_builds").write_text("nonsense")
    assert build_failures.read(state) == 0
    build_failures.count(state, 1, 0)
    assert build_failures.read(state) == 1


def test_a_host_reports_what_it_holds_of_the_registrar_and_its_own_time(lab: Lab) -> None:
    assert facts(lab)["registrar"]["epoch"] is None
    lab.hold(make.epoch(2), 7)
    found = facts(lab)["registrar"]
    assert (found["epoch"], found["highest_ticket"]) == (make.epoch(2), 7)
    assert facts(lab)["registrar"]["clock"]["seconds"] > found["clock"]["seconds"] > 0


def test_what_the_host_holds_and_cannot_be_read_is_an_error_and_not_nothing(lab: Lab) -> None:
    lab.hold(make.epoch())
    (lab.state / "registrar.json").write_text("{")
    with pytest.raises(KvmfleetError, match=r"registrar\.json, can't be read"):
        facts(lab)


def test_the_domains_are_read_while_nobody_can_claim(lab: Lab) -> None:
    def read(*, live: bool) -> list[Domain]:
        assert live
        with pytest.raises(ServerError, match="claim lock was not free"), locks.host_lock(str(lab.state), 0.0):
            pass
        with locks.host_lock(str(lab.state), 0.0, shared=True):
            return []

    lab.hypervisor.domains = read  # type: ignore[method-assign, assignment]
    assert facts(lab)["num_instances"] == 0
    with locks.host_lock(str(lab.state), 0.0):
        pass


def test_in_check_mode_a_host_without_the_lock_gets_none_and_one_with_it_keeps_claims_away(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    facts(lab, check_mode=True)
    assert not lab.state.exists()
    facts(lab)
    monkeypatch.setattr(host_report, "WAIT_S", 0.0)
    with locks.host_lock(str(lab.state)), pytest.raises(ServerError, match="claim lock was not free"):
        facts(lab, check_mode=True)
