# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of AnsibleModule that the modules use, as types; Ansible brings none."""

from __future__ import annotations

import typing as t


class Module(t.Protocol):
    """An AnsibleModule; its parameters have no type until an options class reads them."""

    params: t.Dict[str, t.Any]
    check_mode: bool

    def warn(self, warning: str) -> None:
        """Add a warning to the result."""

    def exit_json(self, **result: object) -> t.NoReturn:
        """End the task."""

    def fail_json(self, msg: str, **result: object) -> t.NoReturn:
        """End the task as failed."""
