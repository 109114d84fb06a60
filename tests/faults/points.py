# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""At which points of a step a fault may strike: counted in a healthy call, which is made once for each transition."""

from __future__ import annotations

import random

from .hypervisor import Hypervisor
from .images import Images
from .scenarios import SCENARIOS, Scenario
from .table import Case, senseless

Point = tuple[str, int]  # kind and index


class Points:
    """Of one hypervisor."""

    def __init__(self, host: Hypervisor, images: Images) -> None:
        self._host = host
        self._images = images
        self._seen: dict[tuple[str, str], dict[str, dict[str, int]]] = {}

    def scenario(self, case: Case) -> Scenario:
        """A new one."""
        image = self._images.fetched if case.transition in ("fetch", "publish") else self._images.bootless
        return SCENARIOS[case.transition, case.phase](self._host, image)

    def _of(self, case: Case) -> dict[str, int]:
        key = (case.transition, case.phase)
        if key not in self._seen:
            healthy = self.scenario(case)
            healthy.prepare()
            self._seen[key] = healthy.call(None).seen
            healthy.remove()
        seen = self._seen[key].get(f"{case.transition}.{case.step}")
        assert seen is not None, f"{case.transition} did not come to {case.step} in a healthy call: {sorted(self._seen[key])}"
        return seen

    def senseless(self, case: Case) -> str | None:
        """The rule by which the fault can't meet the step; None if it can."""
        return senseless(case, self._of(case))

    def some(self, case: Case, most: int, draw: random.Random) -> list[Point]:
        """As many as ``most`` of all, one of each kind first."""
        seen = self._of(case)
        by_kind = {kind: [(kind, index) for index in range(seen.get(kind, 0))] for kind in case.fault.kinds}
        for found in by_kind.values():
            draw.shuffle(found)
        first = [found.pop() for found in by_kind.values() if found]
        rest = [point for found in by_kind.values() for point in found]
        draw.shuffle(first)
        draw.shuffle(rest)
        return [*first, *rest][:most]
