# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the collection's roles, from their argument specs."""

from __future__ import annotations

import pathlib
import typing as t

import yaml

ROLES = pathlib.Path(__file__).resolve().parents[3] / "roles"
# Ten times as fast, where it is there.
Loader: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

Options = dict[str, t.Any]


def read() -> dict[str, Options]:
    """{role: {option: its spec}}; the entry points of a role have one meaning for each name, which a test holds."""
    return {path.parents[1].name: _options(path) for path in sorted(ROLES.glob("*/meta/argument_specs.yml"))}


def _options(path: pathlib.Path) -> Options:
    document: dict[str, dict[str, Options]] = yaml.load(path.read_bytes(), Loader=Loader)  # noqa: S506 (both make plain data only)
    found: Options = {}
    for entry in document["argument_specs"].values():
        found.update(entry["options"])
    return found
