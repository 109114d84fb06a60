import typing as t

from ansible.playbook.play import Play

class Task:
    args: dict[str, t.Any]
    check_mode: bool
    async_val: int
    def get_play(self) -> Play: ...
