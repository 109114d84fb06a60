# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``module_defaults: group/kvmfleet.compute.host`` reaches every module that has the options of a hypervisor, and no other."""

from __future__ import annotations

import pathlib

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
GROUPS = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
SHARED = {"image_cache_path", "instances_path", "libvirt_timeout_s", "libvirt_uri", "state_path"}


def test_the_action_group_lists_exactly_the_modules_with_the_options_of_a_hypervisor() -> None:
    having = [path.stem for path in (ROOT / "plugins" / "modules").glob("*.py") if "  - kvmfleet.compute.libvirt_host\n" in path.read_text()]
    assert {"host": sorted(having)} == GROUPS


@pytest.mark.parametrize("module", GROUPS["host"])
def test_a_default_for_the_group_is_an_option_of_each_member(module: str) -> None:
    fragment = (ROOT / "plugins" / "doc_fragments" / "libvirt_host.py").read_text()
    documented = yaml.safe_load(fragment.split('DOCUMENTATION = r"""')[1].split('"""')[0])
    assert set(documented["options"]) == SHARED
    # Its argument spec is made of the one that the fragment documents.
    assert "host_argument_spec" in (ROOT / "plugins" / "modules" / f"{module}.py").read_text()
