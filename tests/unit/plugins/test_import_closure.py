"""What travels to a host: the modules' import closure holds nothing that only the controller has."""

from __future__ import annotations

import ast
import pathlib

import pytest

PLUGINS = pathlib.Path(__file__).resolve().parents[3] / "plugins"
PREFIX = "ansible_collections.kvmfleet.compute.plugins."
MODULES = sorted(path for path in (PLUGINS / "modules").glob("*.py") if "def main" in path.read_text())


def imports(path: pathlib.Path) -> set[str]:
    """Every module that a file names in an import, wherever it stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    return found


def closure(path: pathlib.Path) -> set[str]:
    seen: set[str] = set()
    todo = imports(path)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        file = PLUGINS / (name.removeprefix(PREFIX).replace(".", "/") + ".py")
        if name.startswith(PREFIX) and file.is_file():
            todo |= imports(file)
    return seen


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_closure_is_for_hosts(module: pathlib.Path) -> None:
    found = closure(module)
    assert not {name for name in found if name.split(".")[0] in ("jsonschema", "netaddr", "jinja2", "yaml")}
    assert not {name for name in found if name.startswith(PREFIX + "plugin_utils")}
