# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a play as its hosts have them: those of the task, which are the same for all, and those that differ from host to host."""

from __future__ import annotations

import typing as t
from collections.abc import Callable, Iterable, Mapping

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import needs_templating

Variables = Mapping[str, t.Any]


class PlayVariables:
    """Some variables of all hosts of a play, by the beginning of their names or by name."""

    def __init__(self, task_vars: Variables, prefix: str, names: Iterable[str], template: Callable[[object], object]) -> None:
        """``template``: runs one with the variables of the task."""
        self._task_vars, self._template = task_vars, template
        wanted = frozenset(names)
        self._hostvars: Mapping[str, Variables] = task_vars["hostvars"]
        raw: Callable[[str], Variables] = getattr(self._hostvars, "raw_get", self._hostvars.__getitem__)
        hosts: list[object] = task_vars.get("ansible_play_hosts_all") or []
        # Ansible puts together all variables of a host for each look, so that one look must do.
        self._raw = {str(host): _chosen(raw(str(host)), prefix, wanted) for host in hosts}
        self._own = _chosen(task_vars, prefix, wanted)

    def names(self) -> set[str]:
        """Those that are set, for the task or any host; what a task has registered is nobody's setting."""
        everywhere = (self._own, *self._raw.values())
        return {name for variables in everywhere for name, value in variables.items() if not _is_registered(value)}

    def raw(self, name: str) -> object:
        """One as it was written, of the task or else of the first host that has it."""
        if name in self._own:
            return self._own[name]
        return next((variables[name] for variables in self._raw.values() if name in variables), None)

    def values(self, name: str) -> list[tuple[object, tuple[str, ...]]]:
        """Its values as plain data, each with the hosts that have it, or with none if it is one for all; NotPlain, or what a template raises."""
        host = str(self._task_vars.get("inventory_hostname"))
        is_task_s = name in self._own and (host not in self._raw or self._raw[host].get(name) != self._own[name])
        if is_task_s:
            # The vars of a task, a role or a play, and its registered ones count for every host.
            return [(plain(self._template(self._own[name]), name), ())]
        by_value: list[tuple[object, list[str]]] = []
        for host, variables in self._raw.items():
            if name in variables:
                _add(by_value, plain(self._of_host(host, name), name), host)
        if len(by_value) == 1 and len(by_value[0][1]) == len(self._raw):
            return [(by_value[0][0], ())]
        return [(value, tuple(hosts)) for value, hosts in by_value]

    def _of_host(self, host: str, name: str) -> object:
        value: object = self._raw[host][name]
        return self._hostvars[host].get(name) if needs_templating(value) else value


def _chosen(variables: Variables, prefix: str, names: frozenset[str]) -> dict[str, object]:
    return {name: value for name, value in variables.items() if isinstance(name, str) and (name.startswith(prefix) or name in names)}


def _is_registered(value: object) -> bool:
    """True for a task's result."""
    return isinstance(value, Mapping) and "changed" in value and "failed" in value


def _add(by_value: list[tuple[object, list[str]]], value: object, host: str) -> None:
    for other, hosts in by_value:
        if type(other) is type(value) and other == value:
            hosts.append(host)
            return
    by_value.append((value, [host]))
