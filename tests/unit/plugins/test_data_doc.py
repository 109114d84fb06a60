"""docs/data.md is what the shapes say; make docs-data writes it."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.unit import tool


@pytest.fixture(scope="module")
def page() -> t.Any:
    """The module that makes the page."""
    return tool.load("data_doc")


def test_the_committed_page_is_current(page: t.Any) -> None:
    assert page.PATH.read_text(encoding="utf-8") == page.text(), "run make docs-data"


def test_it_links_shapes_and_says_what_a_shape_adds_to(page: t.Any) -> None:
    assert "| `flavor` | [Flavor](#flavor) |" in page.text()
    assert "All of [Instance](#instance), and:" in page.text()


def test_a_field_without_a_meaning_is_refused(page: t.Any, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "shapes.py"
    path.write_text('class A(t.TypedDict):\n    """A."""\n\n    name: str\n')
    with pytest.raises(ValueError, match=r"A\.name has no meaning"):
        list(page.shapes(path))
