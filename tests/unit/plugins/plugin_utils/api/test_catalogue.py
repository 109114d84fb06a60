"""The catalogue: what its variables become."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.catalogue import load
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Problems


@pytest.mark.parametrize("kind", ["bridge", "libvirt_network"])
def test_a_network_says_once_how_ports_reach_it(kind: str) -> None:
    problems = Problems()
    catalogue = load({"networks": {"lan": {kind: "br0"}}}, problems)
    assert (problems.errors, catalogue.entries["networks"]["lan"]["binding"]) == ([], {"type": kind, "name": "br0"})
