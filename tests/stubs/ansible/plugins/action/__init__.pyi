import typing as t

from ansible.playbook.task import Task
from ansible.template import Templar

class Display:
    verbosity: int
    def display(self, msg: str, *, stderr: bool = False) -> None: ...

class ShellModule:
    tmpdir: str
    def join_path(self, *args: str) -> str: ...

class BecomeBase: ...

class Connection:
    has_native_async: bool
    transport: str
    become: BecomeBase | None
    _shell: ShellModule
    _options: dict[str, t.Any]
    def get_option(self, option: str) -> t.Any: ...

class ActionBase:
    TRANSFERS_FILES: bool
    _requires_connection: bool
    _supports_check_mode: bool
    _supports_async: bool
    _discovered_interpreter_key: str | None
    _discovered_interpreter: str | bool
    _task: Task
    _templar: Templar
    _display: Display
    _connection: Connection
    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]: ...
    def validate_argument_spec(self, argument_spec: object = None, **conditions: object) -> tuple[object, dict[str, t.Any]]: ...
    def _execute_module(
        self, module_name: str | None = None, module_args: dict[str, t.Any] | None = None, task_vars: dict[str, t.Any] | None = None, wrap_async: bool = False
    ) -> dict[str, t.Any]: ...
    def _find_needle(self, dirname: str, needle: str) -> str: ...
    def _make_tmp_path(self) -> str: ...
    def _remove_tmp_path(self, tmp_path: str | None, force: bool = False) -> None: ...
    def _low_level_execute_command(self, cmd: str, *args: object, **options: object) -> dict[str, t.Any]: ...
    def _transfer_file(self, local_path: str, remote_path: str) -> str: ...
