"""How many servers quotas grant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import quotas
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
