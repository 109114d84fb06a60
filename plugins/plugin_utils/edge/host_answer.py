# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all actions that run a module on a host have in common: of the host's answer only what the host says of itself goes on, and a
host that was cut off is asked nothing more.

A module's answer may carry orders to Ansible itself: variables of the host, which count more than the inventory's, statistics of the run, hosts and groups
of the inventory. Our modules give none, so that what looks like one comes from a host that lies.

A task's time-out interrupts what the action waits for. Ansible then removes its folder on the host, and nothing ends that wait: a host that hangs would keep
the task for ever.
"""

from __future__ import annotations

import contextlib
import typing as t
from collections.abc import Iterator, Mapping

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain

# What the strategy and the task's executor of ansible-core take from a result as more than data.
ORDERS = frozenset({"ansible_facts", "ansible_stats", "add_host", "add_group", "ansible_notify", "ansible_delegated_vars", "results", "include"})

# The options that say what is done, and to which servers: that nothing stands there is never taken for their default, which may be all servers.
DECIDING = frozenset({"state", "operation", "names", "ids", "project", "reservation_id", "group", "tags", "folders"})


def own_answer(answer: Mapping[str, t.Any], interpreter: Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The answer without orders; ``interpreter``: the fact that ansible-core itself has found out, if it has."""
    kept = {key: value for key, value in answer.items() if key not in ORDERS}
    return {**kept, "ansible_facts": dict(interpreter)} if interpreter else kept


def is_for_others(args: dict[str, t.Any], host: str) -> bool:
    """True if the option ``hosts``, which is taken out of the arguments, names others only; AnsibleActionFail if it is no list.

    A condition of the task would be shown with -v for each host that is left out, whereas of a brief result only the host's name is.
    """
    hosts: object = args.pop("hosts", None)
    if hosts is None:
        return False
    if not isinstance(hosts, list):
        raise AnsibleActionFail("hosts: must be a list of names of hosts")
    return host not in hosts


class HostAction(ActionBase):
    """An action that runs modules on the host."""

    _supports_check_mode = True
    _is_cut_off = False

    def plain_arguments(self) -> dict[str, t.Any]:
        """The task's arguments; AnsibleActionFail if one is nothing that can go to a host."""
        try:
            arguments: dict[str, t.Any] = plain(self._task.args)
        except NotPlain as error:
            raise AnsibleActionFail(str(error)) from error
        return arguments

    def _execute_module(
        self,
        module_name: str | None = None,
        module_args: dict[str, t.Any] | None = None,
        task_vars: dict[str, t.Any] | None = None,
        wrap_async: bool = False,
    ) -> dict[str, t.Any]:
        # Null and an empty text are what a survey gives where nothing was answered.
        given: Mapping[str, object] = self._task.args if module_args is None else module_args
        args = {name: value for name, value in given.items() if name in DECIDING or (value is not None and value != "")}
        answer = super()._execute_module(module_name=module_name, module_args=args, task_vars=task_vars, wrap_async=wrap_async)
        key = self._discovered_interpreter_key
        return own_answer(answer, {key: self._discovered_interpreter} if key else {})

    def _low_level_execute_command(self, cmd: str, *args: object, **options: object) -> dict[str, object]:
        with self._noticing():
            answer: dict[str, object] = super()._low_level_execute_command(cmd, *args, **options)
        return answer

    def _transfer_file(self, local_path: str, remote_path: str) -> str:
        with self._noticing():
            path: str = super()._transfer_file(local_path, remote_path)
        return path

    def _remove_tmp_path(self, tmp_path: str | None, force: bool = False) -> None:
        if not self._is_cut_off:
            super()._remove_tmp_path(tmp_path, force)

    @contextlib.contextmanager
    def _noticing(self) -> Iterator[None]:
        """Notice what cuts a task off: in every ansible-core it is no Exception, so that no action takes it for a failure."""
        try:
            yield
        except Exception:
            raise
        except BaseException:
            self._is_cut_off = True
            raise


class ModuleAction(HostAction):
    """Runs the module of its own name on the host, and nothing else."""

    _supports_async = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result = super().run(tmp, task_vars)
        wrap_async = bool(self._task.async_val) and not self._connection.has_native_async
        result.update(self._execute_module(task_vars=task_vars, wrap_async=wrap_async))
        if not wrap_async:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result
