# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of docs/ci: what they promise of a pipeline, and that what they run is there; their formats' schemas are in tests/tools/lint-collection."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import typing as t
import xml.etree.ElementTree as ET

import pytest
import yaml

from ansible_collections.kvmfleet.compute.tests.plays import local_play

ROOT = pathlib.Path(__file__).resolve().parents[2]
CI = ROOT / "docs" / "ci"
SERVERS = [{"name": "web", "flavor": "m1.small", "image": "debian-12", "networks": [{"name": "lan"}]}]


def gitlab() -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", yaml.safe_load((CI / "gitlab.yml").read_text()))


def github() -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", yaml.safe_load((CI / "github.yml").read_text()))


def steps(job: str) -> dict[str, dict[str, t.Any]]:
    return {step.get("name") or step["uses"]: step for step in github()["jobs"][job]["steps"]}


def play(name: str) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", yaml.safe_load((CI / "molecule" / name).read_text())[0])


def commands() -> list[list[str]]:
    """Every call of ansible-playbook."""
    scripts = [line for job in gitlab().values() if isinstance(job, dict) for line in job.get("script", [])]
    scripts += [step["run"] for job in github()["jobs"].values() for step in job["steps"] if "run" in step]
    return [shlex.split(script) for script in scripts if script.startswith("ansible-playbook")]


def test_every_playbook_and_every_variable_is_there() -> None:
    found = commands()
    assert len(found) == 6
    documented = set(re.findall(r"\bcompute_\w+", "".join(path.read_text() for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"))))
    for command in found:
        (playbook,) = [word.removeprefix("kvmfleet.compute.") for word in command if word.startswith("kvmfleet.compute.")]
        assert (ROOT / "playbooks" / f"{playbook}.yml").is_file()
        assert {word.partition("=")[0] for word in command if word.startswith("compute_")} <= documented
    for name in ("create.yml", "destroy.yml"):
        assert {key for key in play(name)["vars"] if key.startswith("compute_")} <= documented


def test_what_is_created_is_deleted_whatever_became_of_it() -> None:
    delete = gitlab()["kvmfleet-delete"]
    assert delete["stage"] == ".post" and [rule["when"] for rule in delete["rules"]] == ["always"]
    assert "needs" not in delete and "dependencies" not in delete
    assert [rule["if"] for rule in delete["rules"]] == [rule["if"] for rule in gitlab()[".kvmfleet-hosts"]["rules"]]
    names = list(steps("servers"))
    assert names.index("Create") < names.index("Test") < names.index("Delete")
    assert steps("servers")["Delete"]["if"] == "always()"
    for text in ((ROOT / "playbooks" / "delete_requested.yml").read_text(), (CI / "molecule" / "destroy.yml").read_text()):
        assert "compute_delete_missing: ignore" in text


def test_a_check_of_anybodys_request_has_no_secret_and_reads_data_only() -> None:
    assert "KVMFLEET_SSH_KEY" not in json.dumps([gitlab()["kvmfleet-validate"], gitlab()[".kvmfleet"]])
    assert "secrets." not in json.dumps([github()["jobs"]["validate"], github()["env"]])
    assert github()["permissions"] == {"contents": "read"}
    for command in commands():
        assert not [word for word in command if word.startswith("@")]


def test_no_input_stands_in_a_script() -> None:
    # What a caller gives reaches a shell as a variable, and is no part of its program.
    for job in github()["jobs"].values():
        assert not [step["run"] for step in job["steps"] if "${{" in step.get("run", "")]


def run(folder: pathlib.Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A script of a job, in a clone with the example fleet."""
    shutil.copytree(ROOT / "inventory", folder / "inventory")
    (folder / "servers.yml").write_text(json.dumps(SERVERS))
    (folder / "bin").mkdir()
    command = f'#!/bin/sh\nexec {sys.executable} -c "from ansible.cli.playbook import main; main()" "$@"\n'
    (folder / "bin" / "ansible-playbook").write_text(command)
    (folder / "bin" / "ansible-playbook").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "ANSIBLE_COLLECTIONS_PATH": str(local_play.COLLECTIONS),
        "ANSIBLE_NOCOLOR": "1",
        **variables,
    }
    return subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, check=False, cwd=folder, env=environment)


def test_gitlabs_check_runs_as_it_stands(tmp_path: pathlib.Path) -> None:
    variables = {name: value.replace("$CI_PIPELINE_ID", "7") for name, value in gitlab()["variables"].items()}
    done = run(tmp_path, gitlab()["kvmfleet-validate"]["script"][0], CI_PROJECT_DIR=str(tmp_path), **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    reports = gitlab()["kvmfleet-validate"]["artifacts"]["reports"]
    (case,) = ET.parse(tmp_path / reports["junit"]).getroot().iter("testcase")
    assert (case.get("name"), case.get("classname")) == ("web", "kvmfleet.compute.ci-7")
    assert json.loads((tmp_path / reports["codequality"]).read_text()) == []


def test_githubs_check_annotates_the_line(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SERVERS[0], "flavor", "m1.smal")
    done = run(tmp_path, steps("validate")["Validate"]["run"], GITHUB_WORKSPACE=str(tmp_path), INVENTORY="inventory", SERVERS="servers.yml", PROJECT="ci-1")
    assert done.returncode == 2
    assert "\n::error file=servers.yml,line=1,title=FlavorNotFound::web: " in done.stdout, done.stdout + done.stderr


def test_molecules_platforms_become_requests_and_servers_become_instances(tmp_path: pathlib.Path) -> None:
    molecule = yaml.safe_load((CI / "molecule" / "molecule.yml").read_text())
    (_role, tell) = play("create.yml")["tasks"]
    report = {"servers": [{"name": "web", "addresses": {"lan": [{"addr": "192.0.2.1"}, {"addr": "192.0.2.2"}]}}]}
    (tmp_path / "servers.json").write_text(json.dumps(report))
    variables = {
        **play("create.yml")["vars"],
        "molecule_yml": molecule,
        "molecule_ephemeral_directory": str(tmp_path),
        "molecule_instance_config": str(tmp_path / "instances.yml"),
    }
    tasks = [
        {
            "ansible.builtin.assert": {"that": ["compute_servers == wanted", "compute_project == 'molecule-ops-default'", "instances == told"]},
            "vars": tell["vars"],
        },
    ]
    fields = {"flavor": "m1.small", "image": "debian-12", "networks": [{"name": "lan"}], "security_groups": [{"name": "web"}], "key_name": "ops"}
    wanted = [{"name": "web", **fields}]
    instances = [{"instance": "web", "address": "192.0.2.1", "user": "debian", "port": 22, "identity_file": "/home/ops/.ssh/id"}]
    environment = {"USER": "ops", "MOLECULE_FLEET_USER": "debian", "MOLECULE_FLEET_KEY": "/home/ops/.ssh/id"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        done = local_play.run(tmp_path, tasks, {"h1": {}}, {"h1": {**variables, "wanted": wanted, "told": instances}})
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("there", [[{"uuid": "u1", "display_name": "web"}], []])
def test_the_end_of_a_pipeline_deletes_what_was_requested_if_it_is_there(tmp_path: pathlib.Path, there: list[dict[str, str]]) -> None:
    (tmp_path / "servers.yml").write_text(json.dumps([{**SERVERS[0], "networks": "none"}]))
    catalogue = yaml.safe_load((ROOT / "inventory" / "group_vars" / "all" / "flavors.yml").read_text())
    catalogue |= yaml.safe_load((ROOT / "inventory" / "group_vars" / "all" / "images.yml").read_text())
    tasks = yaml.safe_load((ROOT / "playbooks" / "delete_requested.yml").read_text())[0]["tasks"]
    variables = {**catalogue, "compute_servers_file": "servers.yml", "compute_project": "ci-7"}
    done = local_play.run(tmp_path, tasks, {"h1": {"changed": bool(there), "servers": there}}, {"h1": variables})
    assert done.returncode == 0, done.stdout + done.stderr
    assert ("AnsiballZ_server.py" in local_play.modules(tmp_path, "h1")) == bool(there)
