"""Any interleaving of first runs, moves, lost answers and killed runs, over the whole fleet or parts of it: never two registrars over one host.

A run asks hosts when it pleases, one by one, and sends offers that arrive late, in part or never. Asked is what the hosts hold.
"""

from __future__ import annotations

import typing as t

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import epoch as epochs
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused

if t.TYPE_CHECKING:
    from collections.abc import Callable

    from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import Step
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, EpochOffer

HOSTS = ["h1", "h2", "h3", "h4", "h5"]
EVERY = frozenset(HOSTS)
PARTS = [frozenset(HOSTS[:2]), frozenset(HOSTS[:3]), frozenset(HOSTS[:4]), frozenset(HOSTS[2:]), frozenset(HOSTS[3:])]
SOME = st.one_of(st.just(EVERY), st.sampled_from(PARTS), st.frozensets(st.sampled_from(HOSTS), min_size=1))
ENOUGH = 8  # rounds in which a run that reaches all hosts is done


class Run:
    """A run with the hosts of its inventory in its order, and what it has seen."""

    def __init__(self, hosts: list[str]) -> None:
        self.hosts = hosts
        self.seen: dict[str, Epoch | None] = {}
        self.goal: Epoch | None = None
        self.offers: dict[str, EpochOffer] = {}


class Fleet(RuleBasedStateMachine):
    """Hosts with the epochs that they hold."""

    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, Epoch | None] = dict.fromkeys(HOSTS)
        self.every: dict[str, Epoch] = {}
        self.been_in_force: dict[str, Epoch] = {}
        self.given_up: dict[str, frozenset[str]] = {}  # by the epoch that goes without them
        self.ancestors: dict[str, set[str]] = {}  # what was known when an epoch was made
        self.ledgers: dict[str, str] = {}  # of hosts that have been registrars, by the epoch that it was founded for
        self.granted_by: dict[str, str] = {}  # the ledger of each epoch that has granted
        self.count = 0

    @initialize(target=runs, fleets=st.sampled_from([[], [5], [3], [3, 2], [1, 4], [2]]), sights=st.lists(SOME, min_size=2, max_size=2))
    def there_are_fleets(self, fleets: list[int], sights: list[frozenset[str]]) -> t.Any:
        """What few interleavings come to by themselves: hosts that are enrolled, in this order, and runs that have just asked some of them."""
        hosts = list(HOSTS)
        for size in fleets:
            run = Run(hosts[:size])
            for _round in range(2):
                self.whole_round(run)
            hosts = hosts[size:]
        runs = [Run(HOSTS), Run(HOSTS[::-1]), Run(HOSTS), Run(HOSTS[2:])]
        for index, sight in enumerate([EVERY, *sights, EVERY]):
            self.look(runs[index], sight)
        return multiple(*runs)

    @rule(target=runs, hosts=st.one_of(st.permutations(HOSTS), st.lists(st.sampled_from(HOSTS), min_size=1, unique=True)))
    def begin(self, hosts: list[str]) -> Run:
        return Run(hosts)

    @rule(run=runs, which=SOME)
    def look(self, run: Run, which: frozenset[str]) -> None:
        for host in sorted(which.intersection(run.hosts)):
            run.seen[host] = self.held[host]

    def go(self, run: Run, what: Callable[[str], Step], given_up: frozenset[str] = frozenset()) -> None:
        self.count += 1
        try:
            step = what(f"epoch-{self.count}")
        except Refused as refused:
            assert refused.error_class in ("EpochForeign", "EpochIncomplete", "EpochOver")
            return
        self.every[step.epoch["id"]] = step.epoch
        known = {epoch["id"] for epoch in run.seen.values() if epoch}
        ancestors = known.union(*(self.ancestors[name] for name in known))
        self.ancestors.setdefault(step.epoch["id"], ancestors)
        # What is finished goes without those that it was begun without.
        without = given_up.union(*(self.given_up[name] for name in ancestors)).difference(step.epoch["hosts"])
        self.given_up.setdefault(step.epoch["id"], without)
        run.goal, run.offers = step.epoch, step.offers

    @rule(run=runs)
    def step(self, run: Run) -> None:
        self.go(run, lambda new_id: epochs.next_step(run.seen, run.hosts, new_id))

    @rule(run=runs)
    def finish(self, run: Run) -> None:
        """What it went for before, by what it has seen since."""
        goal = run.goal
        if goal:
            self.go(run, lambda _new_id: epochs.finish(goal, run.seen))

    @rule(
        run=runs, to=st.sampled_from(HOSTS), store=st.sampled_from([epochs.SQLITE, epochs.SQLITE, epochs.NONE]), without=st.one_of(st.just(frozenset()), SOME)
    )
    def move(self, run: Run, to: str, store: str, without: frozenset[str]) -> None:
        """Another registrar, or none, with a new ledger; some hosts may be given up, answering or not."""
        hosts = [host for host in run.hosts if host not in without]
        if run.seen and hosts:
            registrar = "" if store == epochs.NONE else to if to in hosts else hosts[0]
            self.go(run, lambda _new_id: epochs.new_ledger(run.seen, hosts, registrar, store, without), without)

    @rule(run=runs, arrive=SOME, answer=SOME)
    def offer(self, run: Run, arrive: frozenset[str], answer: frozenset[str]) -> None:
        for host in sorted(arrive.intersection(run.offers)):
            before, self.held[host] = self.held[host], epochs.accepted(self.held[host], run.offers[host])
            held = self.held[host]
            if held and held != before and held["registrar"] == host and not held["is_carried"]:
                self.ledgers[host] = held["id"]
            if host in answer:
                run.seen[host] = self.held[host]

    @rule(run=runs, to=st.sampled_from(HOSTS), without=st.one_of(st.just(frozenset()), SOME), arrive=st.lists(SOME, min_size=3, max_size=3))
    def whole_move(self, run: Run, to: str, without: frozenset[str], arrive: list[frozenset[str]]) -> None:
        """As a mover does it, with others before and after."""
        self.move(run, to, epochs.SQLITE, without)
        for which in arrive:
            self.offer(run, which, EVERY)
            self.finish(run)

    @rule(run=runs)
    def whole_round(self, run: Run) -> None:
        """As most runs do it."""
        self.look(run, EVERY)
        self.step(run)
        self.offer(run, EVERY, EVERY)

    @rule(run=consumes(runs))
    def crash(self, run: Run) -> None:
        pass

    def holding(self) -> dict[str, Epoch | None]:
        """What hosts hold, without those that are given up by an epoch that was in force and that they know nothing of: who does so answers for it."""
        gone = set()
        for name in self.been_in_force:
            for host in self.given_up[name]:
                held = self.held[host]
                if held and held["id"] != name and name not in self.ancestors[held["id"]]:
                    gone.add(host)
        return {host: held for host, held in self.held.items() if host not in gone}

    @invariant()
    def no_host_has_two_registrars(self) -> None:
        in_force = [epoch for epoch in self.every.values() if epochs.is_in_force(epoch, self.holding())]
        self.been_in_force.update((epoch["id"], epoch) for epoch in in_force)
        in_force = [epoch for epoch in in_force if epochs.is_in_force(epoch, self.holding())]
        for one in in_force:
            for other in in_force:
                assert one["id"] == other["id"] or not set(one["hosts"]) & set(other["hosts"]), (one, other)
            for old in self.been_in_force.values():
                assert old["fleet"] != one["fleet"] or old["number"] <= one["number"], (old, one)

    @invariant()
    def a_new_ledger_leaves_no_host_of_the_old_one(self) -> None:
        """Nothing that another ledger has granted can be claimed any more."""
        holding = self.holding()
        for epoch in [epoch for epoch in self.every.values() if epochs.is_in_force(epoch, holding)]:
            registrar = epoch["registrar"]
            if holding.get(registrar) != epoch:
                continue
            ledger = self.granted_by.setdefault(epoch["id"], self.ledgers[registrar])
            for host in epoch["hosts"]:
                held = holding.get(host)
                if held and held["number"] < epoch["number"]:
                    assert self.granted_by.get(held["id"], ledger) == ledger, (host, held, epoch)

    def teardown(self) -> None:
        """A run over all hosts comes to an end: an epoch is in force, or it is told of two fleets."""
        run = Run(HOSTS)
        for _round in range(ENOUGH):
            self.look(run, EVERY)
            self.count += 1
            try:
                step = epochs.next_step(run.seen, run.hosts, f"epoch-{self.count}")
            except Refused as refused:
                assert refused.error_class == "EpochForeign"
                return
            if step.is_in_force:
                return
            run.offers = step.offers
            self.offer(run, EVERY, EVERY)
        raise AssertionError(self.held)


Fleet.TestCase.settings = settings(max_examples=4 * settings.default.max_examples, stateful_step_count=25)
TestAnyInterleaving = Fleet.TestCase
