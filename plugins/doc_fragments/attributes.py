# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes that all modules describe in the same words."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the changes that it would make, without making them.
  diff_mode:
    description: Returns what has changed, or would change in check mode, when in diff mode.
  idempotent:
    description: A second run with the same input changes nothing.
"""

    CONTROLLER = r"""
options: {}
attributes:
  platform:
    description: Where it runs.
    support: full
    platforms: posix
  connection:
    description: Uses the target's connection.
    support: none
    details: It runs on the controller.
  async:
    description: Supports being used with the C(async) keyword.
    support: none
  bypass_host_loop:
    description: Forces a global task that runs once for all hosts.
    support: none
    details: Use it with C(run_once), as it looks at all hosts of the play.
"""

    HOST = r"""
options: {}
attributes:
  platform:
    description: Where it runs.
    support: full
    platforms: linux
"""

    READS = r"""
options: {}
attributes:
  check_mode:
    support: full
  diff_mode:
    support: N/A
    details: It changes nothing.
  idempotent:
    support: full
"""
