# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays over local hosts, each with an interpreter that prints one answer, whatever module it is given: a host that answers as it likes."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils import edge

COLLECTIONS = next(folder.parent for folder in pathlib.Path(next(iter(edge.__path__))).parents if folder.name == "ansible_collections")


def interpreter(folder: pathlib.Path, host: str, answer: object) -> str:
    """The path of an interpreter that prints one answer, whatever it is given, and keeps what that was."""
    path = folder / f"{host}.interpreter"
    names = folder / f"{host}.modules"
    keep = f'basename "$1" >> {names}\ncp "$1" {folder / host}.given.$(wc -l < {names})\n'
    path.write_text(f"#!/bin/sh\n{keep}cat <<'END'\n{json.dumps(answer)}\nEND\n")
    path.chmod(0o755)
    return str(path)


def _inventory(folder: pathlib.Path, group: str, answers: dict[str, object], variables: dict[str, dict[str, t.Any]] | None) -> None:
    of_hosts = {
        host: {"ansible_connection": "local", "ansible_python_interpreter": interpreter(folder, host, answer), **(variables or {}).get(host, {})}
        for host, answer in answers.items()
    }
    (folder / "inventory.yml").write_text(json.dumps({group: {"hosts": of_hosts}}))


def _command(folder: pathlib.Path, *arguments: str) -> tuple[list[str], dict[str, t.Any]]:
    """argv of ansible-playbook, and where it runs: a folder of its own."""
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_LOCAL_TEMP": str(folder / "local"),
        "ANSIBLE_REMOTE_TEMP": str(folder / "remote"),
        "ANSIBLE_NOCOLOR": "1",
    }
    command = [sys.executable, "-c", "from ansible.cli.playbook import main; main()", *arguments]
    return command, {"text": True, "env": environment, "cwd": folder, "stdin": subprocess.DEVNULL}


def ansible_playbook(folder: pathlib.Path, *arguments: str, within: t.Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """ansible-playbook with these arguments; ``within``: the words of a command that runs it, such as one that makes namespaces."""
    command, options = _command(folder, *arguments)
    return subprocess.run([*within, *command], capture_output=True, check=False, **options)


def begun(folder: pathlib.Path, *arguments: str) -> subprocess.Popen[str]:
    """ansible-playbook with these arguments, while it goes on."""
    command, options = _command(folder, *arguments)
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


def run(
    folder: pathlib.Path, tasks: list[dict[str, t.Any]], answers: dict[str, object], variables: dict[str, dict[str, t.Any]] | None = None, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """The play; ``answers`` by host, and ``variables`` of the hosts beside."""
    _inventory(folder, "all", answers, variables)
    (folder / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": tasks}]))
    return ansible_playbook(folder, "-i", "inventory.yml", "play.yml", *arguments)


def packaged(folder: pathlib.Path, playbook: str, answers: dict[str, object], variables: dict[str, t.Any], *arguments: str) -> subprocess.CompletedProcess[str]:
    """One of the collection's playbooks, with these extra variables."""
    _inventory(folder, "hypervisors", answers, None)
    (folder / "extra.yml").write_text(json.dumps(variables))
    return ansible_playbook(folder, "-i", "inventory.yml", f"kvmfleet.compute.{playbook}", "-e", "@extra.yml", *arguments)


def modules(folder: pathlib.Path, host: str) -> list[str]:
    """The modules that a host was given, such as AnsiballZ_server.py, in their order."""
    path = folder / f"{host}.modules"
    return path.read_text().split() if path.exists() else []


def given(folder: pathlib.Path, host: str) -> list[str]:
    """What a host was given for each module, whole."""
    return [(folder / f"{host}.given.{number}").read_text() for number in range(1, len(modules(folder, host)) + 1)]
