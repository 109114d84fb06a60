# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which registrar a fleet obeys, by what its hosts hold; pure.

1. A host takes an epoch only in place of what it was seen to hold, and only one with a greater number. What it has given up it never takes again.
2. An epoch is in force when a majority of its hosts, a majority of the hosts of each epoch that it may take the place of, and every newcomer hold it. Two
   majorities of one list share a host, so two such epochs are never in force together; and a newcomer is never of another fleet.
3. A new fleet has no list that two first runs share: one may know a part of what the other knows. So it is enrolled by an epoch that all its hosts have to
   hold, and that grants nothing; the epoch that follows needs majorities only. An enrolment that one of its hosts can't take any more is dead.
4. Whoever finds something half done finishes it, or, if that can't be any more, puts a new epoch in place of all that it has seen.
5. An epoch that needs hosts which are no longer the fleet's is followed by one that needs the fleet's own only, so that the others may go.
"""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, EpochOffer

Seen = t.Mapping[str, t.Optional[Epoch]]  # what the hosts that were asked hold; None: no epoch


class Step(t.NamedTuple):
    """What a run does next."""

    epoch: Epoch  # the one that it goes for
    is_in_force: bool  # it may be worked with
    offers: t.Dict[str, EpochOffer]  # what hosts are to take, by host


def accepted(held: t.Optional[Epoch], offer: EpochOffer) -> t.Optional[Epoch]:
    """What a host holds after an offer."""
    epoch = offer["epoch"]
    is_as_seen = (held["id"] if held else None) == offer["expected"]
    return epoch if is_as_seen and (held is None or held["number"] < epoch["number"]) else held


def is_in_force(epoch: Epoch, seen: Seen) -> bool:
    """True if the hosts that were asked are enough to say so."""
    return bool(epoch["replaces"]) and _has_majorities(epoch, _holders(epoch, seen))


def next_step(seen: Seen, hosts: t.List[str], new_id: str) -> Step:
    """The way to an epoch that is in force, for a run with these hosts in its inventory; the first one becomes a new fleet's registrar.

    Refused (EpochForeign, EpochIncomplete) if the hosts are of two fleets, or if an epoch waits for hosts that were not asked.
    """
    granting, enrolling = _distinct(seen)
    if granting:
        return _go_on(granting, seen, new_id)
    if not enrolling:
        return _enrol(seen, hosts, new_id)
    if len(enrolling) > 1:
        raise _foreign(enrolling[0], enrolling[1], seen)
    (epoch,) = enrolling
    _require_all(epoch["hosts"], seen)
    if _holders(epoch, seen) >= set(epoch["hosts"]):
        return successor(seen, epoch["registrar"], epoch["hosts"], new_id)
    return Step(epoch, False, _offers(epoch, epoch["hosts"], seen))


def successor(seen: Seen, registrar: str, hosts: t.List[str], new_id: str) -> Step:
    """A new epoch in place of all that may be in force by what was seen: to move the registrar, or to let hosts join or go.

    Refused (EpochForeign, EpochIncomplete) if the hosts are of two fleets, or if there is no fleet yet.
    """
    granting, enrolling = _distinct(seen)
    if not granting:
        if len(enrolling) != 1:
            raise Refused("EpochIncomplete", "the hosts that answer are of no fleet yet: enrol it by a run over all its hosts")
        _require_all(enrolling[0]["hosts"], seen, _holders(enrolling[0], seen))
    ours = granting or enrolling
    floor = max((epoch["number"] for epoch in granting if is_in_force(epoch, seen)), default=0)
    replaces: t.List[t.List[str]] = []
    for epoch in (epoch for epoch in ours if epoch["number"] >= floor):
        # What an epoch in force took the place of can't come back.
        for names in [epoch["hosts"], *([] if epoch["number"] == floor else epoch["replaces"])]:
            if sorted(names) not in replaces:
                replaces.append(sorted(names))
    newcomers = sorted(set(hosts).difference(*replaces))
    _require_all(newcomers, seen)
    replaces += [[host] for host in newcomers if [host] not in replaces]
    number = 1 + max(epoch["number"] for epoch in seen.values() if epoch)
    new: Epoch = {
        "number": number,
        "id": new_id,
        "fleet": ours[0]["fleet"],
        "store": "sqlite",
        "registrar": registrar,
        "is_carried": True,
        "hosts": hosts,
        "replaces": replaces,
    }
    return Step(new, False, _offers(new, _everybody(new), seen))


def _go_on(granting: t.List[Epoch], seen: Seen, new_id: str) -> Step:
    """The fleet is there: one of its epochs is in force, or the latest is finished, or is replaced by one that says the same."""
    latest = granting[-1]
    for epoch in granting:
        if is_in_force(epoch, seen):
            if epoch is latest and set(_everybody(epoch)) != set(epoch["hosts"]):
                return successor(seen, epoch["registrar"], epoch["hosts"], new_id)
            return Step(epoch, True, _offers(epoch, _everybody(epoch), seen))
    offers = _offers(latest, _everybody(latest), seen)
    if _has_majorities(latest, _holders(latest, seen) | offers.keys()):
        return Step(latest, False, offers)
    step = successor(seen, latest["registrar"], latest["hosts"], new_id)
    if not _has_majorities(step.epoch, set(step.offers)):
        _require_all(_everybody(step.epoch), seen)
    return step


def _enrol(seen: Seen, hosts: t.List[str], new_id: str) -> Step:
    """The first run of a fleet, or one after enrolments that got in each other's way."""
    _require_all(hosts, seen)
    number = 1 + max((epoch["number"] for epoch in seen.values() if epoch), default=0)
    new: Epoch = {
        "number": number,
        "id": new_id,
        "fleet": new_id,
        "store": "sqlite",
        "registrar": hosts[0],
        "is_carried": False,
        "hosts": hosts,
        "replaces": [],
    }
    return Step(new, False, _offers(new, hosts, seen))


def _distinct(seen: Seen) -> t.Tuple[t.List[Epoch], t.List[Epoch]]:
    """The epochs of a fleet that is there, and the enrolments that may still come to be, each by number; Refused (EpochForeign) if they are of two fleets."""
    every = sorted({epoch["id"]: epoch for epoch in seen.values() if epoch}.values(), key=lambda epoch: (epoch["number"], epoch["id"]))
    granting = [epoch for epoch in every if epoch["replaces"]]
    fleets = {epoch["fleet"] for epoch in granting}
    enrolling = [epoch for epoch in every if not epoch["replaces"] and epoch["fleet"] not in fleets and not _is_dead(epoch, seen)]
    for other in [epoch for epoch in granting if epoch["fleet"] != granting[0]["fleet"]] + (enrolling if granting else []):
        raise _foreign(granting[0], other, seen)
    return granting, enrolling


def _is_dead(enrolment: Epoch, seen: Seen) -> bool:
    """True if one of its hosts holds something else that it can't give up for it."""
    others = (seen.get(host) for host in enrolment["hosts"])
    return any(epoch and epoch["id"] != enrolment["id"] and epoch["number"] >= enrolment["number"] for epoch in others)


def _holders(epoch: Epoch, seen: Seen) -> t.Set[str]:
    return {host for host, held in seen.items() if held and held["id"] == epoch["id"]}


def _everybody(epoch: Epoch) -> t.List[str]:
    """Its hosts and those of the epochs that it replaces: both have to hold it."""
    return [host for hosts in [epoch["hosts"], *epoch["replaces"]] for host in hosts]


def _has_majorities(epoch: Epoch, hosts: t.Set[str]) -> bool:
    return all(2 * len(hosts.intersection(names)) > len(set(names)) for names in [epoch["hosts"], *epoch["replaces"]])


def _offers(epoch: Epoch, hosts: t.Iterable[str], seen: Seen) -> t.Dict[str, EpochOffer]:
    """For the hosts that were asked and can take it."""
    offers: t.Dict[str, EpochOffer] = {}
    for host in hosts:
        held = seen.get(host)
        if host in seen and (held is None or held["number"] < epoch["number"]):
            offers[host] = {"epoch": epoch, "expected": held["id"] if held else None}
    return offers


def _require_all(hosts: t.List[str], seen: Seen, holding: t.Optional[t.Set[str]] = None) -> None:
    missing = sorted(set(hosts) - (seen.keys() if holding is None else holding))
    if missing:
        raise Refused("EpochIncomplete", f"the fleet's epoch waits for host {', '.join(missing)}: nothing is granted until a run has reached all of them")


def _foreign(one: Epoch, other: Epoch, seen: Seen) -> Refused:
    here, there = min(_holders(one, seen)), min(_holders(other, seen))
    return Refused(
        "EpochForeign", f"hosts {here} and {there} are of two fleets, with registrars on {one['registrar']} and {other['registrar']}: keep them apart"
    )
