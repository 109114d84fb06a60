# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases as JUnit's XML, in the form that Ant, Jenkins and GitLab share; pure."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report.cases import Case

SUITE = "kvmfleet.compute"
# What XML 1.0 can't hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _text(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def render(cases: list[Case], when: str) -> str:
    """The document. ``when``: as 2026-01-01T00:00:00, which has no zone in this format."""
    failed = [case for case in cases if case.problems]
    unknown = sum(1 for case in failed if case.is_unknown)
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "name": SUITE,
            "package": SUITE,
            "id": "0",
            "hostname": "localhost",
            "timestamp": when,
            "tests": str(len(cases)),
            "failures": str(len(failed) - unknown),
            "errors": str(unknown),
            "time": f"{sum(case.seconds for case in cases):.3f}",
        },
    )
    ET.SubElement(suite, "properties")
    for case in cases:
        element = ET.SubElement(suite, "testcase", {"name": _text(case.name), "classname": _text(f"{SUITE}.{case.project}"), "time": f"{case.seconds:.3f}"})
        if case.problems:
            first = case.problems[0]
            # The format has one for each case: the text has them all. That nothing is known is no failure.
            kind = "error" if case.is_unknown else "failure"
            lost = ET.SubElement(element, kind, {"type": _text(first.error_class), "message": _text(first.message)})
            lost.text = _text("\n".join(f"{problem.error_class}: {problem.message}" for problem in case.problems))
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
