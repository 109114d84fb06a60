"""The chain with the oldest ansible-core that is supported."""

from __future__ import annotations

import subprocess

import pytest

from .conftest import ROOT, Fleet, server

TOOLS = ROOT / "tests" / "tools"


@pytest.fixture
def oldest(fleet: Fleet) -> Fleet:
    """The fleet, with that ansible-core on the controller."""
    made = subprocess.run([str(TOOLS / "core-venv"), "oldest"], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        subprocess.run([str(TOOLS / "not-run"), "a create with the oldest ansible-core: no Python that it runs on is installed here"], check=True)
        pytest.skip("no Python for the oldest ansible-core")
    fleet.venv = ROOT / made.stdout.strip()
    return fleet


def test_servers_are_created_and_a_second_run_changes_nothing(oldest: Fleet) -> None:
    asked = server("old", min_count=2, metadata={"note": "{{ lookup('ansible.builtin.pipe', 'echo templated') }}"}, user_data_text="#!/bin/sh\n")
    first = oldest.create(asked)
    assert first.code == 0, first.output
    for name in ("old-1", "old-2"):
        made = first.server(name)
        assert oldest.hosts[made["host"]].domains() >= {made["domain"]}
        # A template of the author's own is one, as everywhere in an inventory.
        assert "templated" in oldest.hosts[made["host"]].run("virsh", "dumpxml", made["domain"])
    second = oldest.create(asked)
    assert (second.code, second.changed()) == (0, 0), second.output
    assert {server["id"] for server in second.result["servers"]} == {server["id"] for server in first.result["servers"]}
