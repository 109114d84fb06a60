# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts have to be told where the others send VXLAN from, and what; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.on_demand.peers import NoTunnelReport, read_report
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import TunnelReport


class GatheredTunnels(t.TypedDict):
    """What all hosts have said."""

    reports: list[TunnelReport]  # of those that have answered
    hosts: list[str]  # inventory names of those that have to be told
    silent: list[str]  # inventory names of those that have not answered


def gathered(answers: Mapping[str, object]) -> GatheredTunnels:
    """``answers``: what each host has answered to ``operation: report``, whatever that is. Who has no VXLAN network needs to know of none."""
    found: GatheredTunnels = {"reports": [], "hosts": [], "silent": []}
    for host, answer in answers.items():
        try:
            report = read_report(answer["report"] if isinstance(answer, Mapping) else None)
        except (KeyError, NoTunnelReport):
            found["silent"].append(host)
            continue
        # A host is believed about itself only.
        found["reports"].append({**report, "host": host})
        if report["networks"]:
            found["hosts"].append(host)
    return found
