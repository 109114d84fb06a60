# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who has to be told what hosts have said of the members of security groups."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.member_reports import gathered


def answer(*wanted: str, host: str = "h1", **groups: list[str]) -> dict[str, object]:
    return {"report": {"host": host, "number": 1, "groups": {f"p/{name}": addresses for name, addresses in groups.items()}}, "wanted_groups": list(wanted)}


def test_all_reports_are_for_those_that_want_a_group_of_the_run() -> None:
    answers = {"h1": answer(web=["192.0.2.1"]), "h2": answer("p/web", host="h2"), "h3": answer("p/other", host="h3")}
    found = gathered(answers, ["p/web"])
    assert [(report["host"], report["groups"]) for report in found["reports"]] == [("h1", {"p/web": ["192.0.2.1/32"]}), ("h2", {}), ("h3", {})]
    assert (found["hosts"], found["silent"]) == (["h2"], [])
    assert gathered(answers)["hosts"] == ["h2", "h3"]


def test_a_host_speaks_for_itself_only() -> None:
    assert gathered({"h2": answer(host="h1")})["reports"][0]["host"] == "h2"


@pytest.mark.parametrize(
    "said", [None, "text", {}, {"unreachable": True}, {"report": None}, {"report": {"host": "h1", "number": 1, "groups": {"p/web": ["x"]}}}]
)
def test_what_is_no_answer_counts_as_silence(said: object) -> None:
    assert gathered({"h1": said}) == {"reports": [], "hosts": [], "silent": ["h1"], "rules_numbers": {}}
    assert gathered({"h1": {**answer(), "wanted_groups": said}})["hosts"] == []


def test_the_latest_rules_of_a_group_are_known_by_their_number() -> None:
    old, new = ({"fleet": fleet, "local": 0, "digest": "d"} for fleet in (1, 2))
    answers = {"h1": {**answer(), "rules_numbers": {"p/web": new, "p/db": old}}, "h2": {**answer(), "rules_numbers": {"p/web": old}}, "h3": answer()}
    assert gathered(answers)["rules_numbers"] == {"web": new, "db": old}


@pytest.mark.parametrize("said", [5, [], {"p/web": 5}, {"p/web": {}}, {"p/web": {"fleet": "x", "local": 0, "digest": ""}}])
def test_a_host_whose_numbers_cannot_be_read_counts_as_silent(said: object) -> None:
    found = gathered({"h1": {**answer("p/web"), "rules_numbers": said or "text"}})
    assert found == {"reports": [], "hosts": [], "silent": ["h1"], "rules_numbers": {}}
