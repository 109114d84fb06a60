# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases as GitLab's code quality report, which a merge request shows beside the lines; pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report.cases import Case

# Where the file of the requests is not known: the format wants a path.
NO_FILE = "compute_servers"


def render(cases: list[Case]) -> str:
    """The document, a list; empty if nothing is wrong."""
    found: list[dict[str, object]] = []
    seen: Counter[str] = Counter()
    for case in cases:
        for problem in case.problems:
            path, line = problem.place or (NO_FILE, 1)
            # Without the line: what has only moved is not new. Equal ones are told apart by their number.
            same = json.dumps([path, case.project, case.name, problem.error_class, problem.message])
            seen[same] += 1
            found.append(
                {
                    "description": f"{case.name}: {problem.error_class}: {problem.message}",
                    "check_name": problem.error_class,
                    "fingerprint": hashlib.sha256(f"{same} {seen[same]}".encode()).hexdigest(),
                    "severity": "major",
                    "location": {"path": path, "lines": {"begin": line}},
                }
            )
    return json.dumps(found, indent=4) + "\n"
