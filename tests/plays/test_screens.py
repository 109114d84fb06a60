# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a screen of 80 columns shows of errors, lost servers and a slip in a deletion, in each format that ansible-core brings."""

from __future__ import annotations

import json
import os
import pathlib
import re
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import origin
from ansible_collections.kvmfleet.compute.tests.plays import answering_fleet, local_play
from ansible_collections.kvmfleet.compute.tests.unit import make

COLUMNS = 80
FORMATS: dict[str, dict[str, str]] = {
    "default": {},
    "yaml": {"ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml"},
    "json": {"ANSIBLE_CALLBACK_RESULT_FORMAT": "json", "ANSIBLE_CALLBACK_FORMAT_PRETTY": "true"},
    "minimal": {"ANSIBLE_STDOUT_CALLBACK": "minimal"},
}
CATALOGUE: dict[str, t.Any] = {
    "compute_flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 10}, "huge": {"vcpus": 64, "memory_mb": 512_000, "root_gb": 10}},
    "compute_images": {"debian": {"source": "https://example.org/d", "checksum": "sha256:" + "0" * 64}},
    "compute_networks": {"lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.0.0/16"}]}},
    "compute_quotas": {"instances": -1, "cores": -1, "ram": -1},
}
HOSTS = [f"kvm{number}.rack{number % 3}.example.org" for number in range(20)]
WRONG = [
    {"name": "web", "flavor": "smal", "image": "debain", "key_name": "op", "networks": [{"name": "lann"}]},
    {"name": "db", "flavor": "small", "image": "debian", "min_count": "three", "networks": [{"name": "lan", "fixed_ip": "10.9.9.9"}]},
    {"name": "x", "flavor": "small", "imge": "debian", "networks": "none", "security_groups": [{"name": "webz"}]},
]


def request(name: str, flavor: str) -> dict[str, t.Any]:
    return {"name": name, "flavor": flavor, "image": "debian", "networks": [{"name": "lan"}]}


def answer(host: str, module: str, args: dict[str, t.Any]) -> dict[str, t.Any]:
    """The first host has one server, web-1."""
    if module == "registrar":
        return {"held": make.held(), "answer": None, "refused": None}
    there = host == HOSTS[0] and "wbe-1" not in args.get("names", ())
    return {"servers": [make.record(make.web(display_name="web-1", project_id="default"))] if there else []}


def screen(folder: pathlib.Path, playbook: str, variables: dict[str, t.Any]) -> str:
    """What a run shows that does not succeed."""
    (folder / "extra.yml").write_text(json.dumps(variables))
    arguments = ["-i", str(answering_fleet.inventory(folder, HOSTS[:2]))] if playbook == "delete_server" else []
    with answering_fleet.answering(folder, answer):
        done = local_play.ansible_playbook(folder, f"kvmfleet.compute.{playbook}", "-e", "@extra.yml", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    return done.stdout + done.stderr


def message(text: str) -> list[str]:
    """The lines of the message of the task that failed, wherever the format has it."""
    shown = re.search(r'"msg": ("(?:[^"\\]|\\.)*")', text[text.rindex("FAILED!") :])
    if shown:
        told: str = json.loads(shown.group(1))
        return told.splitlines()
    block = re.search(r"\n( +)msg: \|-?\n((?:\1 +.*\n|\n)+)", text[text.rindex("FAILED!") :])
    assert block, text
    return [line.removeprefix(block.group(1) + "    ") for line in block.group(2).rstrip().splitlines()]


def too_long(text: str) -> list[str]:
    """Lines that a screen breaks, before the result of what failed: not Ansible's own, nor a single value of a result."""
    own = re.compile(r'TASK |Origin: |\[WARNING\]|\S+ +: ok=| *"[a-z_]+": ')
    shown = text[: text.rindex("FAILED!")]
    if "PLAY RECAP" not in text:
        # The format minimal dumps the results of all tasks; what counts is what went wrong.
        shown = shown.rpartition("[ERROR]")[2]
    return [line for line in shown.splitlines() if len(line) > COLUMNS and not own.match(line)]


@pytest.fixture(params=sorted(FORMATS))
def output_format(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "minimal" and origin.Origin is None:
        pytest.skip("before ansible-core 2.19 minimal has an error in the dump of its result only")
    for name, value in FORMATS[request.param].items():
        monkeypatch.setitem(os.environ, name, value)
    return str(request.param)


def check(text: str, first: str) -> list[str]:
    told = message(text)
    assert told[0] == first and max(map(len, told)) <= 68, told
    assert too_long(text) == [], text
    assert "['" not in text, "no list is a message"
    return told


def test_eight_errors(tmp_path: pathlib.Path, output_format: str) -> None:
    text = screen(tmp_path, "validate", {**CATALOGUE, "compute_servers": WRONG})
    told = check(text, "8 errors, so nothing was touched:")
    assert 'servers[0].flavor: "smal": unknown flavor; did you mean small?' in " ".join(line.strip() for line in told).replace("extra.yml: ", "")


def test_forty_lost_servers(tmp_path: pathlib.Path, output_format: str) -> None:
    facts = {host: {"host_info": {"host": make.host(host, networks=make.networks("br0"))}} for host in HOSTS}
    (tmp_path / "fleet.json").write_text(json.dumps({"version": 1, "hosts": facts}))
    servers = [*(request(f"huge-{number}", "huge") for number in range(40)), request("web", "small")]
    text = screen(tmp_path, "plan", {**CATALOGUE, "compute_servers": servers, "compute_fleet_file": "fleet.json"})
    told = check(text, "41 servers: 40 ERROR, 1 PLANNED:")
    assert told[1:5] == [
        "SERVER      STATE    HOST  ZONE  ADDRESSES  SECONDS",
        "huge-0 +39  ERROR    -     -     -          -",
        "web         PLANNED  kvm0  nova  192.0.0.1  -",
        "",
    ]
    assert told[5].startswith("huge-0, huge-1, huge-2 and 37 more: NoValidHost: no valid host of")
    # What is so of all of them is said once where it is shown why.
    assert (text.count("nowhere") == 1 and len(text.splitlines()) < 100) or output_format == "minimal"


def test_a_slip_in_a_deletion(tmp_path: pathlib.Path, output_format: str) -> None:
    text = screen(tmp_path, "delete_server", {"compute_delete_names": ["wbe-1"]})
    told = check(text, "nothing is deleted:")
    assert told[1:] == ["no server has the name wbe-1; did you mean web-1?", "compute_delete_missing: ignore deletes those that are there"]
