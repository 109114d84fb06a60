# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates in what hosts answer, in the records of servers, in kept facts and in files of requests are text, with every ansible-core: none is ever run."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.plays import local_play
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked

DB = "6f70656e-7374-4163-8b20-342065766572"


def template(folder: pathlib.Path) -> str:
    """One that leaves a file if it is run."""
    return "{{ lookup('ansible.builtin.pipe', 'touch " + str(folder / "ran") + "') }}"


def answer(folder: pathlib.Path) -> dict[str, t.Any]:
    """What the host says to every module: the facts of a host with one server, and a failure, with a template wherever it may have text of its own."""
    text = template(folder)
    record: dict[str, t.Any] = {
        **make.fleet_record(
            make.instance(
                DB,
                display_name="db",
                project_id="default",
                hostname="db",
                display_description=text,
                metadata={"key": text, text: "value"},
                tags=[text],
                key_name=text,
                image=make.image(name=text, properties={"os_distro": text}),
                flavor=make.flavor(name=text, extra_specs={"a": text}),
                scheduler_hints={"query": text, text: [text]},
            )
        ),
        "drift": [{"path": text, "wanted": text, "actual": text, "remedy": "rebuild"}],
    }
    facts = make.host(
        "h1",
        node=text,
        traits=[text],
        metrics={text: 1},
        facts={text: text, "rack": text},
        images=[{"digest": text, "digests": {text: text}, "disk_format": text, "virtual_size": 1}],
        domains=[{"name": text, "uuid": text, "foreign": True, "mac_addresses": [text]}],
        service={"disabled": False, "disabled_reason": text},
        instances=[record],
    )
    return {"changed": False, "host": facts, "servers": [{"uuid": text, "display_name": text, "error": text}], "msg": text, text: text}


@pytest.fixture
def play(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., tuple[int, str]]:
    """(exit code, output) of an entry point of the role over a host of such answers, with requests from a file; facts are kept in a fact cache."""
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN", "ansible.builtin.jsonfile")
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN_CONNECTION", str(tmp_path / "cache"))
    text = template(tmp_path)
    plain = {"networks": "none", "metadata": {"other": text}, "tags": ["other"]}
    requests = [asked(name="db", description=f"new {text}", **plain), asked(name="web", description=text, user_data_text=text, **plain)]
    (tmp_path / "servers.yml").write_text(json.dumps(requests))

    def run(entry: str, **variables: t.Any) -> tuple[int, str]:
        (tmp_path / "variables.json").write_text(json.dumps({**{f"compute_{kind}": entries for kind, entries in CATALOGUE.items()}, **variables}))
        tasks = [{"ansible.builtin.import_role": {"name": "kvmfleet.compute.create_server", "tasks_from": entry}}]
        done = local_play.run(tmp_path, tasks, {"h1": answer(tmp_path)}, None, "-e", "@variables.json")
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize(("registrar", "asked"), [("none", ["host_info", "server"]), ("host", ["registrar", "host_info"])])
def test_of_a_create(tmp_path: pathlib.Path, play: t.Callable[..., tuple[int, str]], registrar: str, asked: list[str]) -> None:
    options = {"compute_result_file": str(tmp_path / "result.json"), "compute_registrar": registrar}
    code, output = play("main", compute_servers_file=str(tmp_path / "servers.yml"), **options)
    assert not (tmp_path / "ran").exists(), output
    # Its answer to the first of them that counts is none, and the run ends there.
    assert code == 2 and local_play.modules(tmp_path, "h1") == [f"AnsiballZ_{name}.py" for name in asked], output
    assert "lookup('ansible.builtin.pipe'" in output or registrar == "host"


def test_of_kept_facts(tmp_path: pathlib.Path, play: t.Callable[..., tuple[int, str]]) -> None:
    asked_for = {"compute_servers_file": str(tmp_path / "servers.yml")}
    file = str(tmp_path / "fleet.json")
    for code, output in (
        play("fleet", compute_fleet_file=file),
        play("plan", compute_fleet_file=file, **asked_for),
        play("plan", compute_use_cached_facts=True, **asked_for),
    ):
        assert code == 0 and not (tmp_path / "ran").exists(), output
    assert local_play.modules(tmp_path, "h1") == ["AnsiballZ_host_info.py"]
    assert "lookup('ansible.builtin.pipe'" in output, "the drift of db says what is there"
