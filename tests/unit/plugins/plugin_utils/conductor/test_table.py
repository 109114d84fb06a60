# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run says at its end: lines that no output format breaks, and each reason once."""

from __future__ import annotations

import typing as t

import yaml

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.table import lost, table
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import WIDTH

DRIFT = {"path": "flavorRef", "wanted": "b", "actual": "a", "remedy": "rebuild"}


def row(name: str, **fields: t.Any) -> t.Any:
    return {
        "name": name,
        "state": "ACTIVE",
        "host": "kvm1.example.org",
        "zone": "zone-a",
        "addresses": {"lan": [{"version": 4, "addr": "192.0.2.50", "mac_addr": ""}]},
        "seconds": {"build": 1.25},
        "drift": [],
        "warnings": [],
        "error": None,
        "attempts": [],
        **fields,
    }


def test_a_domain_that_all_hosts_share_and_further_addresses_are_left_out() -> None:
    addresses = {"lan": [{"addr": "192.0.2.50"}, {"addr": "2001:db8::1"}], "wan": [{"addr": "198.51.100.1"}]}
    assert table([row("web", addresses=addresses), row("db", host=None, zone=None, addresses={}, seconds={}, state="ERROR")]) == [
        "SERVER  STATE   HOST  ZONE    ADDRESSES      SECONDS",
        "web     ACTIVE  kvm1  zone-a  192.0.2.50 +2  1.2",
        "db      ERROR   -     -       -              -",
    ]
    assert "kvm1.example.org  " in table([row("a"), row("b", host="kvm2.example.net")])[1]


def test_no_line_is_longer_than_what_a_screen_shows_whatever_the_names() -> None:
    long = "a-name-that-somebody-has-made-up-of-many-words"
    lines = table([row(long * 3, host=f"{long}.example.org", zone=long, drift=[{**DRIFT, "wanted": long * 9}]), row("b", host="c.example.net")])
    assert max(map(len, lines)) <= WIDTH and "…" in lines[1] and lines[1].split()[1] == "ACTIVE"
    # As the format yaml of the default callback dumps them.
    dumped = yaml.dump({"msg": {"inner": lines}}, default_flow_style=False, allow_unicode=True, indent=4)
    assert len(dumped.splitlines()) == len(lines) + 2


def test_what_differs_alike_is_said_once() -> None:
    lines = table([row(f"web-{number}", drift=[DRIFT]) for number in range(5)])[6:]
    assert " ".join(line.strip() for line in lines) == (
        "web-0, web-1, web-2 and 2 more differ from the request: flavorRef is 'a', not 'b'; only a server that is made anew has it"
    )


def test_what_hosts_have_to_say_of_servers_that_run_stands_below_and_has_an_end() -> None:
    lines = table([row("web", warnings=["port p: tap0 is blocking on bridge br0, not forwarding; the guest runs all the same", "x" * 300])])[2:]
    said = " ".join(line.strip() for line in lines)
    assert said.startswith("web: port p: tap0 is blocking on bridge br0, not forwarding; the guest runs all the same web: xxx") and said.count("x") == 200
    lines = table([row(f"web-{number}", warnings=["late"]) for number in range(30)])[31:]
    assert (len(lines), lines[0], lines[-1]) == (21, "web-0: late", "and 10 more warnings; compute_result_file has all")


def test_each_reason_is_told_once_and_at_most_twenty() -> None:
    full = {"error_class": "NoValidHost", "message": "no valid host of 4: 4 MEMORY_MB"}
    assert lost([row("a"), *(row(f"huge-{number}", error=full) for number in range(40))]) == [
        "huge-0, huge-1, huge-2 and 37 more: NoValidHost: no valid host of 4: 4 MEMORY_MB"
    ]
    tried = [{"host": "h1", "stage": "claim"}, {"host": "h2", "stage": "build"}]
    assert lost([row("a", error=full, attempts=tried)])[0].endswith("; tried h1 (claim); tried h2 (build)")
    many = lost([row(f"s{number}", error={**full, "message": str(number)}) for number in range(30)])
    assert len(many) == 21 and many[-1] == "and 10 more reasons; compute_result_file and -vvv have all"
