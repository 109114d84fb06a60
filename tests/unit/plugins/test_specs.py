"""The documentation of a doc-only module and its action's argument spec are the same; the action group has every module."""

from __future__ import annotations

import ast
import importlib
import pathlib
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
MODULES = sorted((ROOT / "plugins" / "modules").glob("*.py"))
STUBS = [path.stem for path in MODULES if "def main" not in path.read_text()]


def documentation(name: str) -> dict[str, t.Any]:
    tree = ast.parse((ROOT / "plugins" / "modules" / f"{name}.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "DOCUMENTATION":
            return yaml.safe_load(node.value.value)
    raise AssertionError(name)


@pytest.mark.parametrize("name", STUBS)
def test_action_takes_what_is_documented(name: str) -> None:
    spec = importlib.import_module(f"ansible_collections.kvmfleet.compute.plugins.action.{name}").ARGUMENT_SPEC
    options = documentation(name)["options"]
    assert set(spec) == set(options)
    for option, wanted in spec.items():
        for key in ("type", "elements", "required", "default", "choices"):
            assert options[option].get(key) == wanted.get(key), (option, key)


def test_action_group_lists_every_module() -> None:
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())
    assert runtime["action_groups"]["compute"] == [path.stem for path in MODULES]
