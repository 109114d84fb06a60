# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times create_server on the testbed: one run without a registrar and with it, and runs of different servers at once and one after another."""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import statistics
import sys
import tempfile
import time
import typing as t

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from integration.conftest import Fleet, Play, server
from races.runs import at_once

Requests = list[dict[str, t.Any]]


class Bench:
    """Runs on an empty fleet each time."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self.fleet = Fleet(folder)
        self._count = 0

    def seconds(self, asked: list[Requests], variables: dict[str, t.Any] | None = None) -> tuple[float, list[Play]]:
        """How long the runs took together; all of them succeed."""
        self._count += 1
        begun = time.monotonic()
        plays = at_once(self._folder / str(self._count), asked, variables or {}, {})
        seconds = time.monotonic() - begun
        for play in plays:
            if play.code:
                sys.exit(f"a run failed:\n{play.output[-4000:]}")
        return seconds, plays


def requests(run: int, servers: int) -> Requests:
    """One request for all servers of a run."""
    return [server(f"bench-{run}", min_count=servers)]


def alone(bench: Bench, servers: int, repeats: int, variables: dict[str, t.Any]) -> tuple[float, int]:
    """Median of the seconds of one run, and the number of tasks that it does."""
    times = []
    for _repeat in range(repeats):
        bench.fleet.remove_servers()
        seconds, (play,) = bench.seconds([requests(0, servers)], variables)
        times.append(seconds)
    # Without those that are skipped on every host.
    done = [part for part in play.output.split("\nTASK [")[1:] if re.search("^(ok|changed|included):", part, re.MULTILINE)]
    return statistics.median(times), len(done)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--servers", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    asked = [requests(run, arguments.servers) for run in range(arguments.runs)]
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(pathlib.Path(folder))
        bench.fleet.wipe()
        # Images and QEMU's capabilities are cached before anything is measured.
        bench.seconds([requests(0, 3)], {"compute_registrar": "none"})
        none_s, none_tasks = alone(bench, arguments.servers, arguments.repeats, {"compute_registrar": "none"})
        bench.fleet.remove_servers()
        # Its first run enrols the hosts.
        bench.seconds([requests(0, arguments.servers)])
        with_s, with_tasks = alone(bench, arguments.servers, arguments.repeats, {})
        bench.fleet.remove_servers()
        each_s = sum(bench.seconds([one])[0] for one in asked)
        bench.fleet.remove_servers()
        together_s, _plays = bench.seconds(asked)
        bench.fleet.wipe()
    result = {
        "runs": arguments.runs,
        "servers": arguments.servers,
        "without_s": round(none_s, 2),
        "without_tasks": none_tasks,
        "with_s": round(with_s, 2),
        "with_tasks": with_tasks,
        "with_ratio": round(with_s / none_s, 3),
        "one_after_another_s": round(each_s, 2),
        "at_once_s": round(together_s, 2),
        "at_once_ratio": round(together_s / each_s, 3),
    }
    if arguments.json:
        print(json.dumps(result))
        return
    print(
        "a run of {servers} servers alone: {without_s} s and {without_tasks} tasks without a registrar, {with_s} s and {with_tasks} tasks with it "
        "({with_ratio} times)\n"
        "{runs} runs: {one_after_another_s} s one after another, {at_once_s} s at once ({at_once_ratio} times)".format(**result)
    )


if __name__ == "__main__":
    main()
