"""docs/fields.md is what the schema says; make docs-fields writes it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.unit import tool


@pytest.fixture(scope="module")
def page() -> t.Any:
    """The module that makes the page."""
    return tool.load("fields_doc")


def test_the_committed_page_is_current(page: t.Any) -> None:
    assert page.PATH.read_text(encoding="utf-8") == page.text(), "run make docs-fields"


@pytest.mark.parametrize(
    "row",
    [
        "| `name` * | text | 1 to 255 characters",
        "| `personality` | a list |  |  | 2.1 to 2.56 |",
        "| from 2.52 |",
        "| `networks[].tag` | text | 1 to 60 characters; `\\A[^,/]*\\Z` |  | 2.32 to 2.36, from 2.42 |",
        "| 2.57 | `personality` | gone: put files into the user data |",
        "| 2.94 | `hostname` | changed",
    ],
)
def test_it_has_what_the_table_says(page: t.Any, row: str) -> None:
    assert row in page.text()
