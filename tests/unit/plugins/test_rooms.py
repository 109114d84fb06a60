"""What the design promises of the house: which room may import which, no circle, and that what calls itself pure touches nothing outside."""

from __future__ import annotations

import ast
import pathlib
import re

import pytest

PLUGINS = pathlib.Path(__file__).resolve().parents[3] / "plugins"
PREFIX = "ansible_collections.kvmfleet.compute.plugins."
# room: the rooms that it may import. Api and scheduler stand side by side; nothing imports upwards.
ROOMS: dict[str, set[str]] = {
    "module_utils": set(),
    "module_utils/image": {"module_utils"},
    "module_utils/network": {"module_utils"},
    "module_utils/storage": {"module_utils"},
    "module_utils/guest": {"module_utils", "module_utils/network"},
    "module_utils/registrar": {"module_utils"},
    "module_utils/compute": {
        "module_utils",
        "module_utils/image",
        "module_utils/network",
        "module_utils/storage",
        "module_utils/guest",
        "module_utils/registrar",
    },
    "plugin_utils": {"module_utils"},
    "plugin_utils/schema": {"plugin_utils", "module_utils", "module_utils/image"},
    "plugin_utils/edge": {"plugin_utils", "plugin_utils/schema", "module_utils"},
    "plugin_utils/hardware": {"plugin_utils", "plugin_utils/schema", "module_utils"},
    "plugin_utils/fleet": {
        "plugin_utils",
        "plugin_utils/edge",
        "plugin_utils/schema",
        "module_utils",
        "module_utils/network",
        "module_utils/registrar",
    },
    "plugin_utils/api": {
        "plugin_utils",
        "plugin_utils/hardware",
        "plugin_utils/fleet",
        "plugin_utils/schema",
        "module_utils",
        "module_utils/image",
        "module_utils/network",
        "module_utils/registrar",
    },
    "plugin_utils/scheduler": {"plugin_utils", "plugin_utils/hardware", "plugin_utils/fleet", "plugin_utils/schema", "module_utils", "module_utils/network"},
    "plugin_utils/allocation": {
        "plugin_utils",
        "plugin_utils/fleet",
        "plugin_utils/schema",
        "module_utils",
        "module_utils/network",
        "module_utils/registrar",
    },
    "plugin_utils/conductor": {"plugin_utils", "plugin_utils/fleet", "plugin_utils/schema", "module_utils", "module_utils/network"},
    "plugin_utils/plan": {
        "plugin_utils",
        "plugin_utils/allocation",
        "plugin_utils/api",
        "plugin_utils/edge",
        "plugin_utils/fleet",
        "plugin_utils/schema",
        "module_utils",
        "module_utils/network",
    },
    "plugin_utils/progress": {"plugin_utils", "module_utils", "module_utils/image"},
    "plugin_utils/report": {"plugin_utils", "plugin_utils/fleet", "plugin_utils/edge", "module_utils"},
}
FILES = sorted(path for folder in ("module_utils", "plugin_utils") for path in (PLUGINS / folder).rglob("*.py"))
FORBIDDEN = {"os", "pathlib", "socket", "time", "random", "secrets", "subprocess", "shutil", "tempfile", "urllib"}
FORBIDDEN |= {"threading", "concurrent", "gc", "libvirt", "ansible"}
PURE_PARTS = {"urllib.parse"}  # it only takes addresses apart
FORBIDDEN_CALLS = {"open", "datetime.now", "datetime.datetime.now", "datetime.utcnow", "datetime.datetime.utcnow", "date.today", "datetime.date.today"}
FORBIDDEN_CALLS |= {"uuid.uuid1", "uuid.uuid4", "uuid1", "uuid4", "input", "print"}


def room_of(path: pathlib.Path) -> str:
    """The folder that holds a file, not deeper than the design names them."""
    return "/".join(path.relative_to(PLUGINS).parts[:-1][:2])


def file_of(name: str) -> pathlib.Path | None:
    """The file of one of our own modules; None for a name in one, or for somebody else's."""
    path = PLUGINS / name.removeprefix(PREFIX).replace(".", "/")
    return path.with_suffix(".py") if name.startswith(PREFIX) and path.with_suffix(".py").is_file() else None


def imports(path: pathlib.Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{alias.name}" if file_of(f"{node.module}.{alias.name}") else node.module for alias in node.names)
    return found


def is_pure(path: pathlib.Path) -> bool:
    """True if the file says of itself that it is pure."""
    return bool(re.search(r"\bpure\b", (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n\n")[0]))


def impurities(path: pathlib.Path) -> set[str]:
    """What a file touches outside, by itself or through files of ours that it imports."""
    found: set[str] = set()
    seen: set[pathlib.Path] = set()
    todo = [path]
    while todo:
        current = todo.pop()
        if current in seen:
            continue
        seen.add(current)
        where = current.relative_to(PLUGINS).as_posix()
        for name in imports(current):
            ours = file_of(name)
            if ours:
                todo.append(ours)
            elif name.split(".")[0] in FORBIDDEN and name not in PURE_PARTS:
                found.add(f"{where}: imports {name}")
        for node in ast.walk(ast.parse(current.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in FORBIDDEN_CALLS:
                found.add(f"{where}: calls {ast.unparse(node.func)}()")
    return found


def test_every_room_is_known_and_none_is_empty() -> None:
    assert {room_of(path) for path in FILES} == set(ROOMS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PLUGINS).as_posix())
def test_a_room_imports_only_what_it_may(path: pathlib.Path) -> None:
    room = room_of(path)
    arrows = {room_of(file) for file in map(file_of, imports(path)) if file}
    assert arrows - {room} <= ROOMS[room]


def test_the_rooms_have_no_circle() -> None:
    left = dict(ROOMS)
    while left:
        free = [room for room, below in left.items() if not below & left.keys()]
        assert free, f"a circle among {sorted(left)}"
        for room in free:
            del left[room]


def test_many_files_call_themselves_pure() -> None:
    # What the next test says nothing about if the word is dropped.
    assert sum(map(is_pure, FILES)) >= 60


@pytest.mark.parametrize("path", [path for path in FILES if is_pure(path)], ids=lambda path: path.relative_to(PLUGINS).as_posix())
def test_what_calls_itself_pure_is(path: pathlib.Path) -> None:
    assert impurities(path) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os.path", "imports os.path"),
        ("from random import Random", "imports random"),
        ("def late():\n    import socket", "imports socket"),
        ("import uuid\nuuid.uuid4()", "calls uuid.uuid4()"),
        ("import datetime\ndatetime.datetime.now()", "calls datetime.datetime.now()"),
        ("with open('x') as file:\n    pass", "calls open()"),
        ("from ansible.errors import AnsibleError", "imports ansible.errors"),
    ],
)
def test_what_is_not_pure_is_seen(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path, source: str, found: str) -> None:
    monkeypatch.setitem(globals(), "PLUGINS", tmp_path)
    (tmp_path / "one.py").write_text(f"from {PREFIX}two import two\n")
    (tmp_path / "two.py").write_text(source + "\n")
    assert impurities(tmp_path / "one.py") == {f"two.py: {found}"}
