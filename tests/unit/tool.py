"""The project's own tools in tests/tools, loaded as modules to be tested."""

from __future__ import annotations

import importlib.util
import pathlib
import typing as t

TOOLS = pathlib.Path(__file__).resolve().parents[1] / "tools"


def load(name: str) -> t.Any:
    """The module of one tool."""
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
