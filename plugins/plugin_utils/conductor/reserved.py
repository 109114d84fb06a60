# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a run's reservations: what the registrar may be told of its claims, and when; pure.

1. A claim that is there is settled as claimed: from now on facts show it. One that was refused, or failed and is undone, is settled as absent.
2. Of an unknown one nothing is said, and nothing of a host that was lost, whatever it said before: the next run may have to do without that host's facts.
3. Claims are settled between the last claim and the first build. What a build undoes was settled before; before another claim it is reserved again.
4. A claim that is given up before it was settled is absent.
"""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import EpochId, SettleRequest
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor.outcomes import LostHost, Outcomes
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Reserved, Round


def after(reserved: Reserved, stage: str, told: Outcomes) -> Reserved:
    """The reservations when the hosts have told the outcomes of a stage."""
    known = {uuid: outcome for servers in told.values() if not isinstance(servers, LostHost) for uuid, outcome in servers.items()}
    if stage == "release":
        gone = [uuid for uuid in reserved["claimed"] if uuid in known and known[uuid]["error"] is None]
        return {"open": reserved["open"], "claimed": [uuid for uuid in reserved["claimed"] if uuid not in gone], "absent": reserved["absent"] + gone}
    if stage != "claim":
        # The registrar was told before the build; what it has not heard ends by its deadline.
        return {"open": reserved["open"], "claimed": [], "absent": []}
    is_there = {uuid: outcome["error"] is None for uuid, outcome in known.items() if outcome["outcome"] != "unknown"}
    return {
        "open": [uuid for uuid in reserved["open"] if uuid not in is_there],
        "claimed": reserved["claimed"] + [uuid for uuid in reserved["open"] if is_there.get(uuid) is True],
        "absent": reserved["absent"] + [uuid for uuid in reserved["open"] if is_there.get(uuid) is False],
    }


def again(reserved: Reserved, granted: list[str], lost: list[str]) -> Reserved:
    """The reservations when some servers were granted and others were not, which hold nothing."""
    named = {*granted, *lost}
    return {
        "open": [uuid for uuid in reserved["open"] if uuid not in named] + granted,
        "claimed": [uuid for uuid in reserved["claimed"] if uuid not in named],
        "absent": [uuid for uuid in reserved["absent"] if uuid not in named],
    }


def settlement(state: Round, epoch: EpochId, ticket: int) -> SettleRequest | None:
    """What the registrar is to be told now; None if there is nothing, or if more claims come first."""
    reserved = state["reserved"]
    if state["stage"] == "claim" or not (reserved["claimed"] or reserved["absent"]):
        return None
    return {"epoch": {"number": epoch["number"], "id": epoch["id"]}, "ticket": ticket, "claimed": reserved["claimed"], "absent": reserved["absent"]}
