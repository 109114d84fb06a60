# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One PostgreSQL server for all tests of a worker."""

from __future__ import annotations

import typing as t

import pytest

from . import postgres


@pytest.fixture(scope="session")
def server() -> t.Iterator[postgres.Server]:
    with postgres.server() as running:
        yield running
