# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which registrar a fleet obeys, by what its hosts hold; pure.

1. A host takes an epoch only in place of what it was seen to hold, and only one with a greater number. What it has given up it never takes again.
2. An epoch is in force when a majority of its hosts, a majority of the hosts of each epoch that it may take the place of, and every newcomer hold it. Two
   majorities of one list share a host, so two such epochs are never in force together; and a newcomer is never of another fleet.
3. A new fleet has no list that two first runs share: one may know a part of what the other knows. So it is enrolled by an epoch that all its hosts have to
   hold, and that grants nothing; the epoch that follows needs majorities only. An enrolment that one of its hosts can't take any more is dead.
4. With the same ledger an epoch is carried: what was granted by the one before may still be claimed. A new ledger knows nothing of what was granted, so every
   host has to hold its epoch, but those that are given up by name: they leave the fleet. If they come back with what they held, the later epoch counts.
5. Whoever finds something half done finishes it, or, if that can't be any more, puts a new epoch in place of all that it has seen. An epoch whose registrar
   holds a later one grants nothing any more, though hosts may hold it.
6. An epoch that needs more than a majority of its own hosts is followed by one that doesn't, so that hosts may go, and a host that is down stops nobody.
7. Runs that have seen the same and want the same propose the same epoch. What needs every host is offered to one of them first: it decides among runs.
"""

from __future__ import annotations

import json
import typing as t
import uuid

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, EpochOffer

# Where the ledger is.
SQLITE, POSTGRESQL, NONE = "sqlite", "postgresql", "none"
_NAMESPACE = uuid.UUID("7a4d7c7e-5d0b-4d0e-9a3c-6f1c1f0c9b52")

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


def is_held_by_all(epoch: Epoch, seen: Seen) -> bool:
    """True if every host that may have to hold it does."""
    return _holders(epoch, seen) >= set(_everybody(epoch))


def next_step(seen: Seen, hosts: t.List[str], new_id: str, store: str = SQLITE) -> Step:
    """The way to an epoch that is in force, for a run with these hosts in its inventory; those that are not the fleet's yet join.

    A new fleet keeps its ledger in ``store``, and the first host becomes its registrar; so does one from which the registrar was taken off, unless ``store``
    is none. ``new_id`` is a random id, for a fleet of which nothing is there yet.
    Refused (EpochForeign, EpochIncomplete) if the hosts are of two fleets, or if an epoch waits for hosts that were not asked.
    """
    granting, enrolling = _distinct(seen)
    if granting:
        return _go_on(granting, seen, hosts, store)
    if not enrolling:
        return _enrol(seen, hosts, new_id, store)
    if len(enrolling) > 1:
        raise _foreign(enrolling[0], enrolling[1], seen)
    (epoch,) = enrolling
    _require_all(epoch["hosts"], seen)
    if _holders(epoch, seen) >= set(epoch["hosts"]):
        return _carried(enrolling, seen, epoch["hosts"])
    return Step(epoch, False, _offers(epoch, epoch["hosts"], seen))


def new_ledger(seen: Seen, hosts: t.List[str], registrar: str, store: str, given_up: t.Collection[str] = ()) -> Step:
    """To move the registrar, to rebuild it or to take it off: an epoch that voids all that was granted, for the fleet's hosts and those of the inventory.

    Refused (EpochForeign, EpochIncomplete) if the hosts are of two fleets, if there is no fleet yet, or if a host was not asked that is not given up.
    """
    granting, enrolling = _distinct(seen)
    ours = granting or enrolling
    if not granting:
        if len(enrolling) != 1:
            raise Refused("EpochIncomplete", "the hosts that answer are of no fleet yet: enrol it by a run over all its hosts")
        _require_all(enrolling[0]["hosts"], seen, _holders(enrolling[0], seen))
    return _new_ledger(ours, seen, hosts, registrar, store, given_up)


def finish(epoch: Epoch, seen: Seen) -> Step:
    """What is left of the way to an epoch; Refused (EpochOver) if hosts hold another one that they don't give up for it."""
    offers = _offers(epoch, _everybody(epoch), seen)
    if not _has_majorities(epoch, _holders(epoch, seen) | offers.keys()):
        raise Refused("EpochOver", f"another run has given hosts an epoch in place of epoch {epoch['number']}, or they have not answered: run again")
    return Step(epoch, is_in_force(epoch, seen), offers)


def _go_on(granting: t.List[Epoch], seen: Seen, hosts: t.List[str], store: str) -> Step:
    """The fleet is there: the latest of its epochs in force counts; with none in force the latest is finished, or replaced by one that says the same."""
    open_ones = [epoch for epoch in granting if not _is_fenced(epoch, seen)] or granting
    latest = open_ones[-1]
    epoch = next((epoch for epoch in reversed(open_ones) if is_in_force(epoch, seen)), None)
    if epoch is None:
        if _has_majorities(latest, _holders(latest, seen) | _offers(latest, _everybody(latest), seen).keys()):
            return finish(latest, seen)
        if _are_of_one_ledger(granting, seen):
            return _carried(granting, seen, latest["hosts"])
        return _new_ledger(granting, seen, latest["hosts"], latest["registrar"], latest["store"], ())
    if epoch["store"] == NONE:
        if store == NONE:
            return Step(epoch, True, _offers(epoch, _everybody(epoch), seen))
        return _new_ledger(granting, seen, hosts, hosts[0] if store == SQLITE else "", store, ())
    wanted = sorted({*epoch["hosts"], *(host for host in hosts if host in seen)})
    if epoch["hosts"] == wanted and epoch["replaces"] == [wanted]:
        return Step(epoch, True, _offers(epoch, wanted, seen))
    if latest is not epoch and latest["hosts"] == wanted and _are_of_one_ledger(granting, seen):
        # Another run is at it.
        offers = _offers(latest, _everybody(latest), seen)
        if _has_majorities(latest, _holders(latest, seen) | offers.keys()):
            return Step(latest, False, offers)
    if _are_of_one_ledger(granting, seen):
        return _carried(granting, seen, wanted)
    return _new_ledger(granting, seen, wanted, epoch["registrar"], epoch["store"], ())


def _enrol(seen: Seen, hosts: t.List[str], new_id: str, store: str) -> Step:
    """The first run of a fleet, or one after enrolments that got in each other's way."""
    _require_all(hosts, seen)
    earlier = [epoch for epoch in seen.values() if epoch]
    new = _epoch(earlier, "", store, hosts[0] if store == SQLITE else "", False, sorted(hosts), [])
    new["id"] = new["fleet"] = new["id"] if earlier else new_id
    return _to_one_first(Step(new, False, _offers(new, hosts, seen)), "")


def _carried(ours: t.List[Epoch], seen: Seen, hosts: t.List[str]) -> Step:
    """An epoch of the same ledger in place of all that may be in force, for these hosts."""
    before, replaces = _before(ours, seen)
    newcomers = sorted(set(hosts).difference(*replaces))
    _require_all(newcomers, seen)
    replaces += [[host] for host in newcomers]
    latest = before[-1]
    new = _epoch(before, latest["fleet"], latest["store"], latest["registrar"], True, sorted(hosts), replaces, seen)
    return Step(new, False, _reaching(new, seen))


def _new_ledger(ours: t.List[Epoch], seen: Seen, hosts: t.List[str], registrar: str, store: str, given_up: t.Collection[str]) -> Step:
    before, lists = _before(ours, seen)
    fleet = {host for epoch in before for host in epoch["hosts"]}.union(hosts).difference(given_up)
    half_done = before[-1]
    wanted = (store, registrar, False, sorted(fleet))
    if half_done["replaces"] and (half_done["store"], half_done["registrar"], half_done["is_carried"], half_done["hosts"]) == wanted:
        offers = _offers(half_done, _everybody(half_done), seen)
        if not is_in_force(half_done, seen) and _has_majorities(half_done, _holders(half_done, seen) | offers.keys()):
            return Step(half_done, False, offers)
    needed = sorted(fleet.union(*lists).difference(given_up))
    missing = sorted(set(needed) - seen.keys())
    if missing:
        raise Refused("EpochIncomplete", f"a new ledger voids what was granted on every host, and host {', '.join(missing)} was not reached")
    new = _epoch(before, before[-1]["fleet"], store, registrar, False, sorted(fleet), [[host] for host in needed], seen)
    return _to_one_first(Step(new, False, _offers(new, needed, seen)), before[-1]["registrar"])


def _before(ours: t.List[Epoch], seen: Seen) -> t.Tuple[t.List[Epoch], t.List[t.List[str]]]:
    """The epochs that may be in force or come to be, and the hosts of each and of those that they may take the place of."""
    floor = max((epoch["number"] for epoch in ours if is_in_force(epoch, seen)), default=0)
    before = [epoch for epoch in ours if epoch["number"] >= floor]
    lists: t.List[t.List[str]] = []
    for epoch in before:
        # What an epoch in force took the place of can't come back.
        for names in [epoch["hosts"], *([] if epoch["number"] == floor else epoch["replaces"])]:
            if sorted(names) not in lists:
                lists.append(sorted(names))
    return before, lists


def _epoch(
    before: t.List[Epoch],
    fleet: str,
    store: str,
    registrar: str,
    is_carried: bool,
    hosts: t.List[str],
    replaces: t.List[t.List[str]],
    seen: t.Optional[Seen] = None,
) -> Epoch:
    """A new epoch; its id says what it is, and what it comes after."""
    number = 1 + max((epoch["number"] for epoch in [*before, *(epoch for epoch in (seen or {}).values() if epoch)]), default=0)
    text = json.dumps([number, fleet, store, registrar, is_carried, hosts, replaces, sorted({epoch["id"] for epoch in before})])
    return {
        "number": number,
        "id": str(uuid.uuid5(_NAMESPACE, text)),
        "fleet": fleet,
        "store": store,
        "registrar": registrar,
        "is_carried": is_carried,
        "hosts": hosts,
        "replaces": replaces,
    }


def _are_of_one_ledger(ours: t.List[Epoch], seen: Seen) -> bool:
    """True if what may have been granted, or is to be, by any of them that is not over is in one ledger."""
    before, _lists = _before(ours, seen)
    is_one = len({(epoch["store"], epoch["registrar"]) for epoch in before}) == 1
    # Of an epoch with a new ledger that is in force all hosts hold nothing earlier; of one that is not, the registrar may have voided the ledger already.
    return is_one and all(epoch["is_carried"] or is_in_force(epoch, seen) for epoch in before)


def _is_fenced(epoch: Epoch, seen: Seen) -> bool:
    """True if the host that has its ledger will not grant by it any more."""
    held = seen.get(epoch["registrar"])
    return held is not None and held["id"] != epoch["id"] and held["number"] >= epoch["number"]


def _to_one_first(step: Step, host: str) -> Step:
    """The offers without those that come when this host has taken its own; the first one if there is none for it."""
    first = host if host in step.offers else min(step.offers, default="")
    return step._replace(offers={name: offer for name, offer in step.offers.items() if name == first})


def _reaching(epoch: Epoch, seen: Seen) -> t.Dict[str, EpochOffer]:
    """The offers; Refused (EpochIncomplete) if they can't bring it in force."""
    offers = _offers(epoch, _everybody(epoch), seen)
    if not _has_majorities(epoch, set(offers)):
        _require_all(_everybody(epoch), seen)
    return offers


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
    return sorted({host for hosts in [epoch["hosts"], *epoch["replaces"]] for host in hosts})


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
    (here, _one), (there, _other) = sorted((min(_holders(epoch, seen)), epoch["id"]) for epoch in (one, other))
    return Refused("EpochForeign", f"hosts {here} and {there} are of two fleets: keep them apart, in inventories of their own")
