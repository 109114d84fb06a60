"""Jobs as AWX runs them: a private data folder for ansible-runner, a project of the documentation's playbooks, and extra variables as surveys give them."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOST = {"host": {"vcpus": 16, "memory_mb": 65536, "disk_gb": 1000, "networks": {"bridges": [{"name": "br0", "up": True}], "libvirt": []}}}
# What AWX's surveys give: each answer a text, but for numbers and lists of choices, and an empty text where nothing was answered.
ANSWERS: dict[str, t.Any] = {
    "compute_server_name": "web",
    "compute_server_count": 2,
    "compute_server_flavor": "m1.small",
    "compute_server_image": "debian-12",
    "compute_server_networks": ["lan"],
    "compute_server_zone": "",
    "compute_server_in_group": "web-apart",
    "compute_server_key_name": "ops",
    "compute_server_security_groups": "",
    "compute_server_tags": "ci, web",
    "compute_server_metadata": "role=web\nowner=ops",
    "compute_server_user_data": "#!/bin/sh\necho swordfish {{ 7 * 7 }}\n",
    "compute_result_file": "",
    "compute_aggregates": None,
    "compute_scheduler_filters": "",
}


class Unsafe(str):
    """A text that AWX has marked: its answers are no templates."""


class Dumper(yaml.SafeDumper):
    """As AWX writes the file of extra variables."""


Dumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


@pytest.fixture
def job(tmp_path: pathlib.Path) -> t.Callable[..., tuple[int, str, dict[str, t.Any]]]:
    """(exit code, output and events, artifacts) of a job with these answers."""
    data = tmp_path / "data"
    shutil.copytree(ROOT / "docs" / "awx" / "project", data / "project")
    shutil.copytree(ROOT / "inventory", data / "inventory")
    (tmp_path / "fleet.json").write_text(json.dumps({"version": 1, "hosts": {name: {"host_info": HOST} for name in ("kvm1", "kvm2")}}))

    def run(playbook: str, **answers: t.Any) -> tuple[int, str, dict[str, t.Any]]:
        (data / "env").mkdir(exist_ok=True)
        marked = {name: Unsafe(value) if isinstance(value, str) else value for name, value in answers.items()}
        own = {"awx_user_name": "alice", "awx_job_id": 7, "compute_fleet_file": str(tmp_path / "fleet.json")}
        (data / "env" / "extravars").write_text(yaml.dump({**own, **marked}, Dumper=Dumper))
        tools = pathlib.Path(sys.executable).parent
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "PATH": f"{tools}:{os.environ['PATH']}",
        }
        command = [str(tools / "ansible-runner"), "run", str(data), "-p", playbook, "--ident", "job", "-v"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL)
        folder = data / "artifacts" / "job"
        texts = [path.read_text() for path in folder.glob("job_events/*.json")]
        shutil.rmtree(folder)
        ends = [event["event_data"] for event in map(json.loads, texts) if event["event"] == "playbook_on_stats"]
        return done.returncode, "\n".join([done.stdout, done.stderr, *texts]), ends[0].get("artifact_data", {}) if ends else {}

    return run


def test_a_plan_from_a_survey(job: t.Callable[..., tuple[int, str, dict[str, t.Any]]]) -> None:
    code, output, artifacts = job("plan.yml", **ANSWERS)
    assert code == 0, output
    servers = artifacts["kvmfleet"]["servers"]
    assert [server["name"] for server in servers] == ["web-1", "web-2"]
    assert {server["host"] for server in servers} == {"kvm1", "kvm2"}, "they are of a group that keeps them apart"
    assert "swordfish" not in output


def test_requests_as_text(job: t.Callable[..., tuple[int, str, dict[str, t.Any]]]) -> None:
    request = {"name": "web", "flavor": "m1.small", "image": "debian-12", "networks": [{"name": "lan"}], "description": "{{ 7 * 7 }}"}
    for text in (json.dumps([request]), yaml.safe_dump({"compute_servers": [request]})):
        code, output, artifacts = job("plan.yml", compute_servers=text, compute_server_name="", compute_servers_file=None)
        assert code == 0, output
        assert [server["name"] for server in artifacts["kvmfleet"]["servers"]] == ["web"]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({**ANSWERS, "compute_server_flavor": "m1.smal"}, "compute_server_flavor: "),
        ({**ANSWERS, "compute_server_count": "many"}, "compute_server_count: "),
        ({**ANSWERS, "compute_server_name": ""}, "compute_server_name: "),
        ({**ANSWERS, "compute_servers": "[]"}, "compute_servers (servers) and compute_server_name and the like are both set; give one of them"),
        ({"compute_server_name": "", "compute_server_tags": ""}, "nothing is asked for"),
        ({"compute_servers": "- name: swordfish: x"}, "compute_servers is neither YAML nor JSON, line 1"),
        ({**ANSWERS, "compute_server_metadata": "swordfish"}, "compute_server_metadata must be key=value"),
    ],
)
def test_a_wrong_answer_is_named(job: t.Callable[..., tuple[int, str, dict[str, t.Any]]], answers: dict[str, t.Any], words: str) -> None:
    code, output, _artifacts = job("plan.yml", **answers)
    assert code == 2 and words in output, output
    assert "swordfish" not in output and "Traceback" not in output
