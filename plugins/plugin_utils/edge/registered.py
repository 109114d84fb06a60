# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stage of this run has registered, whether it stands in the result or in a file of the run."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleActionFail

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import run_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import plain


def registered(variables: Mapping[str, t.Any], name: str, key: str, option: str) -> t.Any:
    """``key`` of the variable ``name``, which ``option`` names; AnsibleActionFail if that is something else, NoRunFile if its file is gone."""
    found = variables.get(name)
    if not isinstance(found, dict) or key not in found:
        raise AnsibleActionFail(f"{option}: {name} has no {key}")
    values = {key: plain(found[key], name)}
    run_file.bring_back(values, ("scheduled", *run_file.LARGE_OF_ROUND))
    return values[key]
