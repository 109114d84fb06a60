# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of a role, once for all hosts: thin edge over plugin_utils/api; documented in plugins/modules/role_variables.py."""

from __future__ import annotations

import functools
import re
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import error_text, role_variables, unknown_variables
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.problems import Problems
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.role_variables import Held, Option
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import role_specs
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.action import ControllerAction
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.origin import of_value
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_variables import PlayVariables
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler import settings
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema import answers
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.libraries import MISSING

ARGUMENT_SPEC: dict[str, dict[str, object]] = {"role": {"type": "str", "required": True}}

NAME = re.compile(r"\w+")
# What is one for all hosts, and how its text is read.
SCHEDULER: dict[str, t.Callable[[str, object], object]] = {
    "compute_scheduler_options": answers.mapping,
    "compute_scheduler_filters": functools.partial(answers.items, only_text=False),
    "compute_scheduler_weighers": functools.partial(answers.items, only_text=False),
}


class Arguments(t.TypedDict):
    """What the argument spec gives."""

    role: str


class ActionModule(ControllerAction):
    """Checks what is set."""

    SPEC = ARGUMENT_SPEC

    def answer(self, args: Arguments, variables: dict[str, t.Any]) -> dict[str, object]:
        """Nothing, or warnings of variables that no role knows, or every variable that is wrong."""
        roles = role_specs.read()
        if args["role"] not in roles:
            raise AnsibleActionFail(f"role {args['role']}: kvmfleet.compute has none; known: {', '.join(roles)}")
        options: dict[str, Option] = roles[args["role"]]
        known = {name for role in roles.values() for name in role}
        play = PlayVariables(variables, unknown_variables.PREFIX, options, self._templar.template)

        def origin(path: str) -> str | None:
            name = NAME.match(path)
            return of_value({name.group(): play.raw(name.group())}, path.partition(" ")[0]) if name else None

        problems = Problems()
        held = {name: self._held(play, name) for name in options if options[name].get("type") != "raw"}
        problems.extend(role_variables.faults(options, held))
        # Without jsonschema the api stage stops the run.
        if not problems.errors and not MISSING:
            problems.extend(settings.faults(*(_read(held.get(name), read) for name, read in SCHEDULER.items())))
        warnings = unknown_variables.warnings(play.names(), known, origin)
        answer: dict[str, object] = {"warnings": warnings} if warnings else {}
        if problems.errors:
            return {**answer, "errors": problems.errors, "failed": True, "msg": error_text.text(problems.errors, origin)}
        return answer

    def _held(self, play: PlayVariables, name: str) -> list[Held]:
        try:
            return [Held(value, hosts) for value, hosts in play.values(name)]
        except AnsibleError as error:
            raise AnsibleActionFail(f"{name}: its template can't be run: {error}") from error


def _read(held: list[Held] | None, read: t.Callable[[str, object], object]) -> object:
    value = held[0].value if held else None
    return None if answers.is_unset(value) else read("", value)
