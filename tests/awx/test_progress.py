"""What is shown while a task goes on is there in AWX before the task has ended, as events of its own."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

from ansible_collections.kvmfleet.compute.tests.plays import slow_host

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_lines_are_events_before_the_tasks_own(tmp_path: pathlib.Path) -> None:
    data = tmp_path / "data"
    for folder in ("project", "inventory"):
        (data / folder).mkdir(parents=True)
    (data / "project" / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [slow_host.server_task()]}]))
    host = slow_host.host(tmp_path, "h1", slow_host.BEGIN + slow_host.START, slow_host.SERVER_ANSWER)
    (data / "inventory" / "hosts.json").write_text(json.dumps({"all": {"hosts": {"h1": host}}}))
    tools = pathlib.Path(sys.executable).parent
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "PATH": f"{tools}:{os.environ['PATH']}",
    }
    command = [str(tools / "ansible-runner"), "run", str(data), "-p", "play.yml", "--ident", "job"]
    with subprocess.Popen(command, text=True, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as job:
        assert job.stdout is not None
        stages = ("creating disks", "started")
        for number, stage in enumerate(stages, 1):
            # The module waits until its line is there.
            assert any(f"h1: web: {stage}" in line for line in job.stdout), f"the job ended without: {stage}"
            slow_host.go_on(tmp_path, "h1", number)
        job.communicate(timeout=200)
    assert job.returncode == 0
    events = [json.loads(path.read_text()) for path in (data / "artifacts" / "job" / "job_events").glob("*.json")]
    by_counter = [(event["event"], event["stdout"]) for event in sorted(events, key=lambda event: int(event["counter"]))]
    kinds = [kind for kind, _stdout in by_counter]
    lines = [by_counter.index(("verbose", f"h1: web: {stage}")) for stage in stages]
    assert kinds.index("playbook_on_task_start") < lines[0] < lines[1] < kinds.index("runner_on_ok")
