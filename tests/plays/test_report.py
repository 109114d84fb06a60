# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan over a fleet file, and a check of requests, write for people and for pipelines; and that nothing is hidden where that can't be written."""

from __future__ import annotations

import json
import pathlib
import stat
import subprocess
import typing as t
import xml.etree.ElementTree as ET

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import origin
from ansible_collections.kvmfleet.compute.tests.plays import local_play

CATALOGUE: dict[str, t.Any] = {
    "compute_flavors": {"small": {"vcpus": 1, "memory_mb": 64, "root_gb": 1}, "huge": {"vcpus": 999, "memory_mb": 64, "root_gb": 1}},
    "compute_images": {"debian": {"source": "https://example.org/d", "checksum": "sha256:" + "0" * 64}},
    "compute_networks": {"lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.2.0/24"}]}},
}


def plan(folder: pathlib.Path, *arguments: str, flavors: list[str] | None = None, **options: str) -> subprocess.CompletedProcess[str]:
    """Plan servers of these flavors, or of a file, over three hosts that are nowhere but in a file."""
    hosts = {name: {"host_info": {"host": {"vcpus": 4, "memory_mb": 1024, "disk_gb": 50}}} for name in ("a", "b", "c")}
    (folder / "fleet.json").write_text(json.dumps({"version": 1, "hosts": hosts}))
    variables = {
        **CATALOGUE,
        "compute_fleet_file": str(folder / "fleet.json"),
        **options,
    }
    if flavors is not None:
        variables["compute_servers"] = [
            {"name": f"web{index}", "flavor": flavor, "image": "debian", "networks": "none"} for index, flavor in enumerate(flavors)
        ]
    tasks = [{"ansible.builtin.import_role": {"name": "kvmfleet.compute.create_server", "tasks_from": "plan"}}]
    return local_play.run(folder, tasks, {"controller": {}}, {"controller": variables}, *arguments)


def test_a_plan_writes_a_page_that_anyone_may_read(tmp_path: pathlib.Path) -> None:
    report = tmp_path / "report.html"
    done = plan(tmp_path, flavors=["small", "huge"], compute_report_file=str(report))
    assert done.returncode == 2 and "web1: NoValidHost" in done.stdout, done.stdout + done.stderr
    text = report.read_text(encoding="utf-8")
    assert "<h1>Plan of 1 of 2 servers on 1 host</h1>" in text
    assert text.count('data-find="hosts"') == 3 and "999 requested" in text
    assert stat.S_IMODE(report.stat().st_mode) == 0o644
    assert not list(tmp_path.glob(".kvmfleet-*"))


@pytest.mark.parametrize("flavor", ["small", "huge"])
def test_a_report_that_cannot_be_written_hides_nothing(tmp_path: pathlib.Path, flavor: str) -> None:
    done = plan(tmp_path, flavors=[flavor], compute_report_file=str(tmp_path / "none" / "report.html"))
    last = done.stdout.rpartition("TASK [kvmfleet.compute.create_server : Say what became")[2]
    assert done.returncode == 2
    assert "web0 " in last and "report_file" in last and "No such file or directory" in last, done.stdout + done.stderr
    assert ("NoValidHost" in last) == (flavor == "huge")


def test_check_mode_writes_none(tmp_path: pathlib.Path) -> None:
    done = plan(tmp_path, "--check", flavors=["small"], compute_report_file=str(tmp_path / "report.html"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "report.html").exists()


SERVERS = """\
# what we want
- name: web
  flavor: small
  image: debian
  networks: none
- name: "db"
  image: debian
  flavor: FLAVOR
  networks: none
"""


def pipeline(folder: pathlib.Path, flavor: str, *, fleet: bool) -> tuple[subprocess.CompletedProcess[str], dict[str, list[str]], list[dict[str, t.Any]]]:
    """Requests from a file, checked alone or planned over a fleet; the classes of each test case's failures, and the code quality report."""
    (folder / "servers.yml").write_text(SERVERS.replace("FLAVOR", flavor))
    reports = {"compute_junit_file": str(folder / "junit.xml"), "compute_code_quality_file": str(folder / "quality.json"), "compute_github_annotations": "true"}
    if fleet:
        done = plan(folder, compute_servers_file=f"{folder}/servers.yml", **reports)
    else:
        options = {name.removeprefix("compute_"): value for name, value in reports.items()}
        task = {"kvmfleet.compute.server_validate": {"servers_file": "servers.yml", **options}}
        done = local_play.run(folder, [task], {"controller": {}}, {"controller": CATALOGUE})
    cases = ET.parse(folder / "junit.xml").getroot().iter("testcase")
    return done, {case.get("name", ""): [one.get("type", "") for one in case] for case in cases}, json.loads((folder / "quality.json").read_text())


@pytest.mark.parametrize("fleet", [False, True])
def test_a_refused_request_is_shown_at_its_line(tmp_path: pathlib.Path, fleet: bool) -> None:
    done, cases, quality = pipeline(tmp_path, "smal", fleet=fleet)
    assert done.returncode == 2
    assert cases == {"web": [], "db": ["FlavorNotFound"]}, done.stdout + done.stderr
    assert [one["location"] for one in quality] == [{"path": "servers.yml", "lines": {"begin": 8}}]
    assert [line for line in done.stdout.splitlines() if line.startswith("::error file=servers.yml,line=8,title=FlavorNotFound::")]


def test_a_lost_server_is_shown_at_its_request(tmp_path: pathlib.Path) -> None:
    done, cases, quality = pipeline(tmp_path, "huge", fleet=True)
    assert done.returncode == 2
    assert cases == {"web": [], "db": ["NoValidHost"]}, done.stdout + done.stderr
    assert [one["location"] for one in quality] == [{"path": "servers.yml", "lines": {"begin": 6}}]
    assert [line for line in done.stdout.splitlines() if line.startswith("::error file=servers.yml,line=6,title=NoValidHost::")]


@pytest.mark.parametrize("fleet", [False, True])
def test_what_nothing_is_wrong_with_passes(tmp_path: pathlib.Path, fleet: bool) -> None:
    done, cases, quality = pipeline(tmp_path, "small", fleet=fleet)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (cases, quality) == ({"web": [], "db": []}, [])
    assert "::error" not in done.stdout


@pytest.mark.skipif(origin.Origin is None, reason="this ansible-core keeps no origins")
@pytest.mark.parametrize(("flavor", "line"), [("smal", 5), ("huge", 3)])
def test_requests_that_are_variables_have_lines_too(tmp_path: pathlib.Path, flavor: str, line: int) -> None:
    (tmp_path / "vars.yml").write_text(f"# what we want\ncompute_servers:\n  - name: web\n    image: debian\n    flavor: {flavor}\n    networks: none\n")
    done = plan(tmp_path, "-e", "@vars.yml", compute_code_quality_file=str(tmp_path / "quality.json"))
    assert done.returncode == 2
    quality = json.loads((tmp_path / "quality.json").read_text())
    assert [one["location"] for one in quality] == [{"path": "vars.yml", "lines": {"begin": line}}], done.stdout + done.stderr
