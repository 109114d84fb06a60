# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bench whose input is no longer what the project takes would time refusals: each is run once, small. No time is compared."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def test_the_plan_from_the_fact_cache_places_its_servers() -> None:
    done = subprocess.run([sys.executable, str(HERE / "scheduler_hostvars.py"), "3", "2"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["batch"] == 2


def test_the_registrars_bench_has_its_servers_granted() -> None:
    done = subprocess.run(
        [sys.executable, str(HERE / "registrar.py"), "--servers", "3", "--addresses", "5", "--runs", "3", "--json"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1] / ".build" / "collections")},
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["servers"] == 3
