"""Claim and take-over: a claim is a define under the host's lock, after everything was checked against what is there."""

from __future__ import annotations

import re
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.batch import not_begun
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import state_file
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.host_state import HostState
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, Grant, Outcome
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

OTHER_RUN = make.run(id="run-2")


def error_of(outcome: Outcome) -> tuple[str, str, bool]:
    """(outcome, error class, may another host try)"""
    error = outcome["error"]
    assert error is not None
    return outcome["outcome"], error["error_class"], error["reschedule"]


def test_a_claim_is_a_domain_that_says_building_and_names_its_run(lab: Lab) -> None:
    web = lab.web()
    (outcome,) = lab.claim(web)
    assert (outcome["outcome"], outcome["stage"], outcome["changed"], outcome["error"]) == ("claimed", "claim", True, None)
    record = lab.hypervisor.record(web["uuid"])
    assert (record["vm_state"], record["run"]) == ("building", make.run())
    assert lab.left() == [web["uuid"]]


def test_the_claims_of_one_call_see_each_other(lab: Lab) -> None:
    wide = make.flavor(memory_mb=4096)
    first, second = lab.claim(lab.web(1, flavor=wide), lab.web(2, flavor=wide))
    assert first["outcome"] == "claimed"
    assert second["outcome"] == "refused"
    assert second["error"] is not None
    assert (second["error"]["error_class"], second["error"]["reschedule"]) == ("ComputeResourcesUnavailable", True)
    assert list(lab.hypervisor.xml) == [lab.web(1)["uuid"]]


def test_a_foreign_domain_counts(lab: Lab) -> None:
    lab.hypervisor.add(make.domain_xml(memory=str(7 * 2**20)))
    (outcome,) = lab.claim(lab.web(flavor=make.flavor(memory_mb=1024)))
    assert outcome["outcome"] == "refused"
    assert len(lab.hypervisor.xml) == 1


def test_a_refused_claim_leaves_nothing(lab: Lab) -> None:
    assert lab.claim(lab.web(flavor=make.flavor(vcpus=99)))[0]["outcome"] == "refused"
    assert lab.left() == []


def test_a_define_that_libvirt_refuses_may_be_tried_elsewhere(lab: Lab) -> None:
    lab.hypervisor.fail("define")
    (outcome,) = lab.claim(lab.web())
    assert outcome["error"] == {"error_class": "LibvirtError", "message": "define: define refused", "reschedule": True}
    assert outcome["outcome"] == "refused"


def test_a_define_whose_answer_is_lost_is_unknown_and_keeps_the_claim(lab: Lab) -> None:
    lab.hypervisor.lose("define")
    (outcome,) = lab.claim(lab.web())
    assert outcome["outcome"] == "unknown"
    assert outcome["error"] is not None
    assert "libvirt went away" in outcome["error"]["message"]
    assert lab.left() == [lab.web()["uuid"]]


def test_a_folder_that_is_there_already_is_left_alone(lab: Lab) -> None:
    web = lab.web()
    lab.folder(web).mkdir()
    (lab.folder(web) / "notes").write_text("mine")
    (outcome,) = lab.claim(web)
    assert outcome["error"] is not None
    assert (outcome["outcome"], outcome["error"]["error_class"]) == ("refused", "PathExists")
    assert lab.files(web) == {"notes"}
    assert not lab.hypervisor.xml


def test_what_nobody_expected_before_the_define_fails_that_server_alone_with_its_traceback(lab: Lab) -> None:
    odd = lab.web(1, disks=[make.disk(kind="tape")])
    before, bad, after = lab.claim(lab.web(0), odd, lab.web(2))
    assert [before["outcome"], bad["outcome"], after["outcome"]] == ["claimed", "failed", "claimed"]
    assert bad["error"] is not None
    assert "KeyError: 'tape'" in bad["error"]["exception"]
    assert bad["error"]["reschedule"] is False
    assert sorted(lab.hypervisor.xml) == [lab.web(0)["uuid"], lab.web(2)["uuid"]]


def test_what_nobody_expected_from_the_define_on_is_unknown_and_its_neighbours_go_on(lab: Lab) -> None:
    lab.hypervisor.fail("define", RuntimeError("bug"))
    bad, good = lab.claim(lab.web(1), lab.web(2))
    assert [bad["outcome"], good["outcome"]] == ["unknown", "claimed"]
    assert bad["error"] is not None
    assert "RuntimeError: bug" in bad["error"]["exception"]


def test_while_another_run_claims_every_server_is_refused_and_nothing_is_read(lab: Lab) -> None:
    with locks.host_lock(str(lab.state)):
        outcomes = lab.claim(lab.web(1), lab.web(2))
    # Nothing was claimed, so that another host may be tried.
    assert [error_of(item) for item in outcomes] == [("refused", "HostLocked", True)] * 2
    assert lab.hypervisor.calls == []


def test_a_define_that_is_never_answered_is_unknown_and_what_was_not_sent_may_go_elsewhere(lab: Lab) -> None:
    lab.claim(lab.web(0))
    lab.hypervisor.hang("define")
    outcomes = lab.claim(lab.web(1), lab.web(2), make.order(lab.web(0), action="finish"))
    assert [error_of(item) for item in outcomes] == [
        ("unknown", "LibvirtError", False),
        ("refused", "LibvirtError", True),
        ("unknown", "LibvirtError", False),
    ]
    assert lab.hypervisor.calls[-1] == "define"


@pytest.mark.parametrize(
    ("state", "action", "outcome", "elsewhere"),
    [
        ("claimed", "build", "refused", True),
        ("claimed", "finish", "unknown", False),
        ("active", "build", "unknown", False),
        ("active", "none", "unknown", False),
        ("absent", "build", "failed", False),
    ],
)
def test_if_libvirt_is_lost_before_a_servers_turn_only_who_has_no_claim_goes_elsewhere(
    lab: Lab, state: str, action: str, outcome: str, elsewhere: bool
) -> None:
    (item,) = not_begun([make.order(lab.web(), action=action)], state, HypervisorError("no answer", lost=True))
    assert error_of(item) == (outcome, "LibvirtError", elsewhere)


def test_a_state_folder_that_cannot_be_written_fails_the_servers_not_the_call(lab: Lab) -> None:
    lab.state.write_text("a file in the way")
    outcomes = lab.claim(lab.web(1), lab.web(2))
    assert [item["outcome"] for item in outcomes] == ["failed", "failed"]
    assert outcomes[0]["error"] is not None
    assert outcomes[0]["error"]["error_class"] in ("NotADirectoryError", "FileExistsError")


@pytest.mark.parametrize(
    ("error", "outcome"), [(HypervisorError("no"), "refused"), (HypervisorError("gone", lost=True), "refused"), (KeyError("flavor"), "failed")]
)
def test_if_the_domains_cannot_be_read_no_claim_is_taken_and_each_server_says_why(lab: Lab, error: Exception, outcome: str) -> None:
    lab.hypervisor.fail("domains", error)
    outcomes = lab.claim(lab.web(1), lab.web(2))
    assert [item["outcome"] for item in outcomes] == [outcome] * 2
    assert [error_of(item)[2] for item in outcomes] == [outcome == "refused"] * 2
    assert lab.left() == []


def test_check_mode_checks_and_shows_the_domain_and_writes_nothing(lab: Lab) -> None:
    builder = lab.builder(check_mode=True)
    good, bad = lab.claim(lab.web(1), lab.web(2, flavor=make.flavor(vcpus=99)), builder=builder)
    assert [good["outcome"], bad["outcome"]] == ["claimed", "refused"]
    (shown,) = builder.diffs
    assert shown["after_header"] == "web-1"
    assert re.match(r"<domain .*>\n  <name>web-1</name>\n", shown["after"]) and len(shown["after"].splitlines()) > 20
    assert lab.left() == []
    assert not lab.state.exists()


def test_a_server_that_is_there_needs_no_claim(lab: Lab) -> None:
    assert [lab.claim(make.order(lab.web(), action=action))[0]["outcome"] for action in ("none", "start")] == ["unchanged"] * 2
    assert "define" not in lab.hypervisor.calls


def test_an_order_that_lacks_what_a_claim_needs_says_what(lab: Lab) -> None:
    bare = make.order()
    del bare["instance"]["flavor"]
    (outcome,) = lab.claim(bare)
    assert outcome["error"] is not None
    assert (outcome["outcome"], outcome["error"]["error_class"]) == ("refused", "InstanceNotFound")
    assert "lacks flavor" in outcome["error"]["message"]


def test_a_dead_runs_claim_is_taken_over_and_built_by_this_run(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web, builder=lab.builder(OTHER_RUN))
    order = make.order(web, action="finish", gone_run=OTHER_RUN["id"])
    (taken,) = lab.claim(order)
    assert taken["outcome"] == "claimed"
    assert lab.hypervisor.record(web["uuid"])["run"] == make.run()
    (built,) = lab.build(order)
    assert built["outcome"] == "built"


def test_a_claim_that_a_live_process_works_on_is_not_taken_over(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web, builder=lab.builder(OTHER_RUN))
    with locks.instance_lock(str(lab.state), web["uuid"]):
        (refused,) = lab.claim(make.order(web, action="finish"))
        (forced,) = lab.claim(make.order(web, action="finish"), builder=lab.builder(make.run(id="run-3"), force=True))
    assert refused["error"] is not None
    assert (refused["outcome"], refused["error"]["error_class"], refused["error"]["reschedule"]) == ("refused", "InstanceIsLocked", False)
    assert forced["outcome"] == "claimed"
    assert (lab.hypervisor.record(web["uuid"])["run"] or {}).get("id") == "run-3"


@pytest.mark.parametrize("check_mode", [False, True])
def test_an_active_server_is_not_taken_over(lab: Lab, check_mode: bool) -> None:
    lab.there(lab.web())
    (outcome,) = lab.claim(make.order(lab.web(), action="finish"), builder=lab.builder(check_mode=check_mode))
    assert outcome["error"] is not None
    assert outcome["error"]["error_class"] == "InstanceInvalidState"
    assert "active, not building" in outcome["error"]["message"]


def test_a_claim_that_is_gone_is_not_taken_over(lab: Lab) -> None:
    (outcome,) = lab.claim(make.order(lab.web(), action="finish"))
    assert (outcome["error"] or {}).get("error_class") == "InstanceNotFound"
    assert lab.hypervisor.xml == {}


def test_a_take_over_whose_answer_is_lost_is_unknown(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web, builder=lab.builder(OTHER_RUN))
    lab.hypervisor.fail("set_record", HypervisorError("libvirt went away", lost=True))
    (outcome,) = lab.claim(make.order(web, action="finish", gone_run=OTHER_RUN["id"]))
    assert outcome["outcome"] == "unknown"


# The host's clock is at 1000 s.
HELD = make.epoch(2)
GRANT = make.grant(HELD, ticket=7)


def test_a_claim_that_was_granted_in_the_hosts_epoch_is_taken_and_its_ticket_is_known_before_the_define(lab: Lab) -> None:
    lab.hold(HELD, 3)
    lab.hypervisor.fail("define")
    claims = lab.builder(grant=GRANT)
    refused, claimed = lab.claim(lab.web(1), lab.web(2), builder=claims)
    assert [refused["outcome"], claimed["outcome"]] == ["refused", "claimed"]
    assert state_file.read(str(lab.state)) == HostState(HELD, 7, None)


def test_a_ticket_is_noted_before_the_first_define(lab: Lab) -> None:
    lab.hold(HELD)
    seen: list[int] = []

    def define(_xml: str) -> None:
        seen.append(state_file.read(str(lab.state)).highest_ticket)

    lab.hypervisor.define = define  # type: ignore[method-assign]
    lab.claim(lab.web(), builder=lab.builder(grant=GRANT))
    assert seen == [7]


def test_an_older_ticket_leaves_what_is_noted(lab: Lab) -> None:
    lab.hold(HELD, 9)
    assert lab.claim(lab.web(), builder=lab.builder(grant=GRANT))[0]["outcome"] == "claimed"
    assert state_file.read(str(lab.state)).highest_ticket == 9


@pytest.mark.parametrize(
    ("held", "grant", "error_class"),
    [
        (HELD, None, "EpochMissing"),
        (HELD, make.grant(make.epoch(1)), "EpochOver"),
        (HELD, make.grant(make.epoch(2, id="other")), "EpochForeign"),
        (None, GRANT, "EpochMissing"),
        (make.epoch(3, store="none"), GRANT, "EpochOver"),
    ],
)
def test_what_was_not_granted_in_the_hosts_epoch_is_refused_and_no_other_host_is_tried(
    lab: Lab, held: Epoch | None, grant: Grant | None, error_class: str
) -> None:
    lab.hold(held)
    outcomes = lab.claim(lab.web(1), lab.web(2), builder=lab.builder(grant=grant))
    assert [error_of(item) for item in outcomes] == [("refused", error_class, False)] * 2
    assert not lab.hypervisor.xml
    assert state_file.read(str(lab.state)).highest_ticket == 0


def test_a_claim_that_waited_while_its_ticket_was_ended_is_refused_and_leaves_nothing(lab: Lab) -> None:
    lab.hold(HELD)
    state = state_file.read(str(lab.state))
    state_file.write(str(lab.state), state._replace(ended=({"ticket": 7, "until": {"boot_id": "boot-1", "seconds": 1130.0}},)))
    assert error_of(lab.claim(lab.web(1), builder=lab.builder(grant=GRANT))[0]) == ("refused", "TicketOver", False)
    assert not lab.hypervisor.xml
    assert lab.claim(lab.web(2), builder=lab.builder(grant=make.grant(HELD, ticket=8)))[0]["outcome"] == "claimed"
    # What it has noted of the later ticket leaves the end of the other.
    assert error_of(lab.claim(lab.web(1), builder=lab.builder(grant=GRANT))[0]) == ("refused", "TicketOver", False)


def test_who_builds_without_a_claim_needs_a_grant_too(lab: Lab) -> None:
    lab.hold(HELD)
    (outcome,) = lab.build(lab.web())
    assert error_of(outcome) == ("refused", "EpochMissing", False)
    assert not lab.hypervisor.xml


def test_a_server_that_is_there_needs_no_grant(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web, builder=lab.builder(OTHER_RUN))
    lab.hold(HELD)
    order = make.order(web, action="finish", gone_run=OTHER_RUN["id"])
    assert [lab.claim(order)[0]["outcome"], lab.build(order)[0]["outcome"]] == ["claimed", "built"]
    lab.hypervisor.destroy(web["uuid"])
    assert lab.build(make.order(web, action="start"))[0]["outcome"] == "started"


def test_in_check_mode_nothing_is_granted_and_claims_are_checked_all_the_same(lab: Lab) -> None:
    lab.hold(HELD)
    (outcome,) = lab.claim(lab.web(), builder=lab.builder(check_mode=True))
    assert outcome["outcome"] == "claimed"
    assert state_file.read(str(lab.state)).highest_ticket == 0


@pytest.mark.parametrize("late", [{"ends_at": 1000}, {"boot_id": "boot-0"}], ids=["past", "the host was rebooted"])
def test_past_the_deadline_nothing_is_defined(lab: Lab, late: dict[str, t.Any]) -> None:
    lab.hold(HELD)
    (outcome,) = lab.claim(lab.web(), builder=lab.builder(grant=make.grant(HELD, **late)))
    assert error_of(outcome) == ("refused", "ClaimLate", True)
    assert "define" not in lab.hypervisor.calls
    assert lab.left() == []
    assert state_file.read(str(lab.state)).highest_ticket == 0


def slow(lab: Lab, seconds: float) -> None:
    """The next defines take as long as this."""
    define = lab.hypervisor.define

    def slowly(xml: str) -> None:
        define(xml)
        lab.pass_time(seconds)

    lab.hypervisor.define = slowly  # type: ignore[method-assign]


def test_a_define_that_ends_past_the_deadline_is_taken_back_and_those_behind_it_are_not_begun(lab: Lab) -> None:
    lab.hold(HELD)
    slow(lab, 200.0)
    outcomes = lab.claim(lab.web(1), lab.web(2), lab.web(3), builder=lab.builder(grant=make.grant(HELD, ends_at=1400)))
    assert [item["outcome"] for item in outcomes] == ["claimed", "refused", "refused"]
    assert error_of(outcomes[1]) == ("refused", "ClaimLate", True)
    assert list(lab.hypervisor.xml) == [lab.web(1)["uuid"]]
    assert lab.hypervisor.calls.count("define") == 2


@pytest.mark.parametrize("method", ["undefine", "find"])
def test_a_late_claim_that_is_not_proven_gone_is_unknown(lab: Lab, method: str) -> None:
    lab.hold(HELD)
    slow(lab, 200.0)
    lab.hypervisor.fail(method)
    (outcome,) = lab.claim(lab.web(), builder=lab.builder(grant=make.grant(HELD, ends_at=1100)))
    assert error_of(outcome) == ("unknown", "ClaimLate", False)


def test_what_the_host_holds_and_cannot_be_read_refuses_every_new_claim(lab: Lab) -> None:
    lab.hold(HELD)
    (lab.state / "registrar.json").write_text("{")
    (outcome,) = lab.claim(lab.web(), builder=lab.builder(grant=GRANT))
    assert error_of(outcome) == ("refused", "EpochUnreadable", False)


def test_a_ticket_that_cannot_be_noted_refuses_the_claim(lab: Lab) -> None:
    lab.hold(HELD)
    (lab.state / "registrar.json.new").mkdir()
    (outcome,) = lab.claim(lab.web(), builder=lab.builder(grant=GRANT))
    assert error_of(outcome) == ("refused", "OSError", True)
    assert not lab.hypervisor.xml
