"""The validate playbook as a CI job runs it: ansible-playbook, the example inventory, no host."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOOD = {"name": "web", "flavor": "m1.small", "image": "debian-12", "networks": [{"name": "lan"}], "key_name": "ops", "min_count": 2}


@pytest.fixture
def play(tmp_path: pathlib.Path) -> t.Callable[..., tuple[int, str]]:
    """(exit code, output) of the playbook with these variables."""

    def run(**variables: t.Any) -> tuple[int, str]:
        path = tmp_path / "variables.json"
        path.write_text(json.dumps(variables))
        command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", str(ROOT / "inventory"), "kvmfleet.compute.validate", "-e", f"@{path}"]
        environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_NOCOWS": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    return run


def test_requests_that_are_right(play: t.Callable[..., tuple[int, str]]) -> None:
    code, output = play(compute_servers=[GOOD, dict(GOOD, name="db", description="x")])
    assert code == 0, output
    assert "2 requests for 4 servers: nothing wrong" in output
    assert "kvm1" not in output


def test_every_error_is_said_and_no_secret(play: t.Callable[..., tuple[int, str]]) -> None:
    wrong = [
        dict(GOOD, flavor="huge", adminPass="swordfish"),
        dict(GOOD, name="db", tags=["a"], adminPass=["swordfish"]),
        dict(GOOD, name="dc", availability_zone="az:kvm1"),
    ]
    code, output = play(compute_servers=wrong, compute_api_microversion="2.51", compute_policy={}, compute_user="alice", compute_roles=["member"])
    assert code != 0
    for words in ("unknown flavor", "came with 2.52", "adminPass", "policy create:forced_host needs the role admin; user alice has member"):
        assert words in output, words
    assert "swordfish" not in output


def test_a_version_that_yaml_took_for_a_number(play: t.Callable[..., tuple[int, str]]) -> None:
    code, output = play(compute_servers=[GOOD], compute_api_microversion=2.9)
    assert code != 0
    assert "must be text in quotes" in output
