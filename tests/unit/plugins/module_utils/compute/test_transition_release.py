# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Release: a claim of this run is given up; what was built, or taken over by somebody else, is not touched."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.batch import not_begun
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab


def test_a_claim_is_given_up_and_once_more_changes_nothing(lab: Lab) -> None:
    web, other = lab.web(), lab.web(1)
    lab.claim(web, other)
    (outcome,) = lab.release(web["uuid"])
    assert (outcome["outcome"], outcome["changed"], outcome["error"]) == ("deleted", True, None)
    assert list(lab.hypervisor.xml) == [other["uuid"]]
    assert lab.release(other["uuid"])[0]["outcome"] == "deleted"
    assert lab.left() == []
    (again,) = lab.release(web["uuid"])
    assert (again["outcome"], again["changed"], again["error"]) == ("unchanged", False, None)


def test_in_check_mode_nothing_is_given_up(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    lab.release(web["uuid"], builder=lab.builder(check_mode=True))
    assert list(lab.hypervisor.xml) == [web["uuid"]]


def test_a_server_that_was_built_stays(lab: Lab) -> None:
    web = lab.web()
    lab.there(web)
    (outcome,) = lab.release(web["uuid"])
    assert (outcome["outcome"], outcome["changed"]) == ("unchanged", False)
    assert lab.hypervisor.record(web["uuid"])["vm_state"] == "active"


def test_a_claim_of_another_run_stays(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web, builder=lab.builder(make.run(id="other")))
    (outcome,) = lab.release(web["uuid"])
    assert (outcome["outcome"], outcome["changed"]) == ("unchanged", False)
    assert lab.hypervisor.record(web["uuid"])["run"] == make.run(id="other")


def test_a_guest_that_may_have_run_stays(lab: Lab) -> None:
    web = lab.web()
    lab.claim(web)
    # From here on nobody knows whether the guest has written.
    lab.hypervisor.fail("resume", HypervisorError("libvirt went away", lost=True))
    lab.build(web)
    assert lab.hypervisor.record(web["uuid"])["started"]
    assert lab.release(web["uuid"])[0]["outcome"] == "unchanged"
    assert list(lab.hypervisor.xml) == [web["uuid"]]


def test_where_libvirt_was_lost_nobody_knows() -> None:
    (outcome,) = not_begun([make.order()], "released", HypervisorError("libvirt went away", lost=True))
    assert (outcome["outcome"], outcome["stage"]) == ("unknown", "delete")
