# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all actions that run on the controller alone have in common: checked arguments as plain data, one clear failure, no change."""

from __future__ import annotations

import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import run_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.verbosity import brief
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.answers import WrongAnswer, items, mapping


class ControllerAction(ActionBase):
    """An action with an argument spec and an answer; it needs no connection and changes nothing on any host."""

    _requires_connection = False
    TRANSFERS_FILES = False
    # The module-level ARGUMENT_SPEC, and what of required_one_of and the like there is.
    SPEC: t.ClassVar[dict[str, dict[str, object]]]
    CONDITIONS: t.ClassVar[dict[str, object]] = {}
    # What the answer raises if the user is to blame: the task fails with its sentence.
    REFUSALS: t.ClassVar[tuple[type[Exception], ...]] = ()
    # The options for which an empty text is a value; for the others it is what a survey gives where nothing was answered, as is null.
    EMPTY_IS_A_VALUE: t.ClassVar[frozenset[str]] = frozenset()
    # What earlier stages may have put into files of the run, and what of the result this one puts there if ``hand_over`` says so: keys, and keys of mappings
    # in it (round.servers).
    TAKEN: t.ClassVar[tuple[str, ...]] = ()
    LARGE: t.ClassVar[tuple[str, ...]] = ()

    def answer(self, args: t.Any, variables: dict[str, t.Any]) -> t.Mapping[str, object]:
        """The result, of plain arguments, as the argument spec types them, and the variables of the task."""
        raise NotImplementedError

    def given(self, variables: t.Mapping[str, t.Any], names: t.Iterable[str]) -> dict[str, t.Any]:
        """Those of these variables that there are, templated."""
        return {name: plain(self._templar.template(variables[name]), name) for name in names if name in variables}

    def _read(self, name: str, value: object) -> object:
        """An argument; one that is a list or a mapping may be text, as a survey gives it."""
        spec = self.SPEC.get(name, {})
        if not isinstance(value, str) or spec.get("type") not in ("list", "dict"):
            return value
        text = str(value)
        return mapping(name, text) if spec["type"] == "dict" else items(name, text, only_text=spec.get("elements") == "str")

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        begin = time.monotonic()
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        given: t.Mapping[str, object] = self._task.args
        set_ones = {name: value for name, value in given.items() if value is not None and (value != "" or name in self.EMPTY_IS_A_VALUE)}
        refusals: tuple[type[Exception], ...] = (AnsibleActionFail, NotPlain, WrongAnswer, run_file.NoRunFile, *self.REFUSALS)
        try:
            self._task.args = {name: self._read(name, value) for name, value in set_ones.items()}
            run_file.bring_back(self._task.args, self.TAKEN)
            _checked, arguments = self.validate_argument_spec(argument_spec=self.SPEC, **self.CONDITIONS)
            args: dict[str, t.Any] = plain(arguments)
            result.update(self.answer(args, task_vars or {}))
            if args.get("hand_over") == run_file.FILE and not result.get("failed"):
                run_file.put_away(result, self.LARGE)
        except refusals as error:
            # An exception that is passed on is shown with its traceback before ansible-core 2.19.
            result.update(failed=True, msg=str(error))
        result.update(changed=False, seconds=round(time.monotonic() - begin, 3))
        brief(result, self._display.verbosity)
        return result
