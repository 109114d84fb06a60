# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault as a value: what rules yield; whoever runs them puts the path in front and collects. Pure."""

from __future__ import annotations

import typing as t


class Fault(t.NamedTuple):
    """One thing that is wrong with a document; ``shapes.Fault`` is how it is reported."""

    path: str  # below whoever called: networks[0].fixed_ip; empty: the whole
    value: object  # as it was given
    rule: str  # what it breaks, in plain English: must be an IP address
    error_class: str = "ValidationError"  # Nova's
    http_status: int = 400  # Nova's

    def below(self, prefix: str) -> Fault:
        """The same, seen from above: its path starts with ``prefix``."""
        return self._replace(path=join(prefix, self.path))


def join(above: str, below: str) -> str:
    """One path of two: ``a`` and ``b[0]`` is ``a.b[0]``, ``a`` and ``[0]`` is ``a[0]``."""
    return f"{above}{below}" if not above or not below or below.startswith("[") else f"{above}.{below}"
