# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times schedule() for one size of fleet and batch, from facts to results, and prints what came of it."""

from __future__ import annotations

import json
import statistics
import time

import scheduler_fleet as fleet

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import garbage_collection
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.scheduler.schedule import schedule

# Nova's defaults, so that the picks are Nova's and no weigher is spared.
OPTIONS = {"kvmfleet": {"profile": "nova"}}
RUNS = 5


def run(number: int, batch: int) -> dict[str, object]:
    """The median of some runs; the facts are there before each, as the plugin has them."""
    facts, aggregates, request = fleet.hosts(number), fleet.aggregates(number), fleet.request(batch)
    schedule([fleet.request(2)], fleet.hosts(10), fleet.aggregates(10), [], OPTIONS)
    took = []
    for _run in range(RUNS):
        begin = time.perf_counter()
        with garbage_collection.paused():
            result = schedule([request], facts, aggregates, [], OPTIONS)["results"][0]
            # Before the collector is let go on, whose first pass over the result is no placement.
            took.append(time.perf_counter() - begin)
        picks = [pick.get("host") for pick in result["picks"]]
        outcome = result["result"]
        del result
    if outcome != "ok" or len(picks) != batch:
        raise SystemExit(f"{outcome}: the batch of {batch} doesn't fit on {number} hosts")
    return {"seconds": statistics.median(took), "peak_rss_mb": fleet.peak_rss_mb(), "picks": picks}


if __name__ == "__main__":
    print(json.dumps(run(*fleet.arguments())))
