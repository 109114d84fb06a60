# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of text as lines with columns that fit a width; pure."""

from __future__ import annotations

from collections.abc import Sequence

GAP, LEAST_WIDTH = 2, 8  # characters between columns, and those that a column keeps however little room there is


def aligned(rows: Sequence[tuple[str, ...]], width: int, elastic: Sequence[int]) -> list[str]:
    """A line for each row, as long as ``width`` at most; of the ``elastic`` columns the widest are cut until all fit, the first one first."""
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(rows[0]))]
    while sum(widths) + GAP * (len(widths) - 1) > width:
        widest = max(elastic, key=lambda column: widths[column])
        if widths[widest] <= LEAST_WIDTH:
            break
        widths[widest] -= 1
    return [(" " * GAP).join(cut(cell, of_column).ljust(of_column) for cell, of_column in zip(cells, widths, strict=True)).rstrip() for cells in rows]


def cut(text: str, width: int) -> str:
    """A text, and that there was more of it."""
    return text if len(text) <= width else f"{text[: width - 1]}…"
