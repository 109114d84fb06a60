# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan that is kept, and what is made of it later: exactly that, or a sentence with the value that has changed."""

from __future__ import annotations

import json
import pathlib
import stat
import subprocess
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.plays import local_play

CATALOGUE: dict[str, t.Any] = {
    "compute_flavors": {"small": {"vcpus": 1, "memory_mb": 1024, "root_gb": 1}, "huge": {"vcpus": 999, "memory_mb": 64, "root_gb": 1}},
    "compute_images": {"debian": {"source": "https://example.org/d", "checksum": "sha256:" + "0" * 64}},
    "compute_networks": {"lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.2.0/24"}]}},
}
SECRET = "the word of the day"
HOSTS: dict[str, dict[str, t.Any]] = {name: {"vcpus": 4, "memory_mb": 2048, "disk_gb": 50} for name in ("a", "b")}


def web(**fields: t.Any) -> dict[str, t.Any]:
    return {
        "name": "web",
        "flavor": "small",
        "image": "debian",
        "networks": [{"name": "lan"}],
        "min_count": 2,
        "user_data_text": SECRET,
        "adminPass": SECRET,
        **fields,
    }


def variables(folder: pathlib.Path, hosts: dict[str, dict[str, t.Any]], **options: t.Any) -> dict[str, t.Any]:
    """Requests, catalogue and a fleet file of these hosts."""
    networks = {"bridges": [{"name": "br0", "up": True, "mtu": 1500}], "libvirt": []}
    of_hosts = {name: {"host_info": {"host": {"networks": networks, **facts}}} for name, facts in hosts.items()}
    (folder / "fleet.json").write_text(json.dumps({"version": 1, "hosts": of_hosts}))
    (folder / "servers.json").write_text(json.dumps([web()]))
    of_play = {"compute_servers_file": str(folder / "servers.json"), "compute_plan_file": str(folder / "plan.json")}
    return {**CATALOGUE, **of_play, "compute_fleet_file": str(folder / "fleet.json"), **options}


def plan(folder: pathlib.Path, *arguments: str, hosts: dict[str, dict[str, t.Any]] | None = None, **options: t.Any) -> subprocess.CompletedProcess[str]:
    """Keep a plan for two servers."""
    tasks = [{"ansible.builtin.import_role": {"name": "kvmfleet.compute.create_server", "tasks_from": "plan"}}]
    return local_play.run(folder, tasks, {"controller": {}}, {"controller": variables(folder, hosts or HOSTS, **options)}, *arguments)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A plan for two servers, one on each host."""
    folder = tmp_path_factory.mktemp("kept")
    done = plan(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "plan.json").read_text()


def build(
    folder: pathlib.Path, requests: list[dict[str, t.Any]] | None = None, hosts: dict[str, dict[str, t.Any]] | None = None, **options: t.Any
) -> subprocess.CompletedProcess[str]:
    """What a run makes of the plan before it asks any host; placed.json has what would be built."""
    # Not in a file of the run, so that this play can read the report.
    by_value = {"__create_server_hand_over": "value"}
    given = variables(folder, hosts or HOSTS, **options)
    if requests is not None:
        (folder / "servers.json").write_text(json.dumps(requests))
    role = {"name": "kvmfleet.compute.create_server"}
    tasks = [
        {"ansible.builtin.include_role": {**role, "tasks_from": "api"}, "vars": {**by_value, "__create_server_fleet_file": given["compute_fleet_file"]}},
        {"ansible.builtin.include_role": {**role, "tasks_from": "scheduler"}, "vars": by_value},
        {"ansible.builtin.copy": {"content": "{{ __create_server_conducted.report | to_json }}", "dest": f"{folder}/placed.json"}, "delegate_to": "localhost"},
    ]
    interpreter = {"ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    return local_play.run(folder, tasks, {"controller": {}}, {"controller": {**given, **interpreter}})


def where(report: list[dict[str, t.Any]]) -> list[tuple[str, str, str, t.Any]]:
    return [(row["name"], row["id"], row["host"], row["addresses"]) for row in report]


def test_what_was_planned_is_what_is_built(tmp_path: pathlib.Path) -> None:
    done = plan(tmp_path, compute_result_file=str(tmp_path / "result.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 servers to build; kept in" in done.stdout
    path = tmp_path / "plan.json"
    text = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert SECRET not in text and not list(tmp_path.glob(".kvmfleet-*"))
    planned = where(json.loads((tmp_path / "result.json").read_text())["servers"])
    # Without the plan the other host would be the better one now.
    done = build(tmp_path, hosts={"b": {**HOSTS["b"], "memory_mb": 1024 * 1024}, "a": HOSTS["a"]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert where(json.loads((tmp_path / "placed.json").read_text())) == planned
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"requests": [web(min_count=3)]}, "servers[0].min_count: 3: was 2 when it was planned"),
        ({"requests": [web(user_data_text="another word")]}, 'servers[0].user_data_text: \\"<hidden>\\": is not what it was when it was planned'),
        ({"requests": [web(), web(name="db")]}, "servers[1]"),
        ({"hosts": {"a": HOSTS["a"]}}, "hosts.b: is not in the play, or is not read, and the plan has web-"),
        ({"hosts": {**HOSTS, "b": {**HOSTS["b"], "used": {"MEMORY_MB": 1536}}}}, "hosts.b: free memory_mb 2048 -> 512 (used 0 -> 1536), the plan needs 1024"),
        (
            {"compute_flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 1}}},
            "compute_flavors.small.memory_mb: 512: was 1024 when it was planned",
        ),
        (
            {"compute_networks": {"lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.9"}]}}},
            'compute_networks.lan.gateway_ip: \\"192.0.2.9\\": was not there when it was planned',
        ),
        ({"compute_project": "other"}, 'compute_project: \\"other\\": the plan is one of project default'),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_has_changed_since_is_said_with_its_value(tmp_path: pathlib.Path, kept: str, change: dict[str, t.Any], words: str) -> None:
    (tmp_path / "plan.json").write_text(kept)
    done = build(tmp_path, **change)
    assert done.returncode == 2 and words in done.stdout, done.stdout + done.stderr
    assert SECRET not in done.stdout and "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "placed.json").exists()


def test_a_host_that_a_filter_drops_now_is_no_host_of_the_plan(tmp_path: pathlib.Path, kept: str) -> None:
    (tmp_path / "plan.json").write_text(kept)
    done = build(tmp_path, hosts={"a": HOSTS["a"], "b": {**HOSTS["b"], "networks": {"bridges": [], "libvirt": []}}})
    assert done.returncode == 2 and "host b, which is asked for, is out: " in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file or directory"),
        ("nonsense", "must be JSON"),
        ("[]", "must be a plan, as kvmfleet.compute.plan writes it"),
        ('{"version": 9, "collection_version": "7.0.0"}', "version: 9: must be 1, which this collection reads (made by kvmfleet.compute 7.0.0); plan again"),
        ('{"version": 1, "servers": []}', "servers: must have at least 1 entries"),
    ],
)
def test_what_is_no_plan_is_one_sentence(tmp_path: pathlib.Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "plan.json").write_text(content)
    done = build(tmp_path)
    output = done.stdout + done.stderr
    assert done.returncode == 2 and f"compute_plan_file {tmp_path}/plan.json: " in output and words in output, output
    assert "Traceback" not in output


def test_a_plan_that_was_changed_by_hand_is_none(tmp_path: pathlib.Path, kept: str) -> None:
    (tmp_path / "plan.json").write_text(kept.replace('"host": "a"', '"host": "b"'))
    done = build(tmp_path)
    assert done.returncode == 2 and "digest: is not that of the plan, which was changed or cut after 20" in done.stdout, done.stdout + done.stderr


def test_a_server_without_a_place_makes_no_plan(tmp_path: pathlib.Path) -> None:
    done = plan(tmp_path, hosts={"a": {**HOSTS["a"], "memory_mb": 1024}})
    assert done.returncode == 2 and "NoValidHost" in done.stdout, done.stdout + done.stderr
    assert not (tmp_path / "plan.json").exists()


def test_check_mode_keeps_no_plan(tmp_path: pathlib.Path) -> None:
    done = plan(tmp_path, "--check")
    assert done.returncode == 0 and "check mode: " in done.stdout, done.stdout + done.stderr
    assert not (tmp_path / "plan.json").exists()
