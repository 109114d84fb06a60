"""What travels to a host: a module's import closure is the standard library, ansible.module_utils, our module_utils and libvirt, all found statically."""

from __future__ import annotations

import ast
import pathlib
import sys

import pytest

PLUGINS = pathlib.Path(__file__).resolve().parents[3] / "plugins"
PREFIX = "ansible_collections.kvmfleet.compute.plugins."
OURS = PREFIX + "module_utils."
# What the host's distribution brings; module_utils/libvirt.py says so where it is missing.
ON_HOSTS = {"libvirt"}
# AnsiballZ ships what it sees in import statements; what these bring at run time it does not see.
DYNAMIC = {"importlib", "pkgutil", "imp"}
ALL_MODULES = sorted((PLUGINS / "modules").glob("*.py"))


def has_main(path: pathlib.Path) -> bool:
    """Whether the module runs on hosts; one without main() is the documentation of an action."""
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in ast.parse(path.read_text()).body)


MODULES = [path for path in ALL_MODULES if has_main(path)]


def file_of(name: str, root: pathlib.Path) -> pathlib.Path | None:
    """The file of one of our own modules or packages, None where there is none."""
    path = root / name.removeprefix(PREFIX).replace(".", "/")
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def imports(path: pathlib.Path, root: pathlib.Path) -> set[str]:
    """Every module that a file names in an import, wherever it stands in it: what AnsiballZ ships, type-only imports too."""
    package = (PREFIX + path.relative_to(root).as_posix()).replace("/", ".").split(".")[:-2]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])]) if node.level else node.module or ""
            for alias in node.names:
                # `from package import module` and `from module import name` look the same.
                found.add(base if not base.startswith(PREFIX) or file_of(base, root) else f"{base}.{alias.name}")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
            found.add("importlib")
    return found


def refused(path: pathlib.Path, root: pathlib.Path = PLUGINS) -> dict[str, str]:
    """{what must not be in the closure of the file: why}."""
    seen: set[str] = set()
    found = {}
    todo = imports(path, root)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        top = name.split(".")[0]
        if name.startswith(OURS):
            file = file_of(name, root)
            if file:
                todo |= imports(file, root)
            else:
                found[name] = "no such file"
        elif top in DYNAMIC:
            found[name] = "what it imports is not shipped"
        elif top not in sys.stdlib_module_names and not name.startswith("ansible.module_utils") and top not in ON_HOSTS:
            found[name] = "not on hosts"
    return found


def test_there_are_modules_for_hosts_and_every_other_has_its_action() -> None:
    assert MODULES
    actions = {path.stem for path in (PLUGINS / "action").glob("*.py")}
    assert {path.stem for path in ALL_MODULES} - {path.stem for path in MODULES} <= actions


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_closure_is_for_hosts(module: pathlib.Path) -> None:
    assert refused(module) == {}


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("import jsonschema", "jsonschema"),
        ("def late():\n    import netaddr", "netaddr"),
        (f"from {PREFIX}plugin_utils.scheduler import schedule", PREFIX + "plugin_utils.scheduler.schedule"),
        (f"import {PREFIX}plugin_utils.api.names", PREFIX + "plugin_utils.api.names"),
        (f"if TYPE_CHECKING:\n    from {PREFIX}plugin_utils import plain", PREFIX + "plugin_utils.plain"),
        ("from ..plugin_utils import plain", PREFIX + "plugin_utils.plain"),
        ("from ansible.errors import AnsibleError", "ansible.errors"),
        ("import importlib.metadata", "importlib.metadata"),
        ("find = __import__", None),
        ("found = __import__('os')", "importlib"),
        (f"from {OURS}compute import missing", OURS + "compute.missing"),
    ],
)
def test_what_must_not_travel_is_found_behind_another_file(tmp_path: pathlib.Path, statement: str, name: str | None) -> None:
    for folder in ("modules", "module_utils"):
        (tmp_path / folder).mkdir()
    (tmp_path / "modules" / "one.py").write_text(f"from {OURS}near import near\n")
    (tmp_path / "module_utils" / "near.py").write_text("from .far import far\n")
    (tmp_path / "module_utils" / "far.py").write_text(statement + "\n")
    assert set(refused(tmp_path / "modules" / "one.py", tmp_path)) == ({name} if name else set())
