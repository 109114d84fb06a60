# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts have to be told who is in which security group, and what; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Collection, Mapping

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.membership import NoReport, read_report
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.rules_number import Number, latest, read_number
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import MemberReport, RulesNumber


class Gathered(t.TypedDict):
    """What all hosts have said."""

    reports: list[MemberReport]  # of those that have answered
    hosts: list[str]  # inventory names of those that have to be told
    silent: list[str]  # inventory names of those that have not answered
    rules_numbers: dict[str, RulesNumber]  # of the latest rules that any of them has, by the group's id


def gathered(answers: Mapping[str, object], about: Collection[str] | None = None) -> Gathered:
    """``answers``: what each host has answered to ``operation: report``, whatever that is; ``about``: only who wants one of these groups is told."""
    found: Gathered = {"reports": [], "hosts": [], "silent": [], "rules_numbers": {}}
    numbers = []
    for host, answer in answers.items():
        try:
            report = read_report(answer["report"] if isinstance(answer, Mapping) else None)
            numbers.append(_numbers(answer))
        except (KeyError, NoReport):
            found["silent"].append(host)
            continue
        # A host is believed about itself only.
        found["reports"].append({**report, "host": host})
        wanted = answer.get("wanted_groups") if isinstance(answer, Mapping) else None
        if isinstance(wanted, list) and any(about is None or key in about for key in wanted):
            found["hosts"].append(host)
    found["rules_numbers"] = {group: number.as_dict() for group, number in latest(numbers).items()}
    return found


def _numbers(answer: object) -> dict[str, Number]:
    """Of the rules that a host has; NoReport if they can't be read."""
    try:
        said: dict[str, dict[str, t.Any]] = t.cast("t.Any", answer).get("rules_numbers") or {}
        return {str(key): read_number(number) for key, number in said.items()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NoReport(f"these are no numbers of rules: {type(error).__name__}: {error}") from error
