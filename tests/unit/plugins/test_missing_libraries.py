"""A controller without jsonschema or netaddr, or with an older Python or ansible-core: one sentence that names its Python, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.controller_needs import too_old

PACKAGE = "ansible_collections.kvmfleet.compute.plugins"
WITHOUT = f"""
import sys
sys.modules[sys.argv[1]] = None
from ansible.errors import AnsibleError
from {PACKAGE}.action import server_schedule, server_validate
from {PACKAGE}.plugin_utils.edge import template_filter
from {PACKAGE}.plugin_utils.schema.libraries import MISSING
assert len(MISSING) == 1, MISSING
try:
    template_filter.answer(print, [], {{}}, {{}})
except AnsibleError as error:
    print(error)
"""
OLDER = f"""
import sys
from ansible import release
from ansible.errors import AnsibleError
release.__version__ = sys.argv[1]
try:
    from {PACKAGE}.action import host_info
except AnsibleError as error:
    print(error)
"""


def said(code: str, argument: str) -> str:
    """What the code prints in a Python of its own, and nothing on standard error."""
    search = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code, argument], capture_output=True, text=True, check=False, env=search)
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("library", ["jsonschema", "netaddr"])
def test_a_missing_library_is_named(library: str) -> None:
    assert said(WITHOUT, library) == f"kvmfleet.compute needs {library} on the controller: pip install {library} into {sys.executable}, which runs ansible\n"


def test_an_older_ansible_core_is_named() -> None:
    assert said(OLDER, "2.15.13") == f"kvmfleet.compute needs ansible-core 2.16 or newer: {sys.executable} runs ansible-core 2.15.13\n"
    assert said(OLDER, "2.16.0") == ""


@pytest.mark.parametrize(
    ("python", "core", "words"),
    [
        ((3, 10), "2.16.3", "/opt/python, which is 3.10"),
        ((3, 9), "2.15.13", "needs Python 3.11 or newer"),
        ((3, 11), "2.9.27", "runs ansible-core 2.9.27"),
        ((3, 11), "2.16.0rc1", None),
        ((3, 14), "2.21.5", None),
        ((4, 0), "3.0.0.dev0", None),
    ],
)
def test_what_is_too_old(python: tuple[int, int], core: str, words: str | None) -> None:
    sentence = too_old(python, core, "/opt/python")
    assert words in sentence if words and sentence else sentence is words
