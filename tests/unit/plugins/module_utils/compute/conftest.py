"""An empty host."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.storage import table
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab, PlainDisk


@pytest.fixture
def lab(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """An empty host."""
    disk = PlainDisk()
    monkeypatch.setitem(table.KINDS, "plain", disk)
    return Lab(tmp_path, disk)
