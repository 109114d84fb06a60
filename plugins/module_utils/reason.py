# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a host can't take a server, as a value; pure. Shared by the scheduler and by the claim on the host."""

from __future__ import annotations

import typing as t


class Reason(t.NamedTuple):
    """Who refuses, the rest of the sentence and, if it is about an amount, how much is left and how much is requested."""

    by: str
    text: str = ""
    left: t.Optional[float] = None
    asked: t.Optional[float] = None

    def __str__(self) -> str:
        return f"{self.by}: {self.text}" if self.text else self.by

    @property
    def lacking(self) -> t.Optional[float]:
        """The part of what is requested that is not there; None if the reason is about no amount."""
        return (self.asked - self.left) / self.asked if self.left is not None and self.asked else None
