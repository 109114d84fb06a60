# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An environment whose making was cut off is finished by whoever comes next, and used by nobody before."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess

import pytest

TOOL = pathlib.Path(__file__).resolve().parents[3] / "tests" / "tools" / "make-venv"
pytestmark = pytest.mark.skipif(not TOOL.exists(), reason="the tools are no part of the artefact")

# Stands for Python: "-m venv" makes an environment whose "pip install" says that it has begun, and hangs as long as it is told to.
PYTHON = """#!/bin/bash
here=$(dirname "$(readlink -f "$0")")
if [ "$2" = venv ]; then
  mkdir -p "$4/bin" && cp "$here/python" "$4/bin/python" && echo "$here" > "$4/origin"
elif [ "$2" = pip ] && [ "$3" = install ]; then
  venv=$(dirname "$here") origin=$(cat "$(dirname "$here")/origin")
  echo half >> "$venv/installed"
  if [ -p "$origin/begun" ]; then echo begun > "$origin/begun"; exec tail -f /dev/null; fi
  echo whole >> "$venv/installed"
fi
"""


class Folder:
    """A folder with a Python, requirements and, once it is made, an environment."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path, self.venv = path, path / "venv"
        (path / "python").write_text(PYTHON)
        (path / "python").chmod(0o755)
        (path / "more.txt").write_text("b==1\n")
        (path / "requirements.txt").write_text("-r more.txt\na==1\n")

    def command(self, *options: str) -> list[str]:
        return [str(TOOL), *options, str(self.venv), str(self.path / "requirements.txt"), str(self.path / "python")]

    def run(self) -> int:
        return subprocess.run(self.command(), check=False, timeout=60).returncode

    def is_done(self) -> bool:
        return subprocess.run(self.command("--is-done"), check=False, timeout=60).returncode == 0

    def pips(self) -> list[str]:
        """What each run of pip has done."""
        return (self.venv / "installed").read_text().split()


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> Folder:
    return Folder(tmp_path)


def test_a_run_that_was_killed_in_pip_is_finished_by_the_next(folder: Folder) -> None:
    os.mkfifo(folder.path / "begun")
    process = subprocess.Popen(folder.command(), start_new_session=True)
    with open(folder.path / "begun") as begun:
        assert begun.read() == "begun\n"
    assert not folder.is_done(), "while pip is at work"
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert (folder.venv / "bin" / "python").exists()
    assert not folder.is_done(), "half an environment is none"
    (folder.path / "begun").unlink()
    assert folder.run() == 0
    assert folder.is_done()
    assert folder.pips() == ["half", "half", "whole"]


def test_one_that_is_done_is_left_alone(folder: Folder) -> None:
    assert (folder.is_done(), folder.run(), folder.run(), folder.is_done()) == (False, 0, 0, True)
    assert folder.pips() == ["half", "whole"]


@pytest.mark.parametrize("file", ["requirements.txt", "more.txt"])
def test_other_requirements_are_installed(folder: Folder, file: str) -> None:
    assert folder.run() == 0
    with open(folder.path / file, "a") as requirements:
        requirements.write("c==1\n")
    assert not folder.is_done()
    assert folder.run() == 0
    assert (folder.is_done(), folder.pips()) == (True, ["half", "whole"] * 2)


def test_a_shared_environment_stays_where_its_link_points(folder: Folder) -> None:
    (folder.path / "shared").mkdir()
    folder.venv.symlink_to(folder.path / "shared")
    assert folder.run() == 0
    assert folder.venv.is_symlink()
    assert (folder.path / "shared" / ".done").exists()


def test_one_without_an_interpreter_is_made_anew(folder: Folder) -> None:
    assert folder.run() == 0
    (folder.venv / "bin" / "python").unlink()
    assert not folder.is_done()
    assert (folder.run(), folder.is_done()) == (0, True)
