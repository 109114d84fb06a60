# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At which line of its file a request stands."""

from __future__ import annotations

import pathlib

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.request_lines import RequestLines, from_clone

TEXT = """\
# servers
compute_servers:
  - name: web
    flavor: m1.smal
    networks:
      - name: lan
      - {name: dmz,
         fixed_ip: 192.0.2.300}
  - flavor: x
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("servers[0].flavor", 4),
        ("servers[0].networks[1].fixed_ip", 8),
        ("servers[0].networks[1].port", 7),
        ("servers[0].image", 3),
        ("servers[1]", 9),
        ("servers[7].name", 2),
        ("servers", 2),
        ("compute_flavors.x", None),
        ("", None),
    ],
)
def test_a_path_has_the_line_of_the_nearest_thing_that_is_there(tmp_path: pathlib.Path, path: str, line: int | None) -> None:
    file = tmp_path / "servers.yml"
    file.write_text(TEXT)
    assert RequestLines(str(file)).line(path) == line


def test_a_file_that_is_a_list_has_lines_too(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "servers.json"
    file.write_text('[\n {"name": "a"},\n {"name":\n "b", "flavor": 3}]')
    assert [RequestLines(str(file)).line(path) for path in ("servers[0].name", "servers[1].flavor", "servers[1].image")] == [2, 4, 3]


def test_a_path_is_shown_from_the_clone_or_whole(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clone" / "ci").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "clone" / "ci")
    file = str(tmp_path / "clone" / "ci" / "servers.yml")
    assert from_clone("servers.yml", {}) == "servers.yml"
    assert from_clone(file, {}) == "servers.yml"
    assert from_clone(file, {"CI_PROJECT_DIR": str(tmp_path / "clone")}) == "ci/servers.yml"
    assert from_clone("servers.yml", {"GITHUB_WORKSPACE": str(tmp_path / "clone"), "CI_PROJECT_DIR": ""}) == "ci/servers.yml"
    assert from_clone(file, {"CI_PROJECT_DIR": str(tmp_path / "other")}) == file
