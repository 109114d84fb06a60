# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the roles' pages: plays that run the role, with variables that it has; the first is the one of its README."""

from __future__ import annotations

import pathlib
import re

import pytest
import yaml

ROLES = pathlib.Path(__file__).parents[3] / "roles"
SPECS = {path.parts[-3]: yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"] for path in ROLES.glob("*/meta/argument_specs.yml")}


@pytest.mark.parametrize("role", sorted(SPECS))
def test_the_readme_and_the_page_of_a_role_have_one_example(role: str) -> None:
    block = re.search(r"```yaml\n(.*?)```", (ROLES / role / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None and block[1] == SPECS[role]["main"]["examples"]


@pytest.mark.parametrize(("role", "entry"), [(role, entry) for role, entries in sorted(SPECS.items()) for entry in entries])
def test_an_example_runs_its_entry_point_with_variables_that_it_has(role: str, entry: str) -> None:
    spec = SPECS[role][entry]
    task = yaml.safe_load(spec["examples"])[0]["tasks"][0]
    assert task["ansible.builtin.import_role"] == {"name": f"kvmfleet.compute.{role}", **({"tasks_from": entry} if entry != "main" else {})}
    assert set(task.get("vars", {})) <= set(spec["options"])
