# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a difference between a request and a server can be ended by: the words of Drift's field ``remedy``; pure."""

from __future__ import annotations

RERUN = "rerun"  # a run with the request applies it
REBUILD = "rebuild"  # only a server that is made anew has it
MANUAL = "manual"  # nothing here applies it: it is to be put right on the host, or passes by itself
REMEDIES = (RERUN, REBUILD, MANUAL)
