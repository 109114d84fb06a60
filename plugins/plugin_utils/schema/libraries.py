# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the controller needs of PyPI; hosts need none of it."""

from __future__ import annotations

import importlib.util
import sys

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.controller_needs import not_installed

# What is not installed, each as a sentence: an action says so before anything else.
MISSING = tuple(not_installed(name, sys.executable) for name in ("jsonschema", "netaddr") if importlib.util.find_spec(name) is None)
