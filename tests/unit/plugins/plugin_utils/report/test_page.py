# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a run: what stands in it, and that nothing that somebody else has named becomes markup."""

from __future__ import annotations

import copy
import html.parser
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.result import rows
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report import choices, host_rows, page
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, Round
from ansible_collections.kvmfleet.compute.tests.unit import made_run, make

WHEN = "2026-01-01 00:00 UTC"
HOSTILE = (
    "<script>window.hit=1</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style></title></script><h1>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
)


class Elements(html.parser.HTMLParser):
    """Every element with its attributes, the texts between them, and what is left open."""

    EMPTY: t.ClassVar[set[str]] = {"meta", "link", "br", "input", "rect"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> in {self.open}"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def render(run: made_run.MadeRun) -> str:
    return page.render(run.state, run.rows, run.scheduled, run.fleet, WHEN)


def replaced(value: t.Any, changes: dict[str, str]) -> t.Any:
    """The same data with other texts, in keys too."""
    if isinstance(value, str):
        return changes.get(value, value)
    if isinstance(value, dict):
        return {changes.get(key, key): replaced(item, changes) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(replaced(item, changes) for item in value)
    return value


def test_every_host_and_server_stands_in_it_and_every_element_is_closed() -> None:
    run = made_run.small()
    elements = Elements(render(run))
    assert elements.open == []
    found = [attributes.get("data-find") for _tag, attributes in elements.found]
    assert (found.count("servers"), found.count("hosts")) == (4, 3)
    text = "".join(elements.texts)
    for word in ("Plan of 3 of 4 servers on 1 host", "web-1", "192.0.2.1", "disabled: new disks", "no valid host of 3", "Why not the other hosts", WHEN):
        assert word in text
    sortable = [attributes for tag, attributes in elements.found if tag == "th" and "aria-sort" in attributes]
    assert len(sortable) == 6 + 6 + 2 * 3


def test_it_asks_for_nothing_and_runs_its_own_script_only() -> None:
    elements = Elements(render(made_run.small()))
    addresses = [value for _tag, attributes in elements.found for name, value in attributes.items() if name in ("src", "href") and value]
    assert all(address.startswith("#") or address == "data:," for address in addresses)
    policy = next(attributes["content"] for tag, attributes in elements.found if tag == "meta" and "http-equiv" in attributes) or ""
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert not [name for _tag, attributes in elements.found for name in attributes if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_name_is_never_markup(hostile: str) -> None:
    run = made_run.small()
    before = Elements(render(run))
    names = {"web-1", "h2", "az2", "new disks", "m1.small", "debian", "lan", "NoValidHost"}
    changes = {name: hostile + name for name in names}
    other = made_run.MadeRun(*(replaced(part, changes) for part in (run.fleet, run.scheduled, run.state)))
    after = Elements(render(other))
    assert [tag for tag, _attributes in after.found] == [tag for tag, _attributes in before.found]
    assert [set(attributes) for _tag, attributes in after.found] == [set(attributes) for _tag, attributes in before.found]
    assert "".join(after.texts).count(hostile) >= 10


def test_the_parts_of_a_bar_are_what_the_scheduler_counts() -> None:
    facts = make.host("h1", vcpus=8, reserved={"VCPU": 2}, used={"VCPU": 5, "MEMORY_MB": 9000}, allocation_ratio={"VCPU": 2.0})
    of: Fleet = {"version": 1, "hosts": {"h1": {"status": "ok", "error": None, "state": facts}}, "aggregates": []}
    # Nothing of what there is too much of already.
    run = made_run.made(of, ("web", 2, {"vcpus": 3, "memory_mb": 0}))
    (row,) = host_rows.host_rows(of, run.state)
    assert row.bars["VCPU"] == host_rows.Bar(reserved=4, used=5, new=6, free=1)
    assert row.bars["MEMORY_MB"] == host_rows.Bar(reserved=0, used=9000, new=0, free=0)
    assert row.servers == ["web-1", "web-2"]
    first = next(iter(run.state["servers"].values()))
    first["status"] = "failed"
    (row,) = host_rows.host_rows(of, run.state)
    assert (row.bars["VCPU"].new, row.servers) == (3, ["web-2"])
    first["status"] = "unknown"
    (row,) = host_rows.host_rows(of, run.state)
    assert row.bars["VCPU"].new == 6


def test_the_whole_fleet_is_the_sum_of_the_hosts_that_could_be_read() -> None:
    run = made_run.made(made_run.fleet(10), ("web", 2, {}))
    shown = host_rows.host_rows(run.fleet, run.state)
    assert shown[6].bars == {} and shown[6].note == "unreachable: no route to host"
    whole = host_rows.fleet_bars(shown)["VCPU"]
    assert whole.new == 2 and whole.size == sum(row.bars["VCPU"].size for row in shown if row.bars)
    assert host_rows.fleet_bars([])["VCPU"] == host_rows.Bar(0, 0, 0, 0)


@pytest.mark.parametrize(
    ("counted", "drawn"),
    [
        (host_rows.Bar(1, 2, 1, 4), [("reserved", 0, 125), ("used", 125, 250), ("new", 375, 125)]),
        (host_rows.Bar(0, 0, 0, 0), []),
        (host_rows.Bar(0, 1, 1, 99_998), [("used", 0, 6), ("new", 0, 6)]),
        (host_rows.Bar(0, 99_999, 1, 0), [("used", 0, 999), ("new", 994, 6)]),
    ],
)
def test_a_bar_is_drawn_to_its_end_and_shows_the_smallest_part(counted: host_rows.Bar, drawn: list[tuple[str, int, int]]) -> None:
    assert page._drawn(counted) == drawn


def why(run: made_run.MadeRun) -> list[str]:
    return [server.why for server in choices.server_rows(run.state, rows(run.state, False), run.scheduled)]


def test_why_a_server_is_where_it_is() -> None:
    run = made_run.small()
    first, *_others, huge = why(run)
    assert first.startswith("one of 2 hosts that were left, with weight ") and "; the next is h1 with " in first
    assert huge.startswith("NoValidHost: no valid host of 3")
    # One that was refused by its host went on to the next.
    moved: Round = copy.deepcopy(run.state)
    placed = next(iter(moved["servers"].values()))["placed"]
    assert placed is not None
    placed.update(host="h1", attempts=[{"host": "h2", "stage": "claim", "error": "full"}])
    again = choices.server_rows(moved, rows(moved, False), run.scheduled)[0]
    assert again.why.startswith("the next host of those that were left, after h2 (one of 2")
    # One that is there was never chosen.
    placed["action"] = "none"
    there = choices.server_rows(moved, rows(moved, False), run.scheduled)[0]
    assert there.why.startswith("it is there already") and there.request == ""
    equal = made_run.made({**run.fleet, "hosts": {name: {"status": "ok", "error": None, "state": make.host(name)} for name in "abc"}}, ("web", 1, {}))
    assert why(equal)[0].endswith("; 2 more have the same")


def test_hosts_that_are_out_are_grouped_by_who_refuses() -> None:
    run = made_run.small()
    servers = choices.server_rows(run.state, run.rows, run.scheduled)
    web, huge = choices.request_rows(servers, run.scheduled)
    assert (web.names, [(group.by, group.hosts) for group in web.out]) == (["web-1", "web-2", "web-3"], [("disabled", [("h3", "new disks")])])
    assert [(group.by, [host for host, _why in group.hosts]) for group in huge.out] == [("VCPU", ["h1", "h2"]), ("disabled", ["h3"])]


def test_a_run_without_facts_or_explanation_has_a_page_too() -> None:
    run = made_run.small()
    elements = Elements(page.render(run.state, run.rows, [], None, WHEN))
    ids = {attributes.get("id") for _tag, attributes in elements.found}
    assert "servers" in ids and not {"hosts", "requests"} & ids


def test_a_server_that_only_its_host_reaches_stands_there_with_the_port() -> None:
    run = made_run.small()
    found = run.rows
    by_address: t.Any = {"version": 4, "addr": "192.0.2.9", "mac_addr": "fa:16:3e:00:00:01"}
    found[0]["addresses"] = {"lan": [by_address], "user": [{**by_address, "addr": "198.51.100.9", "ssh_port": 20007}]}
    texts = " ".join(" ".join(Elements(page.render(run.state, found, run.scheduled, run.fleet, WHEN)).texts).split())
    assert "192.0.2.9 lan" in texts and "127.0.0.1:20007 user" in texts and "198.51.100.9" not in texts
