# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases as GitHub's workflow commands, which annotate the lines of a pull request; pure."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report.cases import Case


def _data(text: str) -> str:
    """A text that ends where it ends: no name begins a command of its own."""
    # Half a surrogate pair is no character that could be put out.
    return text.encode(errors="replace").decode().replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def lines(cases: list[Case]) -> list[str]:
    """One line for each problem."""
    found = []
    for case in cases:
        for problem in case.problems:
            place = f"file={_property(problem.place.file)},line={problem.place.line}," if problem.place else ""
            found.append(f"::error {place}title={_property(problem.error_class)}::{_data(f'{case.name}: {problem.message}')}")
    return found
