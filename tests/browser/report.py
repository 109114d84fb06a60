# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run's page in the browser, and what its tables show."""

from __future__ import annotations

import json
import pathlib

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report import page as report_page
from ansible_collections.kvmfleet.compute.tests.browser.chromium import Page
from ansible_collections.kvmfleet.compute.tests.unit import made_run


def opened(page: Page, run: made_run.MadeRun, folder: pathlib.Path) -> Page:
    """The browser with the run's page."""
    file = folder / "report.html"
    file.write_text(report_page.render(run.state, run.rows, run.scheduled, run.fleet, "2026-01-01 00:00 UTC"), encoding="utf-8")
    page.open(file)
    return page


def order(page: Page, table: str) -> list[str]:
    """The names in a table, from the top."""
    return list(page.ask(f"[...document.querySelectorAll({json.dumps(f'table.{table} > tbody')})].map((body) => body.rows[0].cells[0].textContent)"))


def shown(page: Page, table: str) -> list[str]:
    """Those that a search has left."""
    rows = f"[...document.querySelectorAll({json.dumps(f'table.{table} > tbody')})].filter((body) => body.checkVisibility())"
    return list(page.ask(f"{rows}.map((body) => body.rows[0].cells[0].textContent)"))
