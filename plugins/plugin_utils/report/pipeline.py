# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what pipelines show of a run: JUnit, GitLab's code quality and GitHub's annotations."""

from __future__ import annotations

import datetime
import os
import typing as t
from collections.abc import Callable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import text_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.request_lines import from_clone
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report import code_quality, github, junit
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.report.cases import Case, Place

# In the argument specs of the actions; documented in plugins/doc_fragments/pipeline.py.
PIPELINE_SPEC: dict[str, dict[str, object]] = {
    "junit_file": {"type": "path"},
    "code_quality_file": {"type": "path"},
    "github_annotations": {"type": "bool", "default": False},
}


class Pipeline(t.TypedDict):
    """What the argument specs give."""

    junit_file: str | None
    code_quality_file: str | None
    github_annotations: bool


class NotWritten(ValueError):
    """A file that can't be written; the message names its option and path."""


def write_file(option: str, path: str, text: str) -> None:
    """Put a report there that anyone may read; NotWritten where that can't be."""
    try:
        text_file.write(path, text, 0o644)
    except OSError as error:
        raise NotWritten(f"{option} {path}: {error.strerror}") from error


def is_asked(options: Pipeline) -> bool:
    """True if a pipeline is to be told anything."""
    return bool(options["junit_file"] or options["code_quality_file"] or options["github_annotations"])


def place_of(origin: Callable[[str], str | None]) -> Callable[[str], Place | None]:
    """Where a path such as servers[0].flavor stands, from the clone. ``origin``: the same as text (servers.yml:3), from the current folder."""

    def place(path: str) -> Place | None:
        file, _colon, line = (origin(path) or "").rpartition(":")
        return Place(from_clone(file, os.environ), int(line)) if file and line.isdigit() else None

    return place


def write(cases: list[Case], options: Pipeline, say: Callable[[str], None]) -> list[str]:
    """Write what is asked for; the files. ``say``: puts a line on the standard output, as it is."""
    texts: dict[str, tuple[str, str]] = {}
    if options["junit_file"]:
        texts["junit_file"] = (options["junit_file"], junit.render(cases, f"{datetime.datetime.now(datetime.UTC):%Y-%m-%dT%H:%M:%S}"))
    if options["code_quality_file"]:
        texts["code_quality_file"] = (options["code_quality_file"], code_quality.render(cases))
    for option, (path, text) in texts.items():
        write_file(option, path, text)
    for line in github.lines(cases) if options["github_annotations"] else ():
        say(line)
    return [path for path, _text in texts.values()]
