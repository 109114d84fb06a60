# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text file is replaced whole or not at all, whatever is in the text."""

from __future__ import annotations

import pathlib
import stat

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import text_file


def test_what_is_no_character_does_not_stop_it(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "report.html"
    text_file.write(str(file), "a\ud800b ü", 0o644)
    assert file.read_text(encoding="utf-8") == "a?b ü"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_a_file_that_cannot_be_replaced_stays_and_nothing_is_left(tmp_path: pathlib.Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(IsADirectoryError):
        text_file.write(str(tmp_path / "report.html"), "a", 0o644)
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
