# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The random source that the pure rooms are handed; ``random.Random`` and ``random.SystemRandom`` are some."""

from __future__ import annotations

import typing as t

Item = t.TypeVar("Item")


class RandomSource(t.Protocol):
    """What is asked of it."""

    def choice(self, items: t.Sequence[Item], /) -> Item:
        """One of the items."""

    def shuffle(self, items: list[t.Any], /) -> None:
        """The items in another order, in place."""
