# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser for each module of tests, and the folder for what was seen."""

from __future__ import annotations

import collections.abc
import pathlib

import pytest

from ansible_collections.kvmfleet.compute.tests.browser.chromium import Page

SEEN = pathlib.Path(__file__).resolve().parents[2] / ".build" / "browser"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> collections.abc.Iterator[Page]:
    """A page of 1280 by 900."""
    SEEN.mkdir(parents=True, exist_ok=True)
    with Page(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture
def seen() -> pathlib.Path:
    """Where pictures go."""
    return SEEN
