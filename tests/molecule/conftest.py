# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet of the integration tests."""

from __future__ import annotations

from integration import conftest as of_integration

testbed = of_integration.testbed
fleet = of_integration.fleet
