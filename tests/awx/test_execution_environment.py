"""The execution environment: what the collection asks of one, and that the one of the documentation can be built of it."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys
import textwrap

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILDER = str(pathlib.Path(sys.executable).parent / "ansible-builder")


def builder(*arguments: str, folder: pathlib.Path) -> str:
    """What ansible-builder prints."""
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run([BUILDER, *arguments], capture_output=True, text=True, check=False, cwd=folder, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_the_collection_asks_for_is_what_the_controller_needs(tmp_path: pathlib.Path) -> None:
    found: dict[str, list[str]] = yaml.safe_load(builder("introspect", str(ROOT / ".build" / "collections"), folder=tmp_path))
    python = {re.split(r"\W", line)[0] for line in found["python"]}
    needed = {re.split(r"\W", line)[0] for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")} - {"ansible"}
    assert python == needed == {"jsonschema", "netaddr"}
    assert {line.split()[0] for line in found["system"]} == {"openssh-client", "openssh-clients"}


def test_the_one_of_the_documentation_is_one(tmp_path: pathlib.Path) -> None:
    block = re.search(r"  ```yaml\n  # execution-environment.yml.*?\n(.*?)  ```", (ROOT / "docs" / "awx" / "README.md").read_text(), re.DOTALL)
    assert block
    (tmp_path / "execution-environment.yml").write_text(textwrap.dedent(block[1]))
    builder("create", "-f", "execution-environment.yml", "--output-filename", "Containerfile", folder=tmp_path)
    assert "kvmfleet.compute" in (tmp_path / "context" / "_build" / "requirements.yml").read_text()
    containerfile = (tmp_path / "context" / "Containerfile").read_text()
    assert 'ARG PYCMD="/usr/bin/python3.11"' in containerfile and "ansible-core~=2.16.0" in containerfile
