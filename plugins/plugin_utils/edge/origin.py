# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a value was written: the file and the line that ansible-core (from 2.19 on) keeps with what it reads, or those of a file of requests."""

from __future__ import annotations

import os
import re
import typing as t
from collections.abc import Mapping, Sequence

import yaml

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.request_lines import RequestLines

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # an older ansible-core keeps nothing
    Origin = None

# The next step of a path: an index, or what may be a key up to some dot.
_INDEX = re.compile(r"\[(\d+)\]")


def _steps(value: object, path: str) -> t.Iterator[tuple[object, object]]:
    """(key or index as it was written, value) of each step of a path, as far as it leads; a key may hold dots and brackets."""
    while path:
        index = _INDEX.match(path)
        if index and isinstance(value, Sequence) and not isinstance(value, str) and int(index.group(1)) < len(value):
            value = value[int(index.group(1))]
            yield None, value
            path = path[index.end() :].removeprefix(".")
            continue
        if not isinstance(value, Mapping):
            return
        fits = [key for key in value if _leads(path, str(key))]
        if not fits:
            return
        key = max(fits, key=lambda item: len(str(item)))
        value = value[key]
        yield key, value
        path = path[len(str(key)) :].removeprefix(".")


def _leads(path: str, key: str) -> bool:
    """True if the key is the first step of the path."""
    return path == key or path.startswith((f"{key}.", f"{key}["))


def _place(path: str, line: int | None) -> str:
    """``servers.yml:3``, relative where that is shorter."""
    near = os.path.relpath(path)
    shown = path if near.startswith("..") else near
    return f"{shown}:{line}" if line else shown


def of_value(value: object, path: str) -> str | None:
    """Where what stands at ``path`` in a value of Ansible's was written, or else the nearest above it; None if that is not known."""
    if Origin is None:
        return None
    found: str | None = _tagged(value)
    for key, item in _steps(value, path):
        found = (_tagged(key) if key is not None else None) or _tagged(item) or found
    return found


def _tagged(value: object) -> str | None:
    tag: t.Any = Origin.get_tag(value)
    return _place(tag.path, tag.line_num) if tag is not None and tag.path else None


class Origins:
    """Where requests and catalogue of a task were written."""

    def __init__(self, arguments: Mapping[str, object], variables: Mapping[str, object], servers_file: str | None) -> None:
        """``arguments`` of the task, as Ansible has them; ``servers_file``: the requests', if they are in one."""
        self._arguments, self._variables = arguments, variables
        self._path, self._lines = servers_file, _lines_of(servers_file) if servers_file else None

    def of(self, path: str) -> str | None:
        """The file and line of an error's path; None where they are not known."""
        if path.startswith("servers["):
            if self._path is None or self._lines is None:
                return of_value(self._arguments, path)
            return _place(self._path, self._lines.line(path))
        variable = re.match(r"compute_\w+", path)
        if variable is None:
            return None
        name = variable.group()
        given = self._arguments.get(name.removeprefix("compute_")) or self._variables.get(name)
        return of_value({name: given}, path)


def _lines_of(path: str) -> RequestLines | None:
    """The lines of a file of requests; None if it can't be read any more."""
    try:
        return RequestLines(path)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None
