"""docs/catalogue.md is what the schemas say; make docs-fields writes it."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.unit import tool


@pytest.fixture(scope="module")
def page() -> t.Any:
    """The module that makes the page."""
    return tool.load("catalogue_doc")


def test_the_committed_page_is_current(page: t.Any) -> None:
    assert page.PATH.read_text(encoding="utf-8") == page.text(), "run make docs-fields"


@pytest.mark.parametrize(
    "row",
    [
        "| `vcpus` * | a whole number | 1 or more |  | CPUs |",
        '| `disk_format` | text | `qcow2`, `raw` | "qcow2" |',
        "| `subnets[].cidr` * | text | a network without host bits",
        "| `mtu` | a whole number | 68 to 65535 |",
        "| `projects.<name>.cores` |",
        "| `filter_scheduler.pci_weight_multiplier` | a number |  | 0.0 (profile `nova`: 1.0) |",
    ],
)
def test_it_has_what_the_schemas_say(page: t.Any, row: str) -> None:
    assert row in page.text()
