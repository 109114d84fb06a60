"""The lease of a claim: counted from the host's own boot, ended by the next one; and who may have a claim that somebody has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import host_report, locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.host_time import host_time
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.lease import HostTime, lease, left_s
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance, Outcome, Record, Run
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

A, B, C = (make.run(id=f"run-{name}", controller=f"ctl-{name}", lease_s=60) for name in "abc")


@given(st.floats(0, 1e9), st.integers(0, 10**6), st.floats(0, 2e6), st.booleans())
def test_a_lease_lasts_its_length_and_not_beyond_the_boot(start: float, length_s: int, later_s: float, rebooted: bool) -> None:
    granted = lease(HostTime("boot-1", start), length_s)
    left = left_s(granted, HostTime("boot-2" if rebooted else "boot-1", start + later_s))
    if rebooted or later_s >= length_s + 1:
        assert left == 0
    else:
        assert length_s - later_s <= left + 1e-6 <= length_s - later_s + 2


def test_no_lease_is_one_that_has_ended() -> None:
    assert left_s(None, HostTime("boot-1", 0.0)) == 0


def test_the_hosts_time_runs_on_and_names_its_boot() -> None:
    first, second = host_time(), host_time()
    assert first.boot_id == second.boot_id
    assert first.boot_id
    assert 0 < first.seconds <= second.seconds


def take_over(lab: Lab, run: Run, *, gone_run: str | None = None, force: bool = False) -> Outcome:
    return lab.claim(make.order(lab.web(), action="finish", gone_run=gone_run), builder=lab.builder(run, force=force))[0]


def claimed_by(lab: Lab) -> str | None:
    run = lab.hypervisor.record(lab.web()["uuid"])["run"]
    return run["id"] if run else None


def refused(outcome: Outcome) -> str:
    assert outcome["error"]
    assert (outcome["outcome"], outcome["error"]["error_class"], outcome["error"]["reschedule"]) == ("refused", "InstanceIsBuilding", False)
    return outcome["error"]["message"]


def test_a_claim_holds_until_its_lease_ends(lab: Lab) -> None:
    lab.claim(lab.web(), builder=lab.builder(A))
    assert lab.hypervisor.record(lab.web()["uuid"])["lease"] == {"boot_id": "boot-1", "ends_at": 1060}
    lab.pass_time(59)
    assert refused(take_over(lab, B)) == "the claim of web-0 belongs to run run-a of controller ctl-a for another 1 s"
    assert claimed_by(lab) == "run-a"
    lab.pass_time(1)
    assert take_over(lab, B)["outcome"] == "claimed"
    assert (claimed_by(lab), lab.hypervisor.record(lab.web()["uuid"])["lease"]) == ("run-b", {"boot_id": "boot-1", "ends_at": 1120})


def test_after_a_reboot_of_the_host_no_claim_holds(lab: Lab) -> None:
    lab.claim(lab.web(), builder=lab.builder(A))
    lab.now = HostTime("boot-2", 5.0)
    assert take_over(lab, B)["outcome"] == "claimed"


def test_a_run_whose_process_is_gone_needs_no_end_of_its_lease_and_only_it(lab: Lab) -> None:
    lab.claim(lab.web(), builder=lab.builder(A))
    refused(take_over(lab, B, gone_run="run-z"))
    assert take_over(lab, B, gone_run="run-a")["outcome"] == "claimed"
    # Of two runs that have found the same dead one, the second comes too late: the claim is a live one's by now.
    assert "run run-b of controller ctl-b" in refused(take_over(lab, C, gone_run="run-a"))
    assert take_over(lab, B, gone_run="run-a")["outcome"] == "claimed"
    assert claimed_by(lab) == "run-b"


def test_a_claim_whose_lease_has_ended_is_its_runs_until_another_has_taken_it(lab: Lab) -> None:
    lab.claim(lab.web(), builder=lab.builder(A))
    lab.pass_time(1000)
    assert lab.build(lab.web(), builder=lab.builder(A))[0]["outcome"] == "built"


def test_who_comes_back_after_a_take_over_finds_the_claim_anothers_and_touches_nothing(lab: Lab) -> None:
    lab.claim(lab.web(), builder=lab.builder(A))
    lab.pass_time(60)
    take_over(lab, B)
    lab.hypervisor.calls.clear()
    (late,) = lab.build(lab.web(), builder=lab.builder(A))
    assert (late["outcome"], (late["error"] or {}).get("error_class")) == ("unknown", "InstanceIsBuilding")
    assert set(lab.hypervisor.calls) == {"find"}
    assert lab.build(lab.web(), builder=lab.builder(B))[0]["outcome"] == "built"
    (late,) = lab.build(lab.web(), builder=lab.builder(A))
    assert (late["outcome"], (late["error"] or {}).get("error_class")) == ("unknown", "InstanceInvalidState")
    assert lab.hypervisor.states[lab.web()["uuid"]] == "running"


def test_who_waits_for_a_turn_in_a_call_gets_a_new_lease(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    servers = [lab.web(number) for number in range(6)]
    lab.claim(*servers, builder=lab.builder(A))
    lab.pass_time(50)
    seen: list[tuple[str, int]] = []
    set_record = lab.hypervisor.set_record

    def spy(uuid: str, record: Record) -> None:
        assert locks.is_locked(str(lab.state), uuid)
        if record["lease"] and not record["started"]:
            seen.append((uuid, record["lease"]["ends_at"]))
        set_record(uuid, record)

    monkeypatch.setattr(lab.hypervisor, "set_record", spy)
    assert {outcome["outcome"] for outcome in lab.build(*servers, builder=lab.builder(A))} == {"built"}
    assert sorted(seen) == [(server["uuid"], 1110) for server in servers[4:]]


def test_who_waits_for_a_turn_never_writes_over_a_take_over(lab: Lab) -> None:
    servers = [lab.web(number) for number in range(5)]
    lab.claim(*servers, builder=lab.builder(A))
    lab.pass_time(60)
    last = servers[4]
    lab.claim(make.order(last, action="finish"), builder=lab.builder(B))
    lab.pass_time(5)
    outcomes = lab.build(*servers, builder=lab.builder(A))
    assert [outcome["outcome"] for outcome in outcomes] == ["built"] * 4 + ["unknown"]
    record = lab.hypervisor.record(last["uuid"])
    assert (record["run"], record["lease"]) == (B, {"boot_id": "boot-1", "ends_at": 1120})


@pytest.mark.parametrize(("call", "power_state"), [("live_interfaces", "paused"), ("power_state", "running")])
def test_a_builder_that_was_taken_over_by_force_in_its_call_leaves_the_server_to_the_other(lab: Lab, call: str, power_state: str) -> None:
    web = lab.web()
    lab.claim(web, builder=lab.builder(A))
    ask = getattr(lab.hypervisor, call)

    def forced(uuid: str) -> object:
        # Stopped here, for so long that somebody takes over by force, and then resumed.
        setattr(lab.hypervisor, call, ask)
        assert take_over(lab, B, force=True)["outcome"] == "claimed"
        return ask(uuid)

    setattr(lab.hypervisor, call, forced)
    (stale,) = lab.build(web, builder=lab.builder(A))
    assert (stale["outcome"], (stale["error"] or {}).get("error_class")) == ("unknown", "InstanceIsBuilding")
    record = lab.hypervisor.record(web["uuid"])
    assert (record["vm_state"], record["run"], lab.hypervisor.states[web["uuid"]]) == ("building", B, power_state)
    disk = lab.folder(web) / "disk"
    disk.write_text("written by the guest")
    assert lab.build(web, builder=lab.builder(B))[0]["outcome"] == "built"
    assert (disk.read_text(), lab.hypervisor.states[web["uuid"]]) == ("written by the guest", "running")


def report(lab: Lab, web: Instance) -> object:
    domains = [domain for domain in lab.hypervisor.domains() if domain["uuid"] == web["uuid"]]
    return host_report.instances(domains, str(lab.instances), str(lab.state))[0]["lease_left_s"]


def test_a_host_says_for_how_long_a_claim_holds(lab: Lab) -> None:
    web = lab.web()
    lab.now = host_time()
    lab.claim(web, builder=lab.builder(A))
    left = report(lab, web)
    assert isinstance(left, int)
    assert 0 < left <= 61
    lab.now = HostTime(lab.now.boot_id, lab.now.seconds - 100)
    lab.claim(make.order(web, action="finish"), builder=lab.builder(B, force=True))
    assert report(lab, web) == 0
    lab.build(web, builder=lab.builder(B))
    assert report(lab, web) is None
