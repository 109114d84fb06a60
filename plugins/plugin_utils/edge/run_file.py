# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Large values that only later stages of the same run read, each in a file on the controller: what a task returns goes to every callback whole, and a job of
AWX that has megabytes of it shows nothing.
"""

from __future__ import annotations

import json
import os
import tempfile
import typing as t
from collections.abc import Iterable, Mapping

from ansible import constants

KEY = "run_file"
# What grows with the fleet and the request in a round of the conductor.
LARGE_OF_ROUND = ("round.servers", "round.group_members", "round.cached_images", "round.security_groups")
FILE, VALUE = "file", "value"
# In the argument specs of the actions; documented in plugins/doc_fragments/hand_over.py.
HAND_OVER_SPEC: dict[str, dict[str, object]] = {"hand_over": {"type": "str", "choices": [VALUE, FILE], "default": VALUE}}


class NoRunFile(ValueError):
    """What a value was put into is not there any more, or is none of this run's files; the message names it."""


def write(text: str, prefix: str) -> str:
    """Put a text into a file of this run that nobody else may read, and return its path. Ansible removes the folder when the run ends, however it ends."""
    descriptor, path = tempfile.mkstemp(dir=constants.DEFAULT_LOCAL_TMP, prefix=prefix, suffix=".json")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def put_away(result: dict[str, t.Any], paths: Iterable[str]) -> None:
    """Put the values at these paths, such as round.servers, into files, and ``{run_file: <path>}`` into their places; what is empty stays."""
    for path in paths:
        of, key = _place(result, path)
        if of.get(key):
            of[key] = {KEY: write(json.dumps(of[key]), f"{key}-")}


def bring_back(args: dict[str, t.Any], paths: Iterable[str]) -> None:
    """Put the values at these paths back where ``put_away`` has left a file; NoRunFile if that is not to be had."""
    for path in paths:
        of, key = _place(args, path)
        if key in of:
            of[key] = value_of(of[key], path)


def value_of(found: t.Any, path: str) -> t.Any:
    """The value that was put into a file, or ``found`` if that is a value itself."""
    if not isinstance(found, Mapping) or set(found) != {KEY} or not isinstance(found[KEY], str):
        return found
    file = str(found[KEY])
    if os.path.dirname(file) != constants.DEFAULT_LOCAL_TMP:
        raise NoRunFile(f"{path}: {file} is no file of this run")
    try:
        with open(file, encoding="utf-8") as opened:
            value: object = json.load(opened)
    except (OSError, ValueError) as error:
        raise NoRunFile(f"{path}: {file}: {error}; it lasts as long as the run that has written it") from error
    return value


def _place(values: dict[str, t.Any], path: str) -> tuple[dict[str, t.Any], str]:
    """(what holds the value, its key there); the mappings on the way are made anew, as they may be others' too."""
    *way, key = path.split(".")
    for step in way:
        within = values.get(step)
        if not isinstance(within, Mapping):
            return {}, key
        values[step] = dict(within.items())
        values = values[step]
    return values, key
