# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole result of a run as a JSON file on the controller, written by the plugin itself: a task of its own would wait for a module to start."""

from __future__ import annotations

from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import json_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import ReportRow


def write_result(path: str, report: list[ReportRow]) -> None:
    """{version, servers}, mode 0644; AnsibleActionFail with the path where it can't be written."""
    try:
        json_file.write(path, {"version": 1, "servers": report}, 0o644)
    except OSError as error:
        raise AnsibleActionFail(f"result_file {path}: {error.strerror}") from None
