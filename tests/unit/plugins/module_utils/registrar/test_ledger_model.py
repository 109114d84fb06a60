"""Any interleaving of runs, hosts, clocks and crashes: nothing is there twice, no limit is broken, and nothing is lost for ever.

The model has hosts that know nothing of each other and refuse a claim for its deadline alone, by clocks of their own; and runs that read each host's facts
when they please or never. Asked is what is on the hosts.
"""

from __future__ import annotations

import ipaddress
import random
import typing as t

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, precondition, rule

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import ledger as ledgers
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.registrar.wishes import (
    CLAIM_S,
    HOSTS,
    LASTS_S,
    SKEW_S,
    Registrar,
    group,
    port,
    quota,
    server,
)

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import AddressPool, EpochId, Reservation, ServerWish

SEGMENTS = {"h1": "br0", "h2": "br0", "h3": "h3/net"}
ADDRESSES = ["192.0.2.1", "192.0.2.2", "192.0.2.3"]
CORES = 3
EVERY = set(HOSTS)
GROUPS = {"apart": ("anti-affinity", 1), "pairs": ("anti-affinity", 2), "together": ("affinity", 1)}


NewServer = tuple[bool, bool, "str | None", bool, "str | None"]  # with a common name, MAC, address that is asked for, with a port made beforehand, group
SELDOM = st.sampled_from([False, False, False, True])  # what many servers have in common hides what few do
SERVERS = st.lists(
    st.tuples(
        SELDOM,
        SELDOM,
        st.sampled_from([None, None, None, None, ADDRESSES[0], ADDRESSES[2]]),
        SELDOM,
        st.sampled_from([None, None, *GROUPS]),
    ),
    min_size=1,
    max_size=3,
)
# Past the last moment of a claim by the registrar's clock, by the slowest host's, and of a ticket.
SECONDS = st.sampled_from([1, CLAIM_S + 1, CLAIM_S + SKEW_S + 1, LASTS_S + 1])
SIGHT = st.sampled_from([EVERY, EVERY, EVERY, {"h1", "h3"}, {"h2"}, set()])  # the hosts that a run reads at once


def free_pool(segment: str, shown: dict[str, Reservation]) -> AddressPool:
    """What a run's facts leave of a segment's addresses."""
    taken = {address for held in shown.values() for one in held["ports"] if one["segment"] == segment for address in one["ip_addresses"]}
    numbers = [int(ipaddress.ip_address(address)) for address in ADDRESSES if address not in taken]
    return {"segment": segment, "version": 4, "free": [(number, number) for number in numbers]}


class Run:
    """A run, and what it knows."""

    def __init__(self, ticket: int, epoch: EpochId, remembered: dict[str, Reservation]) -> None:
        self.ticket = ticket
        self.epoch = epoch
        self.remembered = remembered  # servers that the fleet's users knew of when it began
        self.facts: dict[str, dict[str, Reservation]] = {}  # what hosts that it has read had
        self.ended: dict[str, list[int]] = {}  # the tickets of which they took no claim any more
        self.is_placed = False  # it has reserved: facts are read before
        self.wishes: dict[str, ServerWish] = {}
        self.granted: dict[str, Reservation] = {}  # what no claim was sent for
        self.claimed: set[str] = set()
        self.absent: set[str] = set()

    def shown(self) -> dict[str, Reservation]:
        """The servers that its facts show; of a host that it has not read, those that were known."""
        blind = {uuid: held for uuid, held in self.remembered.items() if held["host"] not in self.facts}
        return {**blind, **{uuid: held for there in self.facts.values() for uuid, held in there.items()}}


class Fleet(RuleBasedStateMachine):
    """Hosts with domains, runs, and one ledger."""

    runs = Bundle("runs")
    registrar_made: t.ClassVar[t.Callable[[], Registrar]] = Registrar

    def __init__(self) -> None:
        super().__init__()
        self.registrar = type(self).registrar_made()
        self.clock_offsets = dict.fromkeys(HOSTS, 0)
        self.domains: dict[str, dict[str, Reservation]] = {host: {} for host in HOSTS}
        self.known: set[str] = set()
        self.under_way: list[Reservation] = []  # sent by runs that nobody hears of any more
        self.killed: list[int] = []  # the tickets of those that were seen to be killed
        self.ended: dict[str, set[int]] = {host: set() for host in HOSTS}  # what hosts were told of them
        self.count = 0

    @initialize(
        target=runs,
        offsets=st.tuples(*[st.sampled_from([-SKEW_S, -SKEW_S, SKEW_S])] * len(HOSTS)),
        crashing=SERVERS,
        claimed=st.integers(0, 1),
        seconds=SECONDS,
        new=SERVERS,
        hosts=SIGHT,
        choice=st.randoms(use_true_random=False),
        is_carried=st.booleans(),
        told=SIGHT,
        are_late=st.booleans(),
    )
    def there_was_a_crash(
        self,
        offsets: tuple[int, ...],
        crashing: list[NewServer],
        claimed: int,
        seconds: int,
        new: list[NewServer],
        hosts: set[str],
        choice: random.Random,
        is_carried: bool,
        told: set[str],
        are_late: bool,
    ) -> t.Any:
        """What few interleavings come to by themselves: a run that crashed in its claims, one from before it, and later one that comes to the same."""
        self.clock_offsets = {host: offsets[index] for index, host in enumerate(HOSTS)}
        before, crashed = self.begin(EVERY), self.begin(EVERY)
        self.reserve(crashed, crashing, choice)
        for _once in range(claimed):
            self.claim(crashed, 1)
        self.crash(crashed)
        if is_carried:
            self.carry()
        self.wait(seconds)
        for host in told:
            self.ended[host].add(crashed.ticket)
        after = self.begin(hosts)
        self.reserve_and_claim(after, new, choice, 0)
        while are_late and self.under_way:
            self.late_claim(0)
        return multiple(before, after)

    @rule(target=runs, hosts=SIGHT)
    def begin(self, hosts: set[str]) -> Run:
        known = {uuid: held for there in self.domains.values() for uuid, held in there.items() if uuid in self.known}
        run = Run(self.registrar.begin(), self.registrar.epoch, known)
        self.read(run, hosts)
        return run

    @rule(run=runs, hosts=st.sets(st.sampled_from(HOSTS), min_size=1))
    def read(self, run: Run, hosts: set[str]) -> None:
        if not run.is_placed:
            for host in sorted(hosts - run.facts.keys()):
                run.facts[host] = dict(self.domains[host])
                run.ended[host] = sorted(self.ended[host])

    @rule(run=runs, new=SERVERS, choice=st.randoms(use_true_random=False), share=st.integers(0, 2))
    def reserve_and_claim(self, run: Run, new: list[NewServer], choice: random.Random, share: int) -> None:
        """As most runs do it, or as far as one in three servers."""
        self.reserve(run, new, choice)
        self.claim(run, share)
        self.settle(run, share)

    @rule(run=runs, new=SERVERS, choice=st.randoms(use_true_random=False))
    def reserve(self, run: Run, new: list[NewServer], choice: random.Random) -> None:
        """New servers, and those of the run that have no claim, each on any host that was read."""
        if not run.facts:
            return
        run.is_placed = True
        for has_common_name, has_common_mac, address, is_port_made, group_name in new:
            self.count += 1
            wish = server(f"server-{self.count}", name="db" if has_common_name else None, group=group_name, amounts={"cores": 1})
            own = port(self.count, *([address] if address else []), mac="fa:16:3e:ff:ff:ff" if has_common_mac else None)
            wish["ports"] = [{**own, "id": "made-beforehand"} if is_port_made else own]
            run.wishes[wish["uuid"]] = wish
        wishes = [wish for uuid, wish in run.wishes.items() if uuid not in run.claimed]
        for wish in wishes:
            wish["host"] = choice.choice(sorted(run.facts))
            segment = SEGMENTS[wish["host"]]
            (one,) = wish["ports"]
            wanted = one["addresses"][0]["ip_address"] if one["addresses"] else None
            wish["ports"] = [{**one, "segment": segment, "addresses": [{"ip_address": wanted, "pools": [segment]}]}]
        choice.shuffle(wishes)
        shown = run.shown()
        try:
            answer = self.registrar.reserve(
                run.ticket,
                *(wish for wish in wishes if not self.is_shown(wish, shown)),
                epoch=run.epoch,
                hosts=sorted(run.facts),
                ended=run.ended,
                pools={segment: free_pool(segment, shown) for segment in SEGMENTS.values()},
                seen=sorted(shown),
                quotas=quota(CORES, len(shown)),
                groups={name: group(*GROUPS[name], {uuid: held["host"] for uuid, held in shown.items() if held["group"] == name}) for name in GROUPS},
            )
        except Refused as refused:
            assert refused.error_class in ("TicketOver", "EpochOver")
            return
        self.known |= {uuid for there in run.facts.values() for uuid in there}
        named = {lost["server"] for lost in answer["lost"]} | {held["server"] for held in answer["granted"]}
        run.absent -= named
        run.granted = {uuid: held for uuid, held in run.granted.items() if uuid not in named}
        run.granted.update({held["server"]: held for held in answer["granted"]})

    def is_shown(self, wish: ServerWish, shown: dict[str, Reservation]) -> bool:
        """What the controller refuses by its facts alone."""
        (wanted,) = wish["ports"]
        address = wanted["addresses"][0]["ip_address"]
        for held in shown.values():
            (one,) = held["ports"]
            is_near = one["segment"] == wanted["segment"]
            if (
                held["name"] == wish["name"]
                or one["id"] == wanted["id"]
                or (is_near and (one["mac_address"] == wanted["mac_address"] or address in one["ip_addresses"]))
            ):
                return True
        return False

    def take(self, held: Reservation) -> bool:
        """A host's answer to a claim."""
        if held["ticket"] in self.ended[held["host"]] or self.registrar.now + self.clock_offsets[held["host"]] > held["deadline"]:
            return False
        self.domains[held["host"]][held["server"]] = held
        return True

    @rule(run=runs, share=st.integers(0, 2))
    def claim(self, run: Run, share: int) -> None:
        """All, every second, or every third one that was granted."""
        for uuid in sorted(run.granted)[:: share + 1]:
            if self.take(run.granted.pop(uuid)):
                run.claimed.add(uuid)
            else:
                run.absent.add(uuid)

    @rule(run=runs, share=st.integers(0, 2))
    def settle(self, run: Run, share: int) -> None:
        """What is known, or a part of it."""
        claimed, absent = sorted(run.claimed)[:: share + 1], sorted(run.absent)[:: share + 1]
        try:
            self.registrar.settle(run.ticket, claimed, absent, run.epoch)
        except Refused as refused:
            assert refused.error_class == "EpochOver"
            return
        self.known.update(claimed)

    @rule(run=runs, which=st.integers(0, 5))
    def undo(self, run: Run, which: int) -> None:
        """A build fails, and its host has proved that nothing is left."""
        if run.claimed:
            uuid = sorted(run.claimed)[which % len(run.claimed)]
            run.claimed.remove(uuid)
            run.absent.add(uuid)
            for there in self.domains.values():
                there.pop(uuid, None)

    @rule(run=runs)
    def renew(self, run: Run) -> None:
        try:
            self.registrar.renew(run.ticket, run.epoch)
        except Refused as refused:
            assert refused.error_class in ("TicketOver", "EpochOver")

    @rule()
    def carry(self) -> None:
        """A later epoch of the same registrar; hosts hear of it late or never."""
        self.registrar.carry(HOSTS)

    @rule(run=consumes(runs))
    def crash(self, run: Run) -> None:
        """Nobody hears of the run any more; its claims may still be on their way."""
        self.under_way += run.granted.values()
        self.killed.append(run.ticket)

    @precondition(lambda self: self.killed)
    @rule(which=st.integers(0, 5), hosts=st.sets(st.sampled_from(HOSTS), min_size=1))
    def end(self, which: int, hosts: set[str]) -> None:
        """A run that sees that another was killed tells hosts, which take no claim of it then."""
        for host in hosts:
            self.ended[host].add(self.killed[which % len(self.killed)])

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 5))
    def late_claim(self, which: int) -> None:
        self.take(self.under_way.pop(which % len(self.under_way)))

    @rule(which=st.integers(0, 20))
    def delete(self, which: int) -> None:
        """Somebody deletes a server."""
        every = sorted((uuid, host) for host, there in self.domains.items() for uuid in there)
        if every:
            uuid, host = every[which % len(every)]
            del self.domains[host][uuid]

    @rule(seconds=SECONDS)
    def wait(self, seconds: int) -> None:
        self.registrar.now += seconds

    @invariant()
    def nothing_is_there_twice_and_no_limit_is_broken(self) -> None:
        there = [held for domains in self.domains.values() for held in domains.values()]
        ports = [one for held in there for one in held["ports"]]
        for every in (
            [held["name"] for held in there],
            [one["id"] for one in ports],
            [(one["segment"], one["mac_address"]) for one in ports],
            [(one["segment"], address) for one in ports for address in one["ip_addresses"]],
        ):
            assert len(every) == len(set(every)), every
        assert len(there) <= CORES
        for host, domains in self.domains.items():
            for name, (policy, limit) in GROUPS.items():
                members = [uuid for uuid, held in domains.items() if held["group"] == name]
                assert policy != "anti-affinity" or len(members) <= limit, (host, members)
        assert len({held["host"] for held in there if held["group"] == "together"}) <= 1

    def teardown(self) -> None:
        """After all deadlines a run that sees everything counts nothing beside its facts, and then nothing is left in the ledger."""
        self.registrar.now += LASTS_S + CLAIM_S + SKEW_S + 1
        last = self.registrar.begin()
        assert not [held for held in self.registrar.held() if ledgers.counts(held, last, HOSTS)]
        self.registrar.reserve(last)
        self.registrar.now += LASTS_S + 1
        self.registrar.begin()
        assert self.registrar.held() == []


Fleet.TestCase.settings = settings(max_examples=3 * settings.default.max_examples, stateful_step_count=12)
TestAnyInterleaving = Fleet.TestCase
