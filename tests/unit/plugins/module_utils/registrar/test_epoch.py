"""How a fleet comes to have one registrar, step by step."""

from __future__ import annotations

import random
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar import epoch as epochs
from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.refusal import Refused

if t.TYPE_CHECKING:
    from ansible_collections.kvmfleet.compute.plugins.module_utils.registrar.epoch import Step
    from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Epoch, EpochOffer

HOSTS = ["h1", "h2", "h3"]


class Hosts(dict[str, "Epoch | None"]):
    """What hosts hold."""

    def take(self, step: Step, *only: str) -> None:
        for host, offer in step.offers.items():
            if host in (only or self):
                self[host] = epochs.accepted(self[host], offer)

    def settle(self, hosts: list[str], name: str, store: str = epochs.SQLITE) -> Epoch:
        """A run that reaches all of them goes on until an epoch is in force."""
        for number in range(6):
            step = epochs.next_step(self, hosts, f"{name}-{number}", store)
            if step.is_in_force:
                return step.epoch
            self.take(step)
        raise AssertionError("no epoch is in force after six rounds")

    def renew(self, step: Step) -> Epoch:
        """A new ledger's epoch, with all its hosts."""
        while not step.is_in_force:
            self.take(step)
            step = epochs.finish(step.epoch, self)
        return step.epoch


def new_hosts(*names: str) -> Hosts:
    return Hosts(dict.fromkeys(names or HOSTS))


def seen(hosts: Hosts, *names: str) -> dict[str, Epoch | None]:
    return {name: hosts[name] for name in names}


def move(hosts: Hosts, registrar: str, *given_up: str) -> Step:
    return epochs.new_ledger(hosts, HOSTS, registrar, epochs.SQLITE, given_up)


def test_a_new_fleet_enrols_itself_with_the_first_host_of_the_inventory_as_registrar() -> None:
    hosts = new_hosts()
    step = epochs.next_step(hosts, ["h2", "h3", "h1"], "first")
    assert (step.epoch["number"], step.epoch["id"], step.epoch["registrar"], step.epoch["hosts"]) == (1, "first", "h2", HOSTS)
    assert (step.is_in_force, step.epoch["is_carried"], list(step.offers)) == (False, False, ["h1"])
    hosts.take(step)
    step = epochs.next_step(hosts, HOSTS, "again")
    assert (step.epoch["id"], list(step.offers)) == ("first", ["h2", "h3"])
    hosts.take(step)
    # Though all hold it: it only enrols.
    assert not epochs.is_in_force(step.epoch, hosts)
    epoch = hosts.settle(HOSTS, "again")
    assert (epoch["number"], epoch["fleet"], epoch["registrar"], epoch["replaces"], epoch["is_carried"]) == (2, "first", "h2", [HOSTS], True)


def test_a_ledger_in_postgresql_has_no_host() -> None:
    epoch = new_hosts().settle(HOSTS, "first", epochs.POSTGRESQL)
    assert (epoch["store"], epoch["registrar"]) == ("postgresql", "")


def test_a_majority_is_enough_to_go_on_and_less_is_not() -> None:
    hosts = new_hosts()
    epoch = hosts.settle(HOSTS, "first")
    assert epochs.next_step(seen(hosts, "h2", "h3"), HOSTS, "x").epoch == epoch
    with pytest.raises(Refused, match="waits for host h1, h2: nothing is granted") as refused:
        epochs.next_step(seen(hosts, "h3"), HOSTS, "x")
    assert refused.value.error_class == "EpochIncomplete"


def test_of_two_first_runs_the_loser_takes_the_winners_registrar() -> None:
    hosts = new_hosts()
    one, two = epochs.next_step(hosts, HOSTS, "one"), epochs.next_step(hosts, HOSTS[::-1], "two")
    hosts.take(one)
    hosts.take(two)
    assert hosts.settle(HOSTS[::-1], "loser")["registrar"] == "h1"


def test_first_runs_that_got_in_each_others_way_are_both_left_behind() -> None:
    hosts = new_hosts()
    one, two = epochs.next_step(hosts, HOSTS, "one"), epochs.next_step(seen(hosts, "h2", "h3"), ["h3", "h2"], "two")
    hosts.take(one)
    hosts.take(two)
    hosts.take(epochs.finish(one.epoch, new_hosts()), "h3")
    following = epochs.next_step(hosts, HOSTS, "three")
    assert (following.epoch["number"], following.epoch["registrar"], list(following.offers)) == (2, "h1", ["h1"])
    # Whoever sees the same proposes the same.
    assert epochs.next_step(hosts, HOSTS, "four") == following
    assert hosts.settle(HOSTS, "five")["fleet"] == following.epoch["id"]


def test_a_first_run_that_was_killed_is_finished_by_the_next() -> None:
    hosts = new_hosts()
    hosts.take(epochs.next_step(hosts, HOSTS, "killed"))
    assert hosts.settle(HOSTS[::-1], "next")["fleet"] == "killed"


def test_nothing_follows_an_enrolment_before_all_its_hosts_hold_it() -> None:
    hosts = new_hosts()
    hosts.take(epochs.next_step(hosts, HOSTS, "first"))
    with pytest.raises(Refused, match="waits for host h2, h3"):
        move(hosts, "h1")


def test_a_part_of_the_fleet_enrols_nothing_beside_the_whole() -> None:
    hosts = new_hosts()
    part = epochs.next_step(seen(hosts, "h3"), ["h3"], "part")
    hosts.take(epochs.next_step(hosts, HOSTS, "whole"))
    hosts.take(epochs.next_step(hosts, HOSTS, "whole"), "h2")
    with pytest.raises(Refused, match="waits for host h3"):
        epochs.next_step(seen(hosts, "h1", "h2"), ["h1", "h2"], "other part")
    # Two of three hold the whole fleet's enrolment. The third one takes the part's: only that can come to be, and the others join it.
    hosts.take(part)
    Hosts(seen(hosts, "h3")).settle(["h3"], "part-2")
    epoch = hosts.settle(HOSTS, "whole-2")
    assert (epoch["fleet"], epoch["registrar"], epoch["hosts"]) == ("part", "h3", HOSTS)


def test_a_run_that_misses_hosts_enrols_nothing() -> None:
    with pytest.raises(Refused, match="waits for host h2"):
        epochs.next_step(seen(new_hosts(), "h1", "h3"), HOSTS, "first")


def test_a_new_ledger_needs_every_host_and_the_old_registrar_takes_it_first() -> None:
    hosts = new_hosts()
    hosts.settle(HOSTS, "first")
    step = move(hosts, "h2")
    assert (step.epoch["registrar"], step.epoch["is_carried"], step.epoch["replaces"]) == ("h2", False, [["h1"], ["h2"], ["h3"]])
    assert list(step.offers) == ["h1"]
    hosts.take(step)
    hosts.take(epochs.finish(step.epoch, hosts), "h2")
    assert not epochs.is_in_force(step.epoch, hosts)
    hosts.take(epochs.finish(step.epoch, hosts))
    assert epochs.is_in_force(step.epoch, hosts)
    # From then on a majority is enough again.
    epoch = hosts.settle(HOSTS, "x")
    assert (epoch["registrar"], epoch["replaces"], epoch["is_carried"]) == ("h2", [HOSTS], True)


def test_a_new_ledger_goes_without_hosts_that_are_given_up_by_name() -> None:
    hosts = new_hosts()
    hosts.settle(HOSTS, "first")
    without = Hosts(seen(hosts, "h2", "h3"))
    with pytest.raises(Refused, match="voids what was granted on every host, and host h1 was not reached") as refused:
        epochs.new_ledger(without, ["h2", "h3"], "h2", epochs.SQLITE)
    assert refused.value.error_class == "EpochIncomplete"
    without.renew(epochs.new_ledger(without, ["h2", "h3"], "h2", epochs.SQLITE, ["h1"]))
    epoch = without.settle(["h2", "h3"], "x")
    assert (epoch["hosts"], epoch["registrar"]) == (["h2", "h3"], "h2")
    # It comes back with what it held, and joins; the later epoch counts.
    hosts.update(without)
    epoch = hosts.settle(HOSTS, "x")
    assert (epoch["hosts"], epoch["registrar"], epoch["is_carried"]) == (HOSTS, "h2", True)


def test_hosts_that_come_back_do_not_outvote_those_that_gave_them_up() -> None:
    hosts = new_hosts()
    hosts.settle(HOSTS, "first")
    rest = Hosts(seen(hosts, "h3"))
    rest.renew(epochs.new_ledger(rest, ["h3"], "h3", epochs.SQLITE, ["h1", "h2"]))
    hosts.update(rest)
    assert hosts.settle(HOSTS, "x")["registrar"] == "h3"


def test_a_move_that_was_cut_off_is_finished_by_the_next_run() -> None:
    hosts = new_hosts()
    hosts.settle(HOSTS, "first")
    step = move(hosts, "h2")
    # The old registrar grants nothing any more, though two of three hold its epoch.
    hosts.take(step)
    assert epochs.next_step(hosts, HOSTS, "x").epoch == step.epoch
    assert move(hosts, "h2").epoch == step.epoch
    assert hosts.settle(HOSTS, "x")["registrar"] == "h2"


def test_a_move_that_not_even_the_old_registrar_has_taken_stops_nobody() -> None:
    hosts = new_hosts()
    epoch = hosts.settle(HOSTS, "first")
    hosts.take(epochs.finish(move(hosts, "h2").epoch, hosts), "h3")
    assert epochs.next_step(hosts, HOSTS, "x").epoch == epoch


def test_a_ledger_that_a_rebuild_may_have_voided_is_not_carried_on() -> None:
    """While it was cut off a new host was about to join."""
    hosts = new_hosts("h1", "h2", "h3", "h4")
    hosts.settle(HOSTS, "first")
    rebuild = epochs.new_ledger(seen(hosts, *HOSTS), HOSTS, "h1", epochs.SQLITE)
    join = epochs.next_step(hosts, [*HOSTS, "h4"], "join")
    hosts.take(rebuild)
    hosts.take(join, "h2", "h4")
    step = epochs.next_step(hosts, [*HOSTS, "h4"], "x")
    assert (step.epoch["number"], step.epoch["is_carried"]) == (4, False)
    assert step.epoch["replaces"] == [["h1"], ["h2"], ["h3"], ["h4"]]


def test_of_two_moves_one_comes_to_be_and_the_other_is_refused_by_the_hosts() -> None:
    hosts = new_hosts()
    hosts.settle(HOSTS, "first")
    one, two = move(hosts, "h2"), move(hosts, "h3")
    hosts.take(two)
    hosts.take(one)
    with pytest.raises(Refused, match="another run has given hosts an epoch in place of epoch 3") as refused:
        epochs.finish(one.epoch, hosts)
    assert refused.value.error_class == "EpochOver"
    hosts.renew(epochs.finish(two.epoch, hosts))
    assert hosts.settle(HOSTS, "x")["registrar"] == "h3"


def test_a_move_takes_the_place_of_one_that_is_half_done() -> None:
    """The half that was not seen may have come to be."""
    hosts = new_hosts()
    hosts.settle(HOSTS, "first")
    part = Hosts(seen(hosts, "h3"))
    half = epochs.new_ledger(part, ["h3"], "h3", epochs.SQLITE, ["h1", "h2"])
    hosts.take(half)
    whole = move(hosts, "h1")
    assert whole.epoch["number"] == half.epoch["number"] + 1
    assert whole.epoch["replaces"] == [["h1"], ["h2"], ["h3"]]


def test_what_was_taken_off_is_taken_on_again_by_a_run_that_wants_it() -> None:
    hosts = new_hosts()
    hosts.settle(HOSTS, "first")
    off = hosts.renew(epochs.new_ledger(hosts, HOSTS, "", epochs.NONE))
    assert (off["store"], off["registrar"]) == ("none", "")
    assert hosts.settle(HOSTS, "x", epochs.NONE) == off
    epoch = hosts.settle(["h3", "h1", "h2"], "x")
    assert (epoch["store"], epoch["registrar"], epoch["fleet"]) == ("sqlite", "h3", off["fleet"])


def test_a_newcomer_joins_by_its_own_word() -> None:
    hosts = new_hosts("h1", "h2", "h3", "h4")
    hosts.settle(HOSTS, "first")
    four = [*HOSTS, "h4"]
    join = epochs.next_step(hosts, four, "join")
    assert (join.epoch["hosts"], join.epoch["is_carried"], join.epoch["registrar"]) == (four, True, "h1")
    # Meanwhile it enrols itself: then it is not theirs, whatever the others hold.
    own = new_hosts("h4")
    own.settle(["h4"], "own")
    other = Hosts({**hosts, **own})
    other.take(join)
    assert not epochs.is_in_force(join.epoch, other)
    # Else it is, and then a majority of all is enough.
    assert hosts.settle(four, "x")["replaces"] == [four]


def test_a_new_host_that_does_not_answer_stops_nobody() -> None:
    hosts = new_hosts()
    epoch = hosts.settle(HOSTS, "first")
    assert epochs.next_step(hosts, [*HOSTS, "h4"], "x") == epochs.Step(epoch, True, {})


def test_of_two_runs_with_one_newcomer_the_second_finishes_what_the_first_began() -> None:
    hosts = new_hosts("h1", "h2", "h3", "h4")
    hosts.settle(HOSTS, "first")
    four = [*HOSTS, "h4"]
    join = epochs.next_step(hosts, four, "one")
    hosts.take(join, "h4")
    assert epochs.next_step(hosts, four[::-1], "two").epoch == join.epoch


def test_two_fleets_are_refused_by_name() -> None:
    one, other = new_hosts("h1"), new_hosts("h2", "h3")
    one.settle(["h1"], "one")
    other.settle(["h2", "h3"], "two")
    with pytest.raises(Refused, match="hosts h1 and h2 are of two fleets: keep them apart"):
        epochs.next_step({**one, **other}, HOSTS, "both")


def test_a_host_takes_only_what_follows_what_it_was_seen_to_hold() -> None:
    hosts = new_hosts()
    stale = epochs.next_step(hosts, HOSTS, "stale").offers["h1"]
    hosts.settle(HOSTS, "first")
    held = hosts["h1"]
    assert held is not None
    assert epochs.accepted(held, stale) == held
    lower: EpochOffer = {"epoch": stale["epoch"], "expected": held["id"]}
    assert epochs.accepted(held, lower) == held
    assert epochs.accepted(None, {"epoch": held, "expected": held["id"]}) is None


def test_eight_first_runs_at_once_come_to_one_epoch_in_few_rounds() -> None:
    """Each asks one host after another and sends its offers one by one, at random moments between the others'."""
    most = 0
    for seed in range(200):
        rng = random.Random(seed)
        hosts = new_hosts()
        runs = [(rng.sample(HOSTS, 3), dict.fromkeys(HOSTS)) for _count in range(8)]
        rounds = [enrol(hosts, order, told, f"run-{index}") for index, (order, told) in enumerate(runs)]
        going = dict(enumerate(rounds))
        needed = dict.fromkeys(going, 0)
        while going:
            index = rng.choice(sorted(going))
            try:
                needed[index] = next(going[index])
            except StopIteration:
                del going[index]
        most = max(most, *needed.values())
        assert len({epoch["id"] for epoch in hosts.values() if epoch}) == 1
    assert most <= 5


def enrol(hosts: Hosts, order: list[str], told: dict[str, Epoch | None], name: str) -> t.Iterator[int]:
    """A run, which yields its round whenever another one may come between."""
    for host in order:
        told[host] = hosts[host]
        yield 0
    for number in range(1, 20):
        step = epochs.next_step(told, order, name)
        if step.is_in_force and not step.offers:
            return
        for host in order:
            if host in step.offers:
                hosts[host] = epochs.accepted(hosts[host], step.offers[host])
            told[host] = hosts[host]
            yield number
    raise AssertionError("no epoch is in force after twenty rounds")
