"""The chain with the oldest ansible-core that is supported, and with the newest."""

from __future__ import annotations

import subprocess

import pytest

from .conftest import ROOT, Fleet, server

TOOLS = ROOT / "tests" / "tools"


@pytest.fixture(params=["oldest", "newest"])
def other(fleet: Fleet, request: pytest.FixtureRequest) -> Fleet:
    """The fleet, with that ansible-core on the controller."""
    core: str = request.param
    made = subprocess.run([str(TOOLS / "core-venv"), core], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        subprocess.run([str(TOOLS / "not-run"), f"a create with the {core} ansible-core: no Python that it runs on is installed here"], check=True)
        pytest.skip(f"no Python for the {core} ansible-core")
    fleet.venv = ROOT / made.stdout.strip()
    return fleet


def test_servers_are_created_and_a_second_run_changes_nothing(other: Fleet) -> None:
    asked = server("far", min_count=2, metadata={"note": "{{ lookup('ansible.builtin.pipe', 'echo templated') }}"}, user_data_text="#!/bin/sh\n")
    first = other.create(asked)
    assert first.code == 0, first.output
    for name in ("far-1", "far-2"):
        made = first.server(name)
        assert other.hosts[made["host"]].domains() >= {made["domain"]}
        # A template of the author's own is one, as everywhere in an inventory.
        assert "templated" in other.hosts[made["host"]].run("virsh", "dumpxml", made["domain"])
    second = other.create(asked)
    assert (second.code, second.changed()) == (0, 0), second.output
    assert {server["id"] for server in second.result["servers"]} == {server["id"] for server in first.result["servers"]}
