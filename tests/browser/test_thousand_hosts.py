# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a run over a thousand hosts: how large it is, and that it is searched and sorted like a small one; how long that takes is printed."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.kvmfleet.compute.tests.browser.chromium import Page
from ansible_collections.kvmfleet.compute.tests.browser.report import opened, order, shown
from ansible_collections.kvmfleet.compute.tests.unit import made_run

MOST_BYTES = 2_500_000
# Milliseconds until the page is drawn again after an event.
DRAWN = """(async () => { const begin = performance.now(); %s;
  document.body.getBoundingClientRect(); await new Promise((done) => requestAnimationFrame(() => setTimeout(done))); return performance.now() - begin; })()"""


@pytest.fixture(scope="module")
def report(page: Page, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return opened(page, made_run.large(), tmp_path_factory.mktemp("large"))


def test_it_is_no_larger_than_a_photograph(report: Page, seen: pathlib.Path) -> None:
    size = report.ask("new Blob([document.documentElement.outerHTML]).size")
    loaded = report.ask("performance.getEntriesByType('navigation')[0].loadEventEnd")
    print(f"1,000 hosts, 100 servers: {size:,} bytes, {report.ask('document.all.length'):,} elements, loaded after {loaded:.0f} ms")
    report.picture(seen / "thousand-hosts.png")
    assert size < MOST_BYTES
    assert report.complaints() == []


def test_nothing_is_wider_than_the_window(report: Page) -> None:
    assert report.ask("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_it_is_sorted_by_free_memory(report: Page) -> None:
    names = order(report, "hosts")
    took = report.ask(DRAWN % "document.querySelectorAll('.hosts th[aria-sort]')[4].querySelector('button').click()")
    print(f"sorted after {took:.0f} ms")
    free = report.ask("[...document.querySelectorAll('.hosts > tbody')].map((body) => Number(body.rows[0].cells[4].dataset.value))")
    assert free == sorted(free) and len(free) == 1000
    assert sorted(order(report, "hosts")) == sorted(names) and order(report, "hosts") != names


def test_it_is_searched(report: Page) -> None:
    took = report.ask(DRAWN % "{ const box = document.getElementById('search'); box.value = 'az2 disabled'; box.dispatchEvent(new Event('input')) }")
    print(f"searched after {took:.0f} ms")
    found = shown(report, "hosts")
    wanted = [f"h{number}" for number in range(1, 1001) if number % 10 == 4 and number % 3 == 1]
    assert sorted(found) == sorted(wanted)
    assert report.ask("document.getElementById('found').textContent") == f"0 of 100 servers, {len(wanted)} of 1000 hosts"
