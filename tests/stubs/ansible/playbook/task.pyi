import typing as t

from ansible.playbook.play import Play

class Task:
    args: dict[str, t.Any]
    check_mode: bool
    diff: bool
    async_val: int
    delegate_to: str | None
    no_log: bool
    def get_play(self) -> Play: ...
