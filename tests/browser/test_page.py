# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a run as somebody reads it: looked at, clicked, searched, by keyboard, in the dark, on paper; names that are hostile."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report import host_rows
from ansible_collections.kvmfleet.compute.tests.browser.chromium import Page
from ansible_collections.kvmfleet.compute.tests.browser.report import opened, order, shown
from ansible_collections.kvmfleet.compute.tests.unit import made_run

OPEN_ALL = "document.querySelectorAll('details').forEach((item) => { item.open = true; })"
# Every text that is seen, with the contrast of its colour to the ground that it stands on (WCAG 2: relative luminance).
CONTRASTS = """(() => {
  const parts = (text) => text.match(/[0-9.]+/g).map(Number);
  const luminance = (rgb) => rgb.slice(0, 3).map((part) => part / 255).map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
  const ground = (element) => {
    for (let it = element; it; it = it.parentElement) {
      const colour = parts(getComputedStyle(it).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const element of document.body.querySelectorAll("*")) {
    const has = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!has || !element.checkVisibility() || element.tagName === "SCRIPT") continue;
    const [one, other] = [parts(getComputedStyle(element).color), ground(element)].map(luminance);
    found.push([(Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05), element.textContent.slice(0, 40)]);
  }
  return found;
})()"""


@pytest.fixture(scope="module")
def run() -> made_run.MadeRun:
    return made_run.small()


@pytest.fixture
def report(page: Page, run: made_run.MadeRun, tmp_path: pathlib.Path) -> Page:
    return opened(page, run, tmp_path)


def test_it_asks_for_nothing_but_itself_and_the_browser_has_no_complaint(report: Page, seen: pathlib.Path) -> None:
    report.picture(seen / "three-hosts.png")
    assert [address.rpartition("/")[2] for address in report.requests()] == ["report.html"]
    assert report.complaints() == []


def test_nothing_is_wider_than_the_window(report: Page) -> None:
    report.ask(OPEN_ALL)
    assert report.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert report.ask("[...document.querySelectorAll('section')].every((part) => part.scrollWidth <= part.clientWidth)")


def test_the_bars_are_as_long_as_their_numbers(report: Page, run: made_run.MadeRun) -> None:
    drawn = report.ask(
        "[...document.querySelectorAll('.hosts tbody tr')].map((row) => [...row.querySelectorAll('.bar')].map((bar) => Object.fromEntries("
        "[...bar.children].map((part) => [part.getAttribute('class'), part.getBoundingClientRect().width / bar.getBoundingClientRect().width]))))"
    )
    rows = {row.name: row.bars for row in host_rows.host_rows(run.fleet, run.state)}
    assert len(drawn) == len(rows) == 3
    for name, bars in zip(order(report, "hosts"), drawn, strict=True):
        for kind, parts in zip(("VCPU", "MEMORY_MB", "DISK_GB"), bars, strict=True):
            wanted = rows[name][kind]
            assert parts.get("new", 0) == pytest.approx(wanted.new / wanted.size, abs=0.01), (name, kind)
            assert parts.get("used", 0) == pytest.approx(wanted.used / wanted.size, abs=0.01), (name, kind)


def test_a_click_sorts_by_number_and_a_second_one_turns_it_round(report: Page, run: made_run.MadeRun) -> None:
    rows = host_rows.host_rows(run.fleet, run.state)
    by_memory = [row.name for row in sorted(rows, key=lambda row: row.bars["MEMORY_MB"].free)]
    button = "document.querySelectorAll('.hosts th[aria-sort]')[4].querySelector('button')"
    assert order(report, "hosts") == ["h1", "h2", "h3"] != list(reversed(by_memory))
    report.click(button)
    assert order(report, "hosts") == by_memory
    assert report.ask(f"{button}.parentElement.getAttribute('aria-sort')") == "ascending"
    report.click(button)
    assert order(report, "hosts") == list(reversed(by_memory))
    assert report.ask("[...document.querySelectorAll('.hosts [aria-sort]')].map((it) => it.getAttribute('aria-sort')).filter((it) => it !== 'none')") == [
        "descending"
    ]
    # 1,567 is more than 347.
    by_disk = [row.name for row in sorted(rows, key=lambda row: row.bars["DISK_GB"].free)]
    report.click("document.querySelectorAll('.hosts th[aria-sort]')[5].querySelector('button')")
    assert order(report, "hosts") == by_disk
    # The servers' details go with their servers.
    report.click("document.querySelectorAll('.servers th[aria-sort]')[0].querySelector('button')")
    assert order(report, "servers") == ["huge", "web-1", "web-2", "web-3"]
    assert report.ask("document.querySelector('.servers tbody').rows[1].textContent.includes('NoValidHost')")


def test_a_search_leaves_what_has_all_words_and_says_how_many(report: Page) -> None:
    report.click("document.getElementById('search')")
    report.write("WEB m1.small 192.0.2.2")
    assert shown(report, "servers") == ["web-2"]
    assert shown(report, "hosts") == []
    assert report.ask("document.getElementById('found').textContent") == "1 of 4 servers, 0 of 3 hosts"
    report.press("Backspace", len("WEB m1.small 192.0.2.2"))
    report.write("new disks")
    assert (shown(report, "servers"), shown(report, "hosts")) == ([], ["h3"])
    report.press("Backspace", len("new disks"))
    assert (len(shown(report, "servers")), len(shown(report, "hosts"))) == (4, 3)


def test_the_keyboard_reaches_everything(report: Page) -> None:
    active = "document.activeElement.textContent || document.activeElement.id"
    reached = []
    for _stop in range(40):
        report.press("Tab")
        reached.append(report.ask(active))
        if reached[-1].startswith("Why h2"):
            break
    assert reached[:5] == ["Servers", "Hosts", "Why nowhere else", "search", "Server"]
    assert report.ask("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert not report.ask("document.querySelector('.why details').open")
    report.press("Enter")
    assert report.ask("document.querySelector('.why details').open")


def test_a_link_opens_the_hosts_that_are_out(report: Page) -> None:
    report.click("document.querySelector('.why summary')")
    report.click("document.querySelector('.why a')")
    assert report.ask("document.getElementById('request-0').open && document.getElementById('request-0').textContent.includes('new disks')")


@pytest.mark.parametrize(("media", "scheme"), [("screen", "light"), ("screen", "dark"), ("print", "dark")])
def test_every_text_can_be_read(report: Page, seen: pathlib.Path, media: str, scheme: str) -> None:
    report.media(media, scheme)
    report.ask(OPEN_ALL)
    report.picture(seen / f"three-hosts-{media}-{scheme}.png")
    contrasts = report.ask(CONTRASTS)
    ground = report.ask("getComputedStyle(document.body).backgroundColor")
    report.media()
    assert len(contrasts) > 80
    assert [found for found in contrasts if found[0] < 4.5] == []
    assert (ground == "rgb(20, 24, 31)") == (media == "screen" and scheme == "dark")


def test_paper_shows_the_details_and_no_tools(report: Page, seen: pathlib.Path) -> None:
    count = "document.querySelectorAll('details[open]').length"
    before = report.ask(count)
    report.ask("window.addEventListener('beforeprint', () => { window.opened = document.querySelectorAll('.why details[open]').length; })")
    printed = report.pdf()
    (seen / "three-hosts.pdf").write_bytes(printed)
    assert printed.startswith(b"%PDF-")
    assert (report.ask("window.opened"), report.ask(count)) == (4, before)
    report.media("print")
    hidden = report.ask("[...document.querySelectorAll('.tools, nav')].every((it) => getComputedStyle(it).display === 'none')")
    report.media()
    assert hidden


def test_it_can_be_read_without_script(page: Page, run: made_run.MadeRun, tmp_path: pathlib.Path) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    opened(page, run, tmp_path)
    page.call("Emulation.setScriptExecutionDisabled", value=False)
    assert (len(shown(page, "servers")), len(shown(page, "hosts"))) == (4, 3)
    assert page.ask("document.getElementById('found').textContent") == ""


@pytest.mark.parametrize(
    "hostile",
    ["<script>window.hit = 1</script>", '"><img src=x onerror="window.hit = 1">', "</script><script>window.hit = 1</script>", "<svg onload='window.hit = 1'>"],
)
def test_a_name_runs_nothing(page: Page, tmp_path: pathlib.Path, hostile: str) -> None:
    run = made_run.small()
    for server in run.state["servers"].values():
        of = server["placed"] or server["unplaced"]
        assert of is not None
        of["instance"]["display_name"] = hostile
    for entry in run.fleet["hosts"].values():
        if entry["state"]:
            entry["state"]["service"] = {"disabled": True, "disabled_reason": hostile}
    opened(page, run, tmp_path)
    assert page.ask("typeof window.hit") == "undefined"
    assert shown(page, "servers") == [hostile] * 4
    assert page.ask("document.querySelectorAll('img, script').length") == 1
    assert page.complaints() == []
