# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario of docs/ci/molecule, run by Molecule itself: its instances are servers of the fleet, are logged in to, and are gone afterwards."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import typing as t

import pytest
import yaml
from integration.conftest import ROOT, STATE, Fleet

SCENARIO = ROOT / "docs" / "ci" / "molecule"


def play(name: str, *tasks: dict[str, t.Any]) -> str:
    # The micro image has no Python.
    return yaml.safe_dump([{"name": name, "hosts": "webservers", "gather_facts": False, "tasks": list(tasks)}])


@pytest.fixture
def project(tmp_path: pathlib.Path) -> pathlib.Path:
    """A role's repository with the scenario as it stands in the documentation, but for the testbed's own flavor, image, key and inventory."""
    folder = tmp_path / "roles" / "greet"
    made = folder / "molecule" / "default"
    shutil.copytree(SCENARIO, made)
    shutil.copytree(STATE / "inventory", folder / "inventory")
    scenario = yaml.safe_load((made / "molecule.yml").read_text())
    scenario["platforms"][0].update(flavor="m1.micro", image="micro", key_name="testbed")
    scenario["provisioner"]["env"] = {"MOLECULE_FLEET_USER": "root", "MOLECULE_FLEET_KEY": str(STATE / "ssh" / "id")}
    (made / "molecule.yml").write_text(yaml.safe_dump(scenario))
    # A second run is to change nothing: Molecule asks for that before it verifies.
    greet = {"name": "Greet", "ansible.builtin.raw": "echo hello > /root/greeting", "changed_when": False}
    (made / "converge.yml").write_text(play("Converge", greet))
    said = {"name": "Look", "ansible.builtin.raw": "hostname; cat /root/greeting", "register": "said", "changed_when": False}
    right = {"name": "Check", "ansible.builtin.assert": {"that": "said.stdout_lines | map('trim') | list == ['web', 'hello']"}}
    (made / "verify.yml").write_text(play("Verify", said, right))
    return folder


def molecule(fleet: Fleet, project: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "PATH": f"{fleet.venv / 'bin'}:{os.environ['PATH']}",
        "ANSIBLE_CONFIG": str(STATE / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"),
        "MOLECULE_EPHEMERAL_DIRECTORY": str(project.parent / "ephemeral"),
        "USER": "ops",
        "NO_COLOR": "1",
    }
    return subprocess.run(["molecule", *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=900)


def test_molecule_creates_its_instances_logs_in_to_them_and_destroys_them(fleet: Fleet, project: pathlib.Path) -> None:
    made = molecule(fleet, project, "converge")
    assert made.returncode == 0, made.stdout + made.stderr
    assert len(fleet.where("web-")) == 1
    verified = molecule(fleet, project, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    destroyed = molecule(fleet, project, "destroy")
    assert destroyed.returncode == 0, destroyed.stdout + destroyed.stderr
    assert fleet.where("") == []


def test_molecule_fails_and_cleans_up_if_a_check_fails(fleet: Fleet, project: pathlib.Path) -> None:
    wrong = {"name": "Look", "ansible.builtin.raw": "false"}
    (project / "molecule" / "default" / "verify.yml").write_text(play("Verify", wrong))
    done = molecule(fleet, project, "test")
    assert done.returncode != 0
    assert "non-zero return code" in done.stdout + done.stderr
    assert fleet.where("") == []
