"""``module_defaults: group/kvmfleet.compute.compute`` reaches every module, and nothing else."""

from __future__ import annotations

import pathlib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]


def test_the_action_group_lists_exactly_the_modules() -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert groups == {"compute": sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))}
