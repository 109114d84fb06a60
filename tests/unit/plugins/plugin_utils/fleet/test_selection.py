# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a selection is not there, in one sentence."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.selection import missing

THERE = [{"display_name": f"web-{number}", "uuid": f"u{number}"} for number in (1, 2)]


@pytest.mark.parametrize(
    ("selection", "found", "sentence"),
    [
        ({"names": ["web-1", "web-2"]}, THERE, ""),
        ({"names": ["wbe-1", "web-2"]}, THERE[1:], "no server has the name wbe-1; did you mean web-1?"),
        ({"names": ["db"]}, [], "no server has the name db; there are web-1, web-2"),
        ({"names": ["wbe-1", "wbe-2"]}, [], "no server has the name wbe-1 or the name wbe-2; did you mean web-1, web-2?"),
        ({"names": ["web-1"], "tags": ["ci"]}, [], "no server has the name web-1 with the tag ci; web-1 is there, but not with all that is selected"),
        ({"ids": ["u9"]}, [], "no server has the id u9; there are web-1, web-2"),
        ({"ids": ["u9"], "names": ["web-1"]}, [], "no server has the name web-1 or the id u9; web-1 is there, but not with all that is selected"),
        ({"tags": ["ci", "x"]}, [], "no server has the tags ci, x; there are web-1, web-2"),
        ({"tags": ["ci"]}, THERE[:1], ""),
        ({"reservation_id": "r-1", "group": "apart"}, [], "no server has the reservation r-1 and the server group apart; there are web-1, web-2"),
    ],
)
def test_a_selection(selection: t.Any, found: list[dict[str, str]], sentence: str) -> None:
    assert missing(selection, found, THERE, ()) == sentence


def test_hosts_that_were_not_read_are_named_and_long_lists_are_cut() -> None:
    assert missing({"names": ["db"]}, [], [], ["h2", "h3"]) == "no server has the name db; not read: h2, h3"
    many = missing({"names": [f"x{number}" for number in range(30)]}, [], [], [])
    assert many.endswith("the name x19 (and 10 more)")
