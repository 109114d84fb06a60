# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where requests stand in the file that they come from: for the reports of a pipeline."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

import yaml

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.servers_file import VARIABLE

# Where the pipeline has its clone, by GitHub and by GitLab: they want paths from there.
CLONES = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR")
_STEP = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]")


def from_clone(path: str, environment: Mapping[str, str]) -> str:
    """The path from the pipeline's clone, or from the current folder; the whole path of a file that is elsewhere."""
    base = os.path.realpath(next((environment[name] for name in CLONES if environment.get(name)), os.curdir))
    whole = os.path.realpath(path)
    return os.path.relpath(whole, base) if os.path.commonpath([base, whole]) == base else whole


def _below(node: yaml.Node, step: str | int) -> tuple[int, yaml.Node] | None:
    """(line, value) of a key or an index; None if the node has it not."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        value = node.value[step]
        return value.start_mark.line + 1, value
    return None


class RequestLines:
    """The lines of a file of requests, which was read before, and so is one."""

    def __init__(self, path: str) -> None:
        with open(path, encoding="utf-8") as file:
            root = yaml.compose(file, Loader=yaml.SafeLoader)
        self._first = 1
        if isinstance(root, yaml.MappingNode):
            self._first, root = _below(root, VARIABLE) or (1, root)
        self._root = root

    def line(self, path: str) -> int | None:
        """The line of what a path such as servers[0].flavor names, or of the nearest thing around it; None if it is not of the requests."""
        steps = [name or int(index) for name, index in _STEP.findall(path)]
        if not steps or steps[0] != "servers" or self._root is None:
            return None
        line, node = self._first, self._root
        for step in steps[1:]:
            found = _below(node, step)
            if found is None:
                break
            line, node = found
        return line
