"""A controller without jsonschema or netaddr: a clear sentence and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PACKAGE = "ansible_collections.kvmfleet.compute.plugins"
CODE = f"""
import sys
sys.modules[sys.argv[1]] = None
from ansible.errors import AnsibleError
from {PACKAGE}.action import server_schedule, server_validate
from {PACKAGE}.plugin_utils.edge import template_filter
from {PACKAGE}.plugin_utils.schema.libraries import MISSING
assert MISSING == (sys.argv[1],), MISSING
try:
    template_filter.answer(print, [], {{}}, {{}})
except AnsibleError as error:
    print(error)
"""


@pytest.mark.parametrize("library", ["jsonschema", "netaddr"])
def test_a_missing_library_is_named(library: str) -> None:
    search = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", CODE, library], capture_output=True, text=True, check=False, env=search)
    assert done.stderr == ""
    assert f"Failed to import the required Python library ({library})" in done.stdout
