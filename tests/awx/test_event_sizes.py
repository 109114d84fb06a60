# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job with 100 servers over 100 hosts sends to AWX: no event that it drops or chokes on, and a log that people read."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.plays import answering_fleet
from ansible_collections.kvmfleet.compute.tests.unit import make

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOST_OF_AN_EVENT, MOST_SHOWN = 300_000, 200_000
SERVERS = 100
MEMBERS = 100  # of a security group, on each host
HOSTS = [f"kvm{number}.rack{number % 7}.example.org" for number in range(100)]
# They all go to a few: what is sent of the others is no less, and a test that claims and builds on each of them takes minutes.
ROOMY = HOSTS[:5]
VARIABLES: dict[str, t.Any] = {
    "compute_flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 10}, "huge": {"vcpus": 64, "memory_mb": 512_000, "root_gb": 10}},
    "compute_images": {"debian": {"source": "https://example.org/d", "checksum": "sha256:" + "0" * 64}},
    "compute_networks": {"lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.0.0/16"}]}},
    "compute_quotas": {"instances": -1, "cores": -1, "ram": -1},
    "compute_registrar": "none",
}


def requests(flavor: str) -> list[dict[str, t.Any]]:
    return [{"name": f"web-{number}", "flavor": flavor, "image": "debian", "networks": [{"name": "lan"}]} for number in range(SERVERS)]


def facts(host: str) -> dict[str, t.Any]:
    size = {"vcpus": 64, "memory_mb": 65536, "disk_gb": 1000} if host in ROOMY else {"memory_mb": 256}
    return {"host": make.host(host, networks=make.networks("br0"), **size)}


def answer(host: str, module: str, args: dict[str, t.Any]) -> dict[str, t.Any]:
    """A host that does all that it is told."""
    if module == "host_info":
        return facts(host)
    if module == "image":
        row: dict[str, t.Any] = {"digest": "sha256:" + "0" * 64, "path": "/d", "disk_format": "qcow2", "size": 1, "virtual_size": 2}
        row.update(changed=True, bytes_fetched=1, needs_staging=False, seconds=1.0, error=None)
        return {"images": [{**row, "id": image["id"], "name": image["name"]} for image in args["images"]]}
    if module == "security_groups":
        report = {"host": host, "number": 1, "groups": {"default/web": [f"10.{HOSTS.index(host)}.0.{number}" for number in range(MEMBERS)]}}
        return {"report": report, "wanted_groups": args.get("wanted", []), "changes": [], "problems": []}
    stage, done = ("claim", "claimed") if args["state"] == "claimed" else ("build", "built")
    return {"changed": True, "servers": [make.outcome(order["instance"]["uuid"], done, stage) for order in args["servers"]]}


class Job(t.NamedTuple):
    """What came of one."""

    code: int
    output: str
    events: list[tuple[int, dict[str, t.Any]]]  # each with its size in bytes

    def of(self, task: str) -> list[dict[str, t.Any]]:
        return [event for _size, event in self.events if event["event_data"].get("task") == task]


def job(folder: pathlib.Path, playbook: str, **variables: t.Any) -> Job:
    """A job with -v as AWX runs it, over an inventory in the folder."""
    data = folder / "data"
    shutil.copytree(ROOT / "docs" / "awx" / "project", data / "project")
    (data / "env").mkdir()
    (data / "env" / "extravars").write_text(json.dumps({**VARIABLES, **variables}))
    tools = pathlib.Path(sys.executable).parent
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        # A result is to be measured, not dropped.
        "MAX_EVENT_RES": "100000000",
        "PATH": f"{tools}:{os.environ['PATH']}",
    }
    inventory = ["--inventory", str(folder / "inventory.yml")] if (folder / "inventory.yml").exists() else []
    command = [str(tools / "ansible-runner"), "run", str(data), "-p", playbook, "--ident", "job", "-v", *inventory]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, stdin=subprocess.DEVNULL)
    texts = [path.read_text() for path in (data / "artifacts" / "job" / "job_events").glob("*.json")]
    return Job(done.returncode, done.stdout + done.stderr, [(len(text.encode()), {"event_data": {}, **json.loads(text)}) for text in texts])


def check(done: Job) -> None:
    """The promises about sizes."""
    largest = max(done.events, key=lambda item: item[0])
    data = largest[1]["event_data"]
    assert largest[0] < MOST_OF_AN_EVENT, (largest[0], data.get("task"), {key: len(str(value)) for key, value in (data.get("res") or {}).items()})
    shown = {task: sum(len(event["stdout"]) for event in done.of(task)) for task in {event["event_data"].get("task") for _size, event in done.events} if task}
    assert len(done.output) < MOST_SHOWN, sorted(shown.items(), key=lambda item: -item[1])[:5]


def test_a_create(tmp_path: pathlib.Path) -> None:
    answering_fleet.inventory(tmp_path, HOSTS)
    with answering_fleet.answering(tmp_path, answer):
        done = job(tmp_path, "create.yml", compute_servers=requests("small"), compute_report_file=str(tmp_path / "report.html"))
    assert done.code == 0, done.output[-3000:]
    check(done)
    # What the hosts say is the conductor's to sum up.
    for task in ("Read what the hosts have", "Claim", "Fetch the images", "Build and start"):
        said = [event for event in done.of(task) if event["event"] == "runner_on_ok"]
        assert len(said) >= len(ROOMY)
        assert all(len(event["stdout"]) < 100 for event in said), said[0]["stdout"]
    page = (tmp_path / "report.html").read_text()
    assert "web-99" in page and HOSTS[-1] in page and "MEMORY_MB" in page
    # Nobody is left what the stages have handed to each other.
    assert list((tmp_path / "local").iterdir()) == []


@pytest.mark.parametrize(("flavor", "code"), [("small", 0), ("huge", 2)])
def test_a_plan(tmp_path: pathlib.Path, flavor: str, code: int) -> None:
    (tmp_path / "fleet.json").write_text(json.dumps({"version": 1, "hosts": {host: {"host_info": facts(host)} for host in HOSTS}}))
    done = job(tmp_path, "plan.yml", compute_servers=requests(flavor), compute_fleet_file=str(tmp_path / "fleet.json"))
    assert done.code == code, done.output[-3000:]
    check(done)
    assert list((tmp_path / "local").iterdir()) == [], "a failed run leaves nothing either"
