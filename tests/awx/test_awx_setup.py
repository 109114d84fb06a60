"""kvmfleet.compute.awx_setup against a stub of AWX: what it makes, that it makes it once, and that a change of the catalogue reaches the surveys."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

import pytest

from .controller import Controller, serve

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tests" / "tools"
WANTED = {
    "compute_awx_inventory": "fleet",
    "compute_awx_project_url": "https://git.example.org/servers.git",
    "compute_awx_credentials": ["hypervisors"],
}


@pytest.fixture(scope="session")
def collections() -> str:
    """The search path of collections, with awx.awx."""
    made = subprocess.run([str(TOOLS / "awx-collection")], stdout=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        subprocess.run([str(TOOLS / "not-run"), "awx_setup: the collection awx.awx can't be had here"], check=True)
        pytest.skip("no awx.awx")
    return f"{ROOT / '.build' / 'collections'}:{made.stdout.strip()}"


class Setup(t.NamedTuple):
    """AWX, and how to set it up."""

    controller: Controller
    run: t.Callable[..., tuple[int, str]]


@pytest.fixture
def setup(tmp_path: pathlib.Path, collections: str) -> t.Iterator[Setup]:
    controller = Controller()
    server, url = serve(controller)

    def run(**variables: t.Any) -> tuple[int, str]:
        """(exit code, output)."""
        path = tmp_path / "variables.json"
        path.write_text(json.dumps({**WANTED, **variables}))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": collections,
            "ANSIBLE_NOCOLOR": "1",
            "CONTROLLER_HOST": url,
            "CONTROLLER_OAUTH_TOKEN": "swordfish",
        }
        command = [str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", str(ROOT / "inventory"), "kvmfleet.compute.awx_setup", "-e", f"@{path}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr

    yield Setup(controller, run)
    server.shutdown()
    server.server_close()


def questions(controller: Controller, kind: str, name: str) -> dict[str, dict[str, t.Any]]:
    survey = controller.surveys[controller.named(kind, name)["related"]["survey_spec"]]
    return {question["variable"]: question for question in survey["spec"]}


def test_all_is_made_once_and_a_changed_catalogue_changes_the_surveys(setup: Setup) -> None:
    controller = setup.controller
    code, output = setup.run()
    assert code == 0, output
    assert controller.tokens == {"Bearer swordfish"} and "swordfish" not in output
    templates = {item["name"]: item for item in controller.items["job_templates"].values()}
    assert {name: item["playbook"] for name, item in templates.items()} == {
        f"kvmfleet: {name}": f"{name}.yml" for name in ("plan", "create", "tests", "delete")
    }
    assert all(item["ask_variables_on_launch"] and not item["ask_limit_on_launch"] for item in templates.values())
    asked = questions(controller, "job_templates", "kvmfleet: create")
    assert asked["compute_server_flavor"]["choices"] == ["m1.large", "m1.scratch", "m1.small", "ssd.large"]
    assert asked["compute_server_zone"]["choices"] == ["zone-a", "zone-b"]
    assert asked["compute_server_key_name"]["choices"] == ["ops"]
    workflow = "kvmfleet: plan, approve, create, test, delete"
    assert questions(controller, "workflow_job_templates", workflow) == asked
    nodes = {item["identifier"]: item for item in controller.items["workflow_job_template_nodes"].values()}
    paths = {
        (name, kind): controller.associations.get(f"{item['url']}{kind}_nodes/") for name, item in nodes.items() for kind in ("success", "failure", "always")
    }
    wanted = {("plan", "success"): "approval", ("approval", "success"): "create", ("create", "success"): "tests", ("create", "failure"): "delete"}
    wanted["tests", "always"] = "delete"
    assert {key: ids for key, ids in paths.items() if ids} == {key: [nodes[name]["id"]] for key, name in wanted.items()}
    code, output = setup.run()
    assert code == 0 and "changed=0" in output, output
    code, output = setup.run(compute_flavors={"only": {}}, compute_server_groups={}, compute_quotas={"instances": 5})
    assert code == 0, output
    asked = questions(controller, "job_templates", "kvmfleet: create")
    assert (asked["compute_server_flavor"]["choices"], asked["compute_server_flavor"]["default"]) == (["only"], "only")
    assert "compute_server_in_group" not in asked and asked["compute_server_count"]["max"] == 5
