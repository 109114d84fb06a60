# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of this collection, as it is installed."""

from __future__ import annotations

import json
import pathlib

import yaml

_ROOT = pathlib.Path(__file__).resolve().parents[3]


def collection_version() -> str:
    """That of the manifest of an installed collection, or of galaxy.yml in a clone."""
    manifest = _ROOT / "MANIFEST.json"
    if manifest.exists():
        installed: dict[str, dict[str, str]] = json.loads(manifest.read_text(encoding="utf-8"))
        return installed["collection_info"]["version"]
    cloned: dict[str, str] = yaml.safe_load((_ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    return cloned["version"]
