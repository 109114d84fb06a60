# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors of validation, collected: each with path, value and rule, Nova's error class and HTTP status; secret values hidden."""

from __future__ import annotations

import json
import typing as t
from collections.abc import Generator, Iterable

from ansible_collections.kvmfleet.compute.plugins.plugin_utils import shapes
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.lines import named
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault

T = t.TypeVar("T")


class Remark(t.NamedTuple):
    """Something worth knowing that is no fault."""

    text: str  # a sentence
    is_warning: bool = False  # shown by Ansible as a warning


# What a rule yields while it finds out what it returns.
Findings = Generator[Fault | Remark, None, T]

SECRET_FIELDS = ("adminPass", "user_data", "user_data_text", "personality")
MOST_SHOWN = 120


def is_secret(path: str) -> bool:
    """True if the path leads to a value that must not be shown."""
    return any(part.split("[")[0] in SECRET_FIELDS for part in path.split("."))


def shown(path: str, value: object) -> object:
    """The value as an error may show it: hidden if it is secret, cut if it is long."""
    if is_secret(path):
        return f"<hidden, {len(value)} characters>" if isinstance(value, (str, list)) else "<hidden>"
    if isinstance(value, str):
        return value if len(value) <= MOST_SHOWN else f"{value[:MOST_SHOWN]}… ({len(value)} characters)"
    if isinstance(value, (dict, list)):
        # A container may hold a secret deep inside.
        return f"<a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}>" if value else value
    return value


class Problems:
    """All errors of a call, in the order in which Nova would find them within each server."""

    def __init__(self) -> None:
        self.errors: list[shapes.Fault] = []
        self.warnings: list[str] = []
        # The requests that each remark is about.
        self._remarks: dict[Remark, list[str]] = {}

    def add(
        self,
        path: str,
        value: object,
        rule: str,
        error_class: str = "ValidationError",
        http_status: int = 400,
        *,
        server: int | None = None,
        name: str | None = None,
    ) -> None:
        """One error; ``path`` from the top (``servers[0].networks[0].fixed_ip``, ``compute_flavors.m1``)."""
        value = shown(path, value)
        text = json.dumps(value, ensure_ascii=False, default=str)
        self.errors.append(
            {
                "server": server,
                "name": name,
                "path": path,
                "value": value,
                "rule": rule,
                "error_class": error_class,
                "http_status": http_status,
                # A key that is too much is its own value, and so is a host.
                "message": f"{path}: {rule}" if isinstance(value, str) and path.endswith(f".{value}") else f"{path}: {text}: {rule}",
            }
        )

    def extend(self, faults: Iterable[Fault]) -> None:
        """The faults of the catalogue or the fleet."""
        for fault in faults:
            self.add(*fault)

    def remark(self, remark: Remark, request: str) -> None:
        """Something worth knowing of a request; what many requests share is said once."""
        self._remarks.setdefault(remark, []).append(request)

    def remarks(self, *, warnings: bool) -> list[str]:
        """The sentences of all remarks, each with the requests that it is about."""
        return [f"{named(requests)}: {remark.text}" for remark, requests in self._remarks.items() if remark.is_warning == warnings]


def gathered(findings: Findings[T]) -> tuple[T, list[Fault], list[Remark]]:
    """(what rules return, their faults, their remarks)."""
    faults: list[Fault] = []
    remarks: list[Remark] = []
    while True:
        try:
            found = next(findings)
        except StopIteration as end:
            return end.value, faults, remarks
        if isinstance(found, Fault):
            faults.append(found)
        else:
            remarks.append(found)


class ServerProblems:
    """The same, for one request: paths below ``servers[n]``, with the names of the aliases that were used."""

    def __init__(self, problems: Problems, index: int, name: str | None, aliases: dict[str, str]) -> None:
        self._problems, self._index, self._name, self._aliases = problems, index, name, aliases
        self.count = 0

    def collect(self, findings: Findings[T]) -> T:
        """What rules return, once all that they yield is noted."""
        found, faults, remarks = gathered(findings)
        self.extend(faults)
        for remark in remarks:
            self._problems.remark(remark, f"servers[{self._index}] ({self._name})")
        return found

    def extend(self, faults: Iterable[Fault]) -> None:
        """Faults of this request; paths by Nova's field names, or of a ``compute_*`` variable that the request uses."""
        for fault in faults:
            self.count += 1
            path = self._as_written(fault.path)
            full = path if path.startswith("compute_") else f"servers[{self._index}].{path}".rstrip(".")
            self._problems.add(full, *fault[1:], server=self._index, name=self._name)

    def _as_written(self, path: str) -> str:
        """A path with the alias that stands for its first part, if one does."""
        for nova_s, alias in self._aliases.items():
            if path.startswith(nova_s) and path[len(nova_s) :][:1] in ("", ".", "["):
                return alias + path[len(nova_s) :]
        return path
