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
        self.offers: dict[str, EpochOffer] = {}


class Fleet(RuleBasedStateMachine):
    """Hosts with the epochs that they hold."""

    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[str, Epoch | None] = dict.fromkeys(HOSTS)
        self.every: dict[str, Epoch] = {}
        self.been_in_force: dict[str, Epoch] = {}
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

    def go(self, run: Run, what: Callable[[str], Step]) -> None:
        self.count += 1
        try:
            step = what(f"epoch-{self.count}")
        except Refused as refused:
            assert refused.error_class in ("EpochForeign", "EpochIncomplete")
            return
        self.every[step.epoch["id"]] = step.epoch
        run.offers = step.offers

    @rule(run=runs)
    def step(self, run: Run) -> None:
        self.go(run, lambda new_id: epochs.next_step(run.seen, run.hosts, new_id))

    @rule(run=runs, which=SOME)
    def move(self, run: Run, which: frozenset[str]) -> None:
        """To the first of some hosts, which are the fleet from then on."""
        hosts = [host for host in run.hosts if host in which] or run.hosts
        if run.seen:
            self.go(run, lambda new_id: epochs.successor(run.seen, hosts[0], hosts, new_id))

    @rule(run=runs, arrive=SOME, answer=SOME)
    def offer(self, run: Run, arrive: frozenset[str], answer: frozenset[str]) -> None:
        for host in sorted(arrive.intersection(run.offers)):
            self.held[host] = epochs.accepted(self.held[host], run.offers[host])
            if host in answer:
                run.seen[host] = self.held[host]

    @rule(run=runs, which=SOME, arrive=SOME)
    def move_at_once(self, run: Run, which: frozenset[str], arrive: frozenset[str]) -> None:
        self.move(run, which)
        self.offer(run, arrive, EVERY)

    @rule(run=runs)
    def whole_round(self, run: Run) -> None:
        """As most runs do it."""
        self.look(run, EVERY)
        self.step(run)
        self.offer(run, EVERY, EVERY)

    @rule(run=consumes(runs))
    def crash(self, run: Run) -> None:
        pass

    @invariant()
    def no_host_has_two_registrars(self) -> None:
        in_force = [epoch for epoch in self.every.values() if epochs.is_in_force(epoch, self.held)]
        for one in in_force:
            for other in in_force:
                assert one["id"] == other["id"] or not set(one["hosts"]) & set(other["hosts"]), (one, other)

    @invariant()
    def what_was_replaced_never_comes_back(self) -> None:
        for epoch in self.every.values():
            if epochs.is_in_force(epoch, self.held):
                self.been_in_force[epoch["id"]] = epoch
                for old in self.been_in_force.values():
                    assert old["fleet"] != epoch["fleet"] or old["number"] <= epoch["number"], (old, epoch)

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


Fleet.TestCase.settings = settings(max_examples=400, stateful_step_count=25)
TestAnyInterleaving = Fleet.TestCase
