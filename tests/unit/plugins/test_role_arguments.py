# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a role's tasks read of the user's variables stands in its argument spec."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
import yaml

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import role_specs

ROLES = pathlib.Path(__file__).resolve().parents[3] / "roles"
VARIABLE = re.compile(r"\b(compute_\w+)\b")
# What the role's actions read by themselves: the catalogue, which docs/catalogue.md documents.
ENTRIES = [
    (path.parents[1].name, entry) for path in sorted(ROLES.glob("*/meta/argument_specs.yml")) for entry in yaml.safe_load(path.read_text())["argument_specs"]
]


def templates(node: t.Any) -> t.Iterator[str]:
    """The texts in which variables can stand: values, and no names of tasks or modules."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from templates(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key not in ("name", "fail_msg") or "{{" in str(value):
                yield from templates(value)


def files_of(role: str, name: str) -> set[str]:
    """The files of tasks that may be meant; a name with variables in it stands for all whose names are in their values."""
    if "{{" not in name:
        return {name}
    variables = yaml.safe_load((ROLES / role / "vars" / "main.yml").read_text())
    words, todo = set(), [name]
    while todo:
        new = set(re.findall(r"\w+", todo.pop())) - words
        words |= new
        todo += [str(variables[word]) for word in new if word in variables]
    return {f"{word}.yml" for word in words if (ROLES / role / "tasks" / f"{word}.yml").is_file()}


def read_by(role: str, entry: str) -> set[str]:
    """The variables that an entry point reads, in its own file and in those that it imports or includes."""
    todo, seen, found = [f"{entry}.yml"], set(), set()
    while todo:
        file = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        tasks = yaml.safe_load((ROLES / role / "tasks" / file).read_text())
        for task in tasks:
            for key in ("ansible.builtin.import_tasks", "ansible.builtin.include_tasks"):
                todo += files_of(role, task[key]) if key in task else ()
        for text in templates(tasks):
            found.update(VARIABLE.findall(text))
    path = ROLES / role / "vars" / "main.yml"
    for name, value in (yaml.safe_load(path.read_text()) if path.exists() else {}).items():
        if any(name in (ROLES / role / "tasks" / file).read_text() for file in seen):
            for text in templates(value):
                found.update(VARIABLE.findall(text))
    return {name for name in found if not name.startswith(f"__{role}")} - set(seen) - {"compute_claim"}


@pytest.mark.parametrize(("role", "entry"), ENTRIES)
def test_every_variable_that_is_read_is_documented(role: str, entry: str) -> None:
    spec = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text())["argument_specs"][entry]
    assert read_by(role, entry) - set(spec["options"]) == set()


def test_the_test_sees_what_tasks_read() -> None:
    assert files_of("create_server", "{{ __create_server_following }}") == {"conductor.yml", "members.yml", "tunnels.yml"}
    assert {"compute_servers", "compute_libvirt_uri", "compute_virt_type", "compute_image_timeout_s", "compute_login_group"} <= read_by("create_server", "main")


@pytest.mark.parametrize("role", sorted({role for role, _entry in ENTRIES}))
def test_a_name_is_checked_alike_whatever_entry_point_or_role_reads_it(role: str) -> None:
    of_all = role_specs.read()
    for entry in yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text())["argument_specs"].values():
        for name, spec in entry["options"].items():
            assert all(_checked(spec) == _checked(options[name]) for options in of_all.values() if name in options), name


def _checked(spec: dict[str, t.Any]) -> list[object]:
    return [spec.get(key) for key in ("type", "elements", "choices", "required")]


@pytest.mark.parametrize("role", sorted({role for role, _entry in ENTRIES}))
def test_every_role_begins_with_the_check_of_its_variables(role: str) -> None:
    dependencies = yaml.safe_load((ROLES / role / "meta" / "main.yml").read_text())["dependencies"]
    assert dependencies[0] == {"role": "kvmfleet.compute.variables", "vars": {"variables_of": role}}


def test_no_playbook_has_the_check_of_ansible_on_each_host() -> None:
    roles = [
        task["ansible.builtin.import_role"]
        for path in (ROLES.parent / "playbooks").glob("*.yml")
        for task in yaml.safe_load(path.read_text())[0]["tasks"][-1:]
        if "ansible.builtin.import_role" in task
    ]
    assert len(roles) > 10 and all(role.get("rolespec_validate") is False for role in roles)


@pytest.mark.parametrize("role", sorted({role for role, _entry in ENTRIES}))
def test_host_options_are_said_once(role: str) -> None:
    """Each in the role's vars alone, but for the image cache, which one module calls by another name."""
    texts = "".join(path.read_text() for path in (ROLES / role / "tasks").glob("*.yml"))
    assert "compute_libvirt_uri" not in texts
    assert "compute_cpu_allocation_ratio" not in texts
