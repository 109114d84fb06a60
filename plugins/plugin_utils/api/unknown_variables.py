# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables with our prefix that no role knows, such as a slip of the pen would make; pure.

The prefix belongs to nobody: such a variable may be somebody else's, so that it is never an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable

PREFIX = "compute_"
COLLECTION = "kvmfleet.compute"
# A name that is nearly as like as the likest one may be meant as well; then its beginning decides, which slips seldom change.
LEAST_LIKE, NEARLY = 0.6, 0.05


def warnings(names: Iterable[str], known: Iterable[str], origin: Callable[[str], str | None]) -> list[str]:
    """A sentence for each unknown name that is like a known one, and one for all others; ``origin``: where it was written, such as ``vars.yml:3``."""
    options = sorted(known)
    unknown = sorted(set(names) - set(options))
    meant = {name: _meant(name, options) for name in unknown}
    found = [f"{_where(name, origin)}{name} is not an option of {COLLECTION}; did you mean {other}?" for name, other in meant.items() if other]
    others = [name for name, other in meant.items() if not other]
    if others:
        found.append(f"{', '.join(others)} {'are not options' if len(others) > 1 else 'is not an option'} of {COLLECTION}")
    return found


def _where(name: str, origin: Callable[[str], str | None]) -> str:
    where = origin(name)
    return f"{where}: " if where else ""


def _meant(name: str, options: Iterable[str]) -> str | None:
    word = name.removeprefix(PREFIX)
    likeness = {option: difflib.SequenceMatcher(None, word, option.removeprefix(PREFIX)).ratio() for option in options if option.startswith(PREFIX)}
    best = max(likeness.values(), default=0.0)
    near = [option for option, ratio in likeness.items() if ratio >= max(LEAST_LIKE, best - NEARLY)]
    return max(near, key=lambda option: (_begins_alike(option, name), likeness[option]), default=None)


def _begins_alike(one: str, other: str) -> int:
    return next((index for index, (first, second) in enumerate(zip(one, other, strict=False)) if first != second), min(len(one), len(other)))
