# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths of hosts as words for a real shell."""

from __future__ import annotations

import subprocess

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.progress.shell_word import shell_word


@pytest.mark.parametrize(
    ("path", "word"),
    [("/var/lib/a b", "/var/lib/a b"), ("~/a 'b'", "/home/me/a 'b'"), ("~/a;$(id)", "/home/me/a;$(id)"), ("~", "~"), ("a~/b", "a~/b"), ("~/", "~/")],
)
def test_the_shell_reads_one_word_and_knows_whose_home_it_is(path: str, word: str) -> None:
    done = subprocess.run(["/bin/sh", "-c", f"printf %s {shell_word(path)}"], env={"HOME": "/home/me"}, capture_output=True, text=True, check=True)
    assert done.stdout == word
