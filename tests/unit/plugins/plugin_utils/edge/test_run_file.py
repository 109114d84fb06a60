# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large values of a result in files of the run."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible import constants

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import run_file


@pytest.fixture(autouse=True)
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """Ansible's folder of this run."""
    made = tmp_path / "run"
    made.mkdir()
    monkeypatch.setattr(constants, "DEFAULT_LOCAL_TMP", str(made))
    return made


def test_what_was_put_away_comes_back(folder: pathlib.Path) -> None:
    shared: dict[str, t.Any] = {"stage": "claim", "servers": {"a": {"placed": None}}}
    result: dict[str, t.Any] = {"round": shared, "report": [{"name": "ü"}], "lost": ["x"]}
    run_file.put_away(result, ("round.servers", "report", "stats"))
    assert sorted(result) == ["lost", "report", "round"] and result["lost"] == ["x"]
    assert result["round"]["stage"] == "claim" and shared["servers"] == {"a": {"placed": None}}
    for kept in (result["round"]["servers"], result["report"]):
        path = pathlib.Path(kept["run_file"])
        assert list(kept) == ["run_file"] and path.parent == folder and path.stat().st_mode & 0o777 == 0o600
    run_file.bring_back(result, ("round.servers", "report", "stats"))
    assert result == {"round": shared, "report": [{"name": "ü"}], "lost": ["x"]}


@pytest.mark.parametrize("empty", [[], {}, None])
def test_what_is_empty_stays(folder: pathlib.Path, empty: object) -> None:
    result: dict[str, t.Any] = {"agreement": {"offers": empty}}
    run_file.put_away(result, ("agreement.offers",))
    assert result == {"agreement": {"offers": empty}} and list(folder.iterdir()) == []


@pytest.mark.parametrize("value", [[1], {"a": 1}, None, "text", {"run_file": 1}, {"run_file": "x", "more": 1}])
def test_a_value_is_itself(value: object) -> None:
    assert run_file.value_of(value, "round") == value


def test_a_file_that_is_not_of_this_run_is_not_read(tmp_path: pathlib.Path, folder: pathlib.Path) -> None:
    other = tmp_path / "other.json"
    other.write_text('"secret"')
    for path in (str(other), f"{folder}/../other.json", "other.json"):
        with pytest.raises(run_file.NoRunFile, match=r"^round\.servers: .*other\.json is no file of this run$"):
            run_file.bring_back({"round": {"servers": {"run_file": path}}}, ("round.servers",))


@pytest.mark.parametrize("content", [None, "{"])
def test_a_file_that_is_gone_is_named(folder: pathlib.Path, content: str | None) -> None:
    path = folder / "instances.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(run_file.NoRunFile, match=r"^instances: .*instances\.json: .*; it lasts as long as the run that has written it$"):
        run_file.value_of({"run_file": str(path)}, "instances")
