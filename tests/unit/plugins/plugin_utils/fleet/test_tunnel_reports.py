# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is told where the others send VXLAN from."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.tunnel_reports import gathered


def answer(host: str, *networks: str) -> dict[str, object]:
    return {"changed": False, "report": {"host": host, "number": 1, "address": "192.0.2.1", "networks": list(networks)}}


def test_those_with_a_network_are_told_and_who_has_not_answered_is_named() -> None:
    found = gathered({"h1": answer("h1", "5"), "h2": answer("h2"), "h3": {"unreachable": True}, "h4": None, "h5": {"report": {"networks": ["0"]}}})
    assert (found["hosts"], found["silent"]) == (["h1"], ["h3", "h4", "h5"])
    assert [report["host"] for report in found["reports"]] == ["h1", "h2"]


def test_no_host_speaks_for_another() -> None:
    assert gathered({"h1": answer("h2", "5")})["reports"][0]["host"] == "h1"
