# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules of all security groups of a catalogue."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.all_group_rules import InvalidGroups, all_group_rules

WEB = {"rules": [{"direction": "ingress", "protocol": "tcp", "port_range_min": 80, "port_range_max": 80}]}


@pytest.mark.parametrize(("catalogue", "names"), [({}, ["default"]), ({"web": WEB}, ["web", "default"]), ({"default": WEB}, ["default"])])
def test_every_group_and_default(catalogue: dict[str, t.Any], names: list[str]) -> None:
    found = all_group_rules(catalogue)
    assert sorted(group["name"] for group in found) == sorted(names)


@pytest.mark.parametrize(
    ("catalogue", "words"),
    [
        ([], "compute_security_groups"),
        ({"web": {"rules": [{"direction": "up"}]}}, "compute_security_groups.web.rules[0].direction: must be one of"),
        ({"web": {"rules": [{"direction": "ingress", "remote_group": "nobody"}]}}, "rules[0].remote_group: unknown security group"),
        ({"web": {"rules": [{"direction": "ingress", "protocol": "gre"}]}}, "compute_security_groups.web: its rule 1 can't be enforced"),
    ],
)
def test_what_is_wrong_is_said(catalogue: object, words: str) -> None:
    with pytest.raises(InvalidGroups) as raised:
        all_group_rules(catalogue)
    assert words in str(raised.value)
