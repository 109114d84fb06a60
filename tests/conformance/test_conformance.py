"""The conformance cases that pass stay passing; the driver is tests/conformance/run."""

from __future__ import annotations

import json
import pathlib

import pytest
from conformance import scheduler_cases, schema_cases, semantic_cases

HERE = pathlib.Path(__file__).parent


def _cases(kind: str) -> list[dict]:
    return [json.loads(line) for line in (HERE / f"{kind}_cases.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", _cases("schema"), ids=lambda case: case["id"])
def test_schema(case: dict) -> None:
    assert schema_cases.compare(case)[1] is None


@pytest.mark.parametrize("case", _cases("semantic"), ids=lambda item: item["case"]["id"])
def test_semantic(case: dict) -> None:
    assert semantic_cases.compare(case)[1] is None


@pytest.mark.parametrize("case", _cases("scheduler"), ids=lambda item: item["id"])
def test_scheduler(case: dict) -> None:
    assert scheduler_cases.compare(case)[1] is None
