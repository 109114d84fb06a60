"""How many servers quotas grant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import quotas
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.quota_resources import amounts
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked, check, rules


def test_quotas_shrink_max_count_and_refuse_below_min_count() -> None:
    limited = {**CATALOGUE, "quotas": {"instances": 2, "cores": -1, "ram": -1}}
    shrunk = check(asked(min_count=1, max_count=5), catalogue=limited)
    assert len(shrunk["instances"]) == 2
    assert "quotas leave room for 2" in shrunk["notes"][0]
    refused = check(asked(min_count=3), catalogue=limited)
    assert rules(refused) == [("servers[0].min_count", "TooManyInstances")]
    assert "requested 3, already used 0 of 2" in refused["errors"][0]["rule"]


@given(st.integers(1, 5), st.integers(0, 5), st.integers(-1, 30), st.integers(0, 30))
def test_granted_is_never_beyond_a_limit(least: int, extra: int, limit: int, used: int) -> None:
    need = {"instances": 1, "cores": 2}
    try:
        number = quotas.granted(need, least, least + extra, lambda name: limit, {"instances": used, "cores": used})
    except quotas.OverQuota:
        assert limit >= 0
        return
    assert least <= number <= least + extra
    assert limit < 0 or used + 2 * number <= limit


def test_the_registrar_gets_the_limits_that_there_are_and_what_the_facts_show() -> None:
    limits = quotas.limits({"instances": 5, "cores": -1, "ram": -1, "ports": -1, "server_group_members": 3, "projects": {"q": {"instances": -1}}})
    there = make.instance("x", project_id="p", user_id="u", group=make.group(id="g"))
    others = [make.instance("y", project_id="q", user_id="u", group=make.group(id="g")), make.instance("z", project_id="p", user_id="v")]
    records = [make.fleet_record(instance) for instance in (there, *others)]
    new = [make.instance(name, project_id="p", user_id="u", group=make.group(id="g")) for name in "ab"]
    assert quotas.to_reserve(limits, records, new) == {
        "p": {"instances": {"limit": 5, "used": 2}, "server_group_members of g by u": {"limit": 3, "used": 2}, "server_groups": {"limit": 10, "used": 1}},
    }
    assert quotas.to_reserve(limits, records, [make.instance("c", project_id="q")]) == {}
    assert quotas.to_reserve(quotas.limits(None), records, new) == {}
    assert set(amounts(new[0])) >= set(quotas.used(records, "p"))
