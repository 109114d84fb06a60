# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reaper: only what has a time that has passed, by a clock that can be believed, and as it is under the server's lock."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import locks
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.reap_query import ReapQuery, has_passed
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.reaper import Reaper, sentences
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Instance, Origin
from ansible_collections.kvmfleet.compute.plugins.module_utils.timestamp import timestamp
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

NOW = 1_800_000_000.0
ANY: dict[str, t.Any] = {"project": None, "owner": None, "job": None, "tags": None, "older_than": None}


def origin(**changes: t.Any) -> Origin:
    made: t.Any = {"owner": "ops", "job": "4711", "template": None, "ttl_s": 3600, "asked_at": int(NOW) - 7200, **changes}
    whole: Origin = made
    return whole


def there(lab: Lab, number: int = 0, *, built_at: float = NOW - 7200, of: Origin | None = None, **changes: t.Any) -> Instance:
    """A server that was built two hours ago, to live for one, unless it is said otherwise."""
    web = lab.web(number, **changes)
    builder = lab.builder()
    builder.origin, builder.wall_clock = of or origin(), lambda: built_at
    assert [outcome["error"] for outcome in (*lab.claim(web, builder=builder), *lab.build(web, builder=builder))] == [None, None]
    return web


def reap(lab: Lab, *, check_mode: bool = False, controller_time: float = NOW, now: float = NOW, **asked: t.Any) -> Reaper:
    reaper = Reaper(lab.builder(check_mode=check_mode), ReapQuery.of({**ANY, **asked}), controller_time=controller_time, max_skew_s=300.0, clock=lambda: now)
    reaper.run()
    return reaper


def outcomes(reaper: Reaper) -> dict[str, str]:
    return {server["uuid"]: server["outcome"] for server in reaper.reaped}


def test_what_is_over_is_deleted_and_nothing_else(lab: Lab) -> None:
    over, fresh = there(lab), there(lab, 1, built_at=NOW - 60, of=origin(asked_at=int(NOW) - 60))
    forever, plain = there(lab, 2, of=origin(ttl_s=None)), lab.web(3)
    lab.there(plain)
    reaper = reap(lab)
    assert outcomes(reaper) == {over["uuid"]: "deleted"}
    assert set(lab.hypervisor.xml) == {server["uuid"] for server in (fresh, forever, plain)}
    assert not lab.folder(over).exists()
    (line,) = sentences(reaper, False)
    assert line == f"deleted: web-0 ({over['uuid']}; project p, owner ops, job 4711): its time ends at {timestamp(NOW - 3600)}"
    assert sentences(reap(lab), False) == ["Nothing is due: the time of 1 servers that were asked for is not over."]


def test_a_dry_run_finds_the_same_and_changes_nothing(lab: Lab) -> None:
    over = there(lab)
    before = lab.left()
    reaper = reap(lab, check_mode=True)
    assert outcomes(reaper) == {over["uuid"]: "deleted"} and sentences(reaper, True)[0].startswith("would be deleted: web-0")
    assert lab.left() == before and "undefine" not in lab.hypervisor.calls


@pytest.mark.parametrize("skew", [301.0, -301.0])
def test_a_host_whose_clock_is_wrong_is_skipped_aloud(lab: Lab, skew: float) -> None:
    over = there(lab)
    reaper = reap(lab, controller_time=NOW - skew)
    assert reaper.is_skewed and outcomes(reaper) == {over["uuid"]: "skipped"}
    assert f"{skew:+.0f} s from the controller's" in sentences(reaper, False)[0]
    assert over["uuid"] in lab.hypervisor.xml
    assert outcomes(reap(lab, controller_time=NOW - skew * 0.99)) == {over["uuid"]: "deleted"}


def test_the_time_is_looked_at_again_under_the_lock(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    web = there(lab)
    take = locks.take

    def prolonged(*arguments: t.Any) -> bool:
        # Between the look and the lock somebody gives it more time.
        lab.hypervisor.set_record(web["uuid"], {**lab.hypervisor.record(web["uuid"]), "expires_at": timestamp(NOW + 3600)})
        return take(*arguments)

    monkeypatch.setattr(locks, "take", prolonged)
    reaper = reap(lab)
    assert outcomes(reaper) == {web["uuid"]: "left"} and reaper.reaped[0]["why"] == "its time was changed meanwhile"
    assert web["uuid"] in lab.hypervisor.xml and lab.files(web)


def test_what_is_gone_by_then_leaves_no_lock(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    web = there(lab)
    lab.delete(web["uuid"])
    record = make.record(web, expires_at=timestamp(NOW - 1), origin=origin())
    monkeypatch.setattr(lab.hypervisor, "domains", lambda: [{"record": record}])
    reaper = reap(lab)
    assert reaper.reaped[0]["why"] == "it was deleted meanwhile"
    assert lab.left() == []


def test_what_another_process_works_on_is_left(lab: Lab) -> None:
    web = there(lab)
    with locks.instance_lock(str(lab.state), web["uuid"]):
        reaper = reap(lab)
    assert outcomes(reaper) == {web["uuid"]: "left"} and "is being worked on by another process" in str(reaper.reaped[0]["why"])
    assert web["uuid"] in lab.hypervisor.xml


def test_the_claim_of_a_live_run_is_left_and_that_of_a_dead_one_is_not(lab: Lab) -> None:
    web, builder = lab.web(), lab.builder()
    builder.origin, builder.wall_clock = origin(ttl_s=1), lambda: NOW - 60
    lab.claim(web, builder=builder)
    assert reap(lab).reaped[0]["why"] == "a run is building it"
    lab.pass_time(2000)
    assert outcomes(reap(lab)) == {web["uuid"]: "deleted"}


def test_one_that_fails_keeps_no_neighbour(lab: Lab) -> None:
    first, second = there(lab), there(lab, 1)
    lab.hypervisor.fail("undefine", HypervisorError("no"))
    assert sorted(outcomes(reap(lab)).values()) == ["deleted", "failed"]
    assert len({first["uuid"], second["uuid"]} & set(lab.hypervisor.xml)) == 1


@pytest.mark.parametrize("given_empty", [{"job": ""}, {"owner": ""}, {"project": ""}, {"tags": []}, {"tags": [""]}, {"older_than": ""}])
def test_a_narrowing_that_is_empty_is_refused(given_empty: dict[str, t.Any]) -> None:
    with pytest.raises(ServerError, match="given and empty"):
        ReapQuery.of({**ANY, **given_empty})


def test_an_age_that_is_none_is_refused() -> None:
    with pytest.raises(ServerError, match="older_than: '2x' must be"):
        ReapQuery.of({**ANY, "older_than": "2x"})


MAYBE = st.none() | st.sampled_from(["a", "b"])


@given(
    MAYBE, MAYBE, MAYBE, st.none() | st.lists(st.sampled_from(["t", "u"]), min_size=1), st.none() | st.sampled_from(["1", "1h", "1d"]), st.integers(-9000, 9000)
)
def test_narrowing_never_widens(project: str | None, owner: str | None, job: str | None, tags: list[str] | None, age: str | None, ends: int) -> None:
    web = make.web(project_id="a", tags=["t"])
    record = make.record(web, origin=origin(owner="a", job="a"), expires_at=timestamp(NOW + ends), created_at=timestamp(NOW - 3600))
    query = ReapQuery.of({"project": project, "owner": owner, "job": job, "tags": tags, "older_than": age})
    matches = query.matches(record, NOW)
    assert matches == (not {project, owner, job} & {"b"} and "u" not in (tags or ()) and age != "1d")
    assert has_passed(record, NOW) == (ends <= 0)
    assert not query.matches({**record, "expires_at": None}, NOW)
    assert not query.matches({**record, "origin": None}, NOW)


@pytest.mark.parametrize("text", ["", "soon", "2026-01-01", None])
def test_a_time_that_can_not_be_read_is_never_over(text: str | None) -> None:
    assert not has_passed(make.record(expires_at=text), NOW)


def test_a_clock_that_is_behind_at_the_claim_shortens_no_time(lab: Lab) -> None:
    web = there(lab, built_at=0.0, of=origin(asked_at=int(NOW)))
    assert lab.hypervisor.record(web["uuid"])["expires_at"] == timestamp(NOW + 3600)
    assert outcomes(reap(lab)) == {}


def test_the_owner_is_the_user_unless_one_is_named(lab: Lab) -> None:
    web = there(lab, of=origin(owner=None))
    kept = lab.hypervisor.record(web["uuid"])["origin"]
    assert kept is not None and kept["owner"] == "u"
