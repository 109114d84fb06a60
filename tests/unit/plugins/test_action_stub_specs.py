"""A module that is only the documentation of its action says exactly what the action's argument spec takes; ansible-test doesn't compare them."""

from __future__ import annotations

import ast
import copy
import importlib
import pathlib
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
ACTIONS = "ansible_collections.kvmfleet.compute.plugins.action."
FRAGMENTS = "ansible_collections.kvmfleet.compute.plugins.doc_fragments."
Options = dict[str, dict[str, t.Any]]


def _text(tree: ast.Module, name: str) -> str | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
            return t.cast(str, ast.literal_eval(node.value))
    return None


def documented(name: str) -> Options | None:
    """The documented options of a doc-only module, those of its fragments too; None for a module that runs on hosts."""
    tree = ast.parse((ROOT / "plugins" / "modules" / f"{name}.py").read_text())
    if any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body):
        return None
    documentation = yaml.safe_load(_text(tree, "DOCUMENTATION") or "")
    options = dict(documentation.get("options") or {})
    fragments = documentation.get("extends_documentation_fragment") or []
    for fragment in [fragments] if isinstance(fragments, str) else fragments:
        file, _dot, part = fragment.removeprefix("kvmfleet.compute.").partition(".")
        text = getattr(importlib.import_module(FRAGMENTS + file).ModuleDocFragment, (part or "documentation").upper())
        options = {**(yaml.safe_load(text).get("options") or {}), **options}
    return options


STUBS = [path.stem for path in sorted((ROOT / "plugins" / "action").glob("*.py")) if documented(path.stem) is not None]


def _as_spec(options: Options) -> Options:
    """The argument spec that documented options describe, in one form."""
    spec = {}
    for name, option in options.items():
        spec[name] = {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "required": option.get("required", False),
            "default": option.get("default"),
            "choices": list(option["choices"]) if option.get("choices") else None,
            "aliases": sorted(option.get("aliases") or []),
            "options": _as_spec(option.get("suboptions") or option.get("options") or {}),
        }
    return spec


@pytest.mark.parametrize("name", STUBS)
def test_the_action_takes_what_is_documented(name: str) -> None:
    assert _as_spec(importlib.import_module(ACTIONS + name).ARGUMENT_SPEC) == _as_spec(documented(name) or {})


def test_there_are_actions_with_a_stub() -> None:
    assert {"server_validate", "server_schedule"} <= set(STUBS)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("type", "int"),
        ("elements", "str"),
        ("required", True),
        ("default", 1),
        ("choices", ["a"]),
        ("aliases", ["b"]),
        ("suboptions", {"deep": {"type": "str"}}),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_a_deviation_is_seen(key: str, value: t.Any, nested: bool) -> None:
    option: dict[str, t.Any] = {"type": "list", "elements": "dict", "suboptions": {"inner": {"type": "dict"}}}
    other = copy.deepcopy(option)
    (other["suboptions"]["inner"] if nested else other)[key] = value
    assert _as_spec({"outer": option}) != _as_spec({"outer": other})
