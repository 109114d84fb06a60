# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a play's hosts, templated only where there is a template: to template facts costs many times what it costs to read them."""

from __future__ import annotations

import typing as t
from collections.abc import Iterable, Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.template_trust import is_trusted_as_template

TEMPLATE_STARTS = ("{{", "{%", "{#")


def needs_templating(value: object) -> bool:
    """True if there is a template in it, or something that Ansible must make a value of (a vaulted text)."""
    if isinstance(value, str):
        # Nearly all of a fleet's texts end here.
        if "{" not in value and not value.startswith("#jinja2:"):
            return False
        return (value.startswith("#jinja2:") or any(start in value for start in TEMPLATE_STARTS)) and is_trusted_as_template(value)
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return not (value is None or isinstance(value, (bool, int, float)))
    for item in value:  # noqa: SIM110 (a generator costs as much as the look itself)
        if needs_templating(item):
            return True
    return False


class HostVariables:
    """Some variables of one host."""

    def __init__(self, hostvars: Mapping[str, t.Any], host: str, names: Iterable[str]) -> None:
        self._hostvars, self._host = hostvars, host
        raw: Mapping[str, t.Any] = getattr(hostvars, "raw_get", hostvars.__getitem__)(host)
        # Ansible puts together all variables of a host for each look, so one look must do; the others are not kept.
        self.raw: dict[str, t.Any] = {name: raw[name] for name in names if name in raw}

    def get(self, name: str) -> t.Any:
        """The value, as a template would see it; None if it is not set."""
        value: object = self.raw.get(name)
        return self._hostvars[self._host].get(name) if needs_templating(value) else value


def play_hosts(task_vars: Mapping[str, t.Any], names: Iterable[str]) -> dict[str, HostVariables]:
    """All hosts of the play, those that are lost by now too, with these variables."""
    wanted = tuple(names)
    hostvars: Mapping[str, t.Any] = task_vars["hostvars"]
    hosts: list[object] = task_vars.get("ansible_play_hosts_all") or []
    return {str(host): HostVariables(hostvars, str(host), wanted) for host in hosts}
