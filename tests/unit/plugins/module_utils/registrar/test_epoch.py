"""How a fleet comes to have one registrar, step by step."""

from __future__ import annotations

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

    def settle(self, hosts: list[str], name: str) -> Epoch:
        """A run that reaches all of them goes on until an epoch is in force."""
        for number in range(6):
            step = epochs.next_step(self, hosts, f"{name}-{number}")
            if step.is_in_force:
                return step.epoch
            self.take(step)
        raise AssertionError("no epoch is in force after six rounds")


def new_hosts(*names: str) -> Hosts:
    return Hosts(dict.fromkeys(names or HOSTS))


def seen(hosts: Hosts, *names: str) -> dict[str, Epoch | None]:
    return {name: hosts[name] for name in names}


def test_a_new_fleet_enrols_itself_with_its_first_host_as_registrar() -> None:
    hosts = new_hosts()
    step = epochs.next_step(hosts, HOSTS, "first")
    assert (step.epoch["number"], step.epoch["registrar"], step.epoch["hosts"], step.is_in_force) == (1, "h1", HOSTS, False)
    hosts.take(step)
    # Though all hold it: it only enrols.
    assert not epochs.is_in_force(step.epoch, hosts)
    epoch = hosts.settle(HOSTS, "again")
    assert (epoch["number"], epoch["fleet"], epoch["registrar"], epoch["replaces"]) == (2, "first", "h1", [HOSTS])


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
    one, two = epochs.next_step(hosts, HOSTS, "one"), epochs.next_step(hosts, HOSTS[::-1], "two")
    hosts.take(one, "h1")
    hosts.take(two, "h2", "h3")
    assert hosts.settle(HOSTS, "third")["fleet"] == "third-0"


def test_a_first_run_that_was_killed_is_finished_by_the_next() -> None:
    hosts = new_hosts()
    hosts.take(epochs.next_step(hosts, HOSTS, "killed"), "h2")
    assert hosts.settle(HOSTS[::-1], "next")["fleet"] == "killed"


def test_nothing_follows_an_enrolment_before_all_its_hosts_hold_it() -> None:
    hosts = new_hosts()
    hosts.take(epochs.next_step(hosts, HOSTS, "first"), "h1", "h2")
    with pytest.raises(Refused, match="waits for host h3"):
        epochs.successor(hosts, "h1", HOSTS, "move")


def test_a_part_of_the_fleet_enrols_nothing_beside_the_whole() -> None:
    hosts = new_hosts()
    whole, part = epochs.next_step(hosts, HOSTS, "whole"), epochs.next_step(seen(hosts, "h3"), ["h3"], "part")
    hosts.take(whole, "h1", "h2")
    with pytest.raises(Refused, match="waits for host h3"):
        epochs.next_step(seen(hosts, "h1", "h2"), ["h1", "h2"], "other part")
    # Two of three hold the whole fleet's enrolment. The third one takes the part's: only that can come to be, and the whole sees it.
    hosts.take(part)
    hosts.take(epochs.next_step(seen(hosts, "h3"), ["h3"], "part-2"))
    assert hosts["h3"]
    assert epochs.is_in_force(hosts["h3"], hosts)
    assert epochs.next_step(hosts, HOSTS, "whole-2").epoch == hosts["h3"]
    hosts.take(epochs.successor(hosts, "h3", HOSTS, "join"))
    assert hosts.settle(HOSTS, "x")["hosts"] == HOSTS


def test_a_run_that_misses_hosts_enrols_nothing() -> None:
    with pytest.raises(Refused, match="waits for host h2"):
        epochs.next_step(seen(new_hosts(), "h1", "h3"), HOSTS, "first")


def test_a_move_needs_the_old_hosts_and_the_new_ones() -> None:
    hosts = new_hosts("h1", "h2", "h3", "h4", "h5")
    hosts.settle(HOSTS, "first")
    move = epochs.successor(hosts, "h4", ["h3", "h4", "h5"], "move")
    hosts.take(move, "h4", "h5")
    assert not epochs.is_in_force(move.epoch, hosts)
    hosts.take(move, "h3")
    assert not epochs.is_in_force(move.epoch, hosts)
    hosts.take(move, "h1")
    assert epochs.is_in_force(move.epoch, hosts)


def test_after_a_move_the_hosts_that_went_are_needed_no_more() -> None:
    hosts = new_hosts("h1", "h2", "h3", "h4", "h5")
    hosts.settle(HOSTS, "first")
    new = ["h3", "h4", "h5"]
    hosts.take(epochs.successor(hosts, "h4", new, "move"))
    with pytest.raises(Refused, match="waits for host h1, h2"):
        Hosts(seen(hosts, *new)).settle(new, "too early")
    epoch = hosts.settle(new, "after")
    assert (epoch["registrar"], epoch["replaces"]) == ("h4", [new])
    assert epochs.next_step(seen(hosts, "h4", "h5"), new, "x").is_in_force


def test_a_move_that_was_cut_off_does_not_stop_the_fleet() -> None:
    hosts = new_hosts()
    epoch = hosts.settle(HOSTS, "first")
    hosts.take(epochs.successor(hosts, "h2", HOSTS, "move"), "h3")
    assert epochs.next_step(hosts, HOSTS, "x").epoch == epoch


def test_of_two_moves_one_comes_to_be_and_the_other_is_refused_by_the_hosts() -> None:
    hosts = new_hosts()
    hosts.settle(HOSTS, "first")
    one, two = epochs.successor(hosts, "h2", HOSTS, "one"), epochs.successor(hosts, "h3", HOSTS, "two")
    hosts.take(two, "h3")
    hosts.take(one)
    hosts.take(two)
    assert epochs.is_in_force(one.epoch, hosts)
    assert not epochs.is_in_force(two.epoch, hosts)


def test_a_move_takes_the_place_of_one_that_is_half_done() -> None:
    """The half that was not seen may have come to be."""
    five = [*HOSTS, "h4", "h5"]
    hosts = new_hosts(*five)
    hosts.settle(five, "first")
    hosts.take(epochs.successor(hosts, "h4", ["h4", "h5"], "half"), "h5")
    whole = epochs.successor(hosts, "h1", five, "whole")
    hosts.take(whole, *HOSTS)
    assert not epochs.is_in_force(whole.epoch, hosts)
    hosts.take(whole)
    assert epochs.is_in_force(whole.epoch, hosts)


def test_a_newcomer_joins_by_its_own_word() -> None:
    hosts = new_hosts("h1", "h2", "h3", "h4")
    hosts.settle(HOSTS, "first")
    with pytest.raises(Refused, match="waits for host h4"):
        epochs.successor(seen(hosts, *HOSTS), "h1", [*HOSTS, "h4"], "join")
    join = epochs.successor(hosts, "h1", [*HOSTS, "h4"], "join")
    # Meanwhile it enrols itself: then it is not theirs, whatever the others hold.
    own = new_hosts("h4")
    own.settle(["h4"], "own")
    hosts.update(own)
    hosts.take(join)
    assert not epochs.is_in_force(join.epoch, hosts)


def test_two_fleets_are_refused_by_name() -> None:
    one, other = new_hosts("h1"), new_hosts("h2", "h3")
    one.settle(["h1"], "one")
    other.settle(["h2", "h3"], "two")
    with pytest.raises(Refused, match="hosts h1 and h2 are of two fleets, with registrars on h1 and h2: keep them apart"):
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
