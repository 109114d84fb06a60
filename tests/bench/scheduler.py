# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Picks a second and peak memory of the scheduler by size of fleet and batch; the same of Nova's own; the plugins' seconds in a real play."""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import subprocess
import sys
import typing as t

Result = dict[str, t.Any]
ROOT = pathlib.Path(__file__).resolve().parents[2]
HOSTS = (100, 1000, 10000)
BATCHES = (1, 100, 1000)
PYTHON = {"ours": ROOT / ".venv" / "bin" / "python", "nova": ROOT / ".cache" / "nova" / "bin" / "python"}


def measured(who: str, hosts: int, batch: int) -> Result:
    """{seconds, peak_rss_mb, picks} of a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / ".build" / "collections")} if who == "ours" else dict(os.environ)
    program = [str(PYTHON[who]), str(pathlib.Path(__file__).with_name(f"scheduler_{who}.py")), str(hosts), str(batch)]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{who}, {hosts} hosts, {batch} servers:\n{done.stderr[-4000:]}")
    return t.cast(Result, json.loads(done.stdout))


def combination(hosts: int, batch: int, nova: bool) -> Result:
    """The figures of one size of fleet and batch. Nova's slow cases are cut short: ``nova_picks`` were timed, the rest is extrapolated."""
    ours = measured("ours", hosts, batch)
    speed = batch / ours["seconds"]
    result: Result = {
        "hosts": hosts,
        "batch": batch,
        "picks_per_s": round(speed, 1),
        "seconds": round(ours["seconds"], 4),
        "peak_rss_mb": ours["peak_rss_mb"],
        "nova_picks_per_s": None,
    }
    if nova:
        theirs = measured("nova", hosts, batch)
        nova_speed, picks = batch / theirs["seconds"], theirs["picks"]
        result.update(
            nova_picks_per_s=round(nova_speed, 2),
            nova_seconds=round(theirs["seconds"], 3),
            nova_picks=len(picks),
            nova_peak_rss_mb=theirs["peak_rss_mb"],
            ratio=round(speed / nova_speed, 1),
            # One by one, in their order. The fleet's random use leaves no two hosts with the same best weight.
            same_picks=picks == ours["picks"][: len(picks)],
        )
    return result


def table(rows: list[Result], names: list[str]) -> None:
    """Print figures under their names, row by row as they come."""
    if len(rows) == 1:
        print("".join(f"{name:>17}" for name in names))
    print("".join(f"{rows[-1][name]!s:>17}" for name in names), flush=True)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int)
    parser.add_argument("--batch", type=int)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--nova", action="store_true")
    what.add_argument("--hostvars", action="store_true")
    parser.add_argument("--before", type=pathlib.Path, metavar="FOLDER", help="with --hostvars: a work tree of the project to compare with, by turns")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.hostvars:
        import scheduler_hostvars

        size = arguments.hosts or 1000, arguments.batch or 100
        before = arguments.before
        cases: t.Iterable[Result] = [scheduler_hostvars.against(before.resolve(), *size) if before else scheduler_hostvars.run(*size)]
    else:
        cases = (
            combination(hosts, batch, arguments.nova)
            for hosts in ([arguments.hosts] if arguments.hosts else HOSTS)
            for batch in ([arguments.batch] if arguments.batch else BATCHES)
        )
    rows: list[Result] = []
    for row in cases:
        rows.append(row)
        if arguments.json:
            print(json.dumps(row), flush=True)
        else:
            table(rows, [name for name in row if row[name] is not None])


if __name__ == "__main__":
    main()
