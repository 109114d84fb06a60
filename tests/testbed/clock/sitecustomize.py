"""Sleep by select on a hypervisor whose clock is ahead: libfaketime before 0.9.11 spoils the call by which Python 3.11 does."""

from __future__ import annotations

import select
import time


def sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = sleep
