# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What pipelines show of a run, held against the schemas of their formats.

``schemas/jenkins-junit-10.xsd`` is src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd of jenkinsci/xunit-plugin (MIT), and
``schemas/ant-junit.xsd`` JUnit.xsd of windyroad/JUnit-Schema (Apache-2.0), the schema of Ant's task, both as they are published. GitLab's code quality format
is a table in its documentation, and here a schema made from that.
"""

from __future__ import annotations

import json
import pathlib
import typing as t

import jsonschema
import pytest
import xmlschema

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report import cases, code_quality, github, junit
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fault
from ansible_collections.kvmfleet.compute.tests.unit import made_run

SCHEMAS = pathlib.Path(__file__).parent / "schemas"
WHEN = "2026-01-01T00:00:00"
CODE_QUALITY: dict[str, t.Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "additionalProperties": False,
        "properties": {
            "description": {"type": "string"},
            "check_name": {"type": "string"},
            "fingerprint": {"type": "string"},
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "type": "object",
                "required": ["path", "lines"],
                "properties": {
                    # Relative to the repository, without ./ before it.
                    "path": {"type": "string", "pattern": r"^[^./]"},
                    "lines": {"type": "object", "required": ["begin"], "properties": {"begin": {"type": "integer", "minimum": 1}}},
                },
            },
        },
    },
}
HOSTILE = "a\x00\x1b[31m\ud800]]>&<b> \n::error::\r%0A"


def place_of(path: str) -> cases.Place | None:
    return cases.Place("ci/servers.yml", 3) if path.startswith("servers[1]") else None


def fault(server: int | None, path: str, rule: str = "unknown flavor huge") -> Fault:
    return {
        "server": server,
        "name": None,
        "path": path,
        "value": "huge",
        "rule": rule,
        "error_class": "FlavorNotFound",
        "http_status": 400,
        "message": f"{path}: {rule}",
    }


def of_a_run() -> list[cases.Case]:
    """Three servers that are there or planned, one that is lost, one of which nothing is known."""
    run = made_run.small()
    second = list(run.state["servers"].values())[1]
    second.update(
        status="unknown", error={"error_class": "HostUnreachable", "message": "no answer", "reschedule": False}, seconds={"claim": 0.25, "build": 1.5}
    )
    return cases.cases_of_run(run.state, run.rows, place_of)


def hostile() -> list[cases.Case]:
    problem = cases.Problem(HOSTILE, HOSTILE, cases.Place("a,b:c%.yml", 7))
    return [cases.Case(HOSTILE, HOSTILE, 0.0, [problem, problem], False)]


ALL = [of_a_run, hostile, lambda: cases.cases_of_faults(["web", None], [fault(1, "servers[1].flavor"), fault(None, "compute_flavors")], "p", place_of), list]


@pytest.mark.parametrize("schema", ["jenkins-junit-10.xsd", "ant-junit.xsd"])
@pytest.mark.parametrize("made", ALL)
def test_junit_is_what_the_schema_says(schema: str, made: t.Callable[[], list[cases.Case]]) -> None:
    xmlschema.XMLSchema(str(SCHEMAS / schema)).validate(junit.render(made(), WHEN))


@pytest.mark.parametrize("made", ALL)
def test_code_quality_is_what_gitlab_documents(made: t.Callable[[], list[cases.Case]]) -> None:
    found = json.loads(code_quality.render(made()))
    jsonschema.validate(found, CODE_QUALITY)
    # GitLab shows one of those that have the same.
    assert len({one["fingerprint"] for one in found}) == len(found)


def test_each_server_of_a_run_is_a_test_case() -> None:
    root = xmlschema.XMLResource(junit.render(of_a_run(), WHEN)).root
    suite = root[0]
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "time")} == {"tests": "4", "failures": "1", "errors": "1", "time": "1.750"}
    shown = {case.get("name"): [(one.tag, one.get("type")) for one in case] for case in suite.iter("testcase")}
    assert shown == {"web-1": [], "web-2": [("error", "HostUnreachable")], "web-3": [], "huge": [("failure", "NoValidHost")]}
    assert next(suite.iter("failure")).get("message", "").startswith("no valid host of 3")


def test_each_refused_request_is_a_test_case_with_all_its_faults() -> None:
    faults = [fault(1, "servers[1].flavor"), fault(1, "servers[1].image"), fault(None, "compute_flavors")]
    found = cases.cases_of_faults(["web", None], faults, "p", place_of)
    assert [(case.name, len(case.problems)) for case in found] == [("web", 0), ("servers[1]", 2), ("catalogue and fleet", 1)]
    text = next(xmlschema.XMLResource(junit.render(found, WHEN)).root.iter("failure")).text
    assert text == "FlavorNotFound: servers[1].flavor: unknown flavor huge\nFlavorNotFound: servers[1].image: unknown flavor huge"
    report = json.loads(code_quality.render(found))
    assert [one["location"] for one in report] == [{"path": "ci/servers.yml", "lines": {"begin": 3}}] * 2 + [{"path": "compute_servers", "lines": {"begin": 1}}]


def test_a_fault_that_has_only_moved_is_not_new() -> None:
    one, other = (
        code_quality.render(cases.cases_of_faults(["a"], [fault(0, "servers[0].flavor")], "p", lambda _path, at=line: cases.Place("s.yml", at)))
        for line in (3, 30)
    )
    assert json.loads(one)[0]["fingerprint"] == json.loads(other)[0]["fingerprint"]


def test_an_annotation_is_one_line_whatever_the_names_are() -> None:
    (first, second) = github.lines(hostile())
    assert first == second
    assert first.startswith("::error file=a%2Cb%3Ac%25.yml,line=7,title=") and "\n" not in first and "\r" not in first
    assert first.count("%0A") == 3 and "%250A" in first
    assert github.lines(cases.cases_of_faults(["web"], [fault(0, "servers[0].flavor")], "p", place_of)) == [
        "::error title=FlavorNotFound::web: servers[0].flavor: unknown flavor huge"
    ]
