# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a fleet comes to its registrar, loses it and gets another; what hosts hold is read from their state."""

from __future__ import annotations

import concurrent.futures
import json
import pathlib
import shutil
import typing as t

import pytest
import yaml

from tests.integration.conftest import STATE, Fleet, server

if t.TYPE_CHECKING:
    from tests.integration.conftest import Play

FOLDER = "/var/lib/kvmfleet"
CREATE = "kvmfleet.compute.create_server"


@pytest.fixture
def new(fleet: Fleet) -> t.Iterator[Fleet]:
    """A fleet that no run has enrolled; all its hosts are there again afterwards."""
    forget(fleet)
    yield fleet
    for name in fleet.hosts:
        fleet.testbed("heal", name)
    forget(fleet)


def forget(fleet: Fleet) -> None:
    for host in fleet.hosts.values():
        host.run("sh", "-c", f"rm -f {FOLDER}/registrar.json {FOLDER}/registrar.sqlite*")


def held(fleet: Fleet) -> dict[str, dict[str, t.Any]]:
    """The epoch of each host."""
    return {name: json.loads(host.run("cat", f"{FOLDER}/registrar.json"))["epoch"] for name, host in fleet.hosts.items()}


def one(fleet: Fleet) -> dict[str, t.Any]:
    """The epoch of all hosts, which hold the same."""
    epochs = held(fleet)
    assert len({epoch["id"] for epoch in epochs.values()}) == 1, epochs
    return epochs["h1"]


def see_to(fleet: Fleet, operation: str, *options: str, **variables: t.Any) -> Play:
    return fleet.play("kvmfleet.compute.registrar", {"registrar_operation": operation, **variables}, *options)


def flat(play: Play) -> str:
    """The output with its lines joined, as callbacks fold long ones."""
    return " ".join(play.output.split())


def enrolled(fleet: Fleet, name: str = "first") -> dict[str, t.Any]:
    made = fleet.create(server(name))
    assert made.code == 0, made.output
    return one(fleet)


def test_a_new_fleet_enrols_itself_and_the_next_run_only_draws_a_ticket(new: Fleet) -> None:
    epoch = enrolled(new)
    assert (epoch["registrar"], epoch["hosts"], epoch["store"]) == ("h1", ["h1", "h2", "h3"], "sqlite")
    assert epoch["replaces"] == [["h1", "h2", "h3"]]
    again = new.create(server("first"), server("second"))
    assert again.code == 0, again.output
    assert one(new) == epoch
    shown = see_to(new, "check")
    assert shown.code == 0, shown.output
    assert "Epoch 2 is in force, by which the ledger is on host h1; 2 tickets are open" in flat(shown)


def test_check_mode_enrols_nothing(new: Fleet) -> None:
    checked = new.create(server("web"), options=("--check",))
    assert checked.code == 0, checked.output
    assert "the registrar was not asked" in flat(checked)
    assert [host.run("sh", "-c", f"ls {FOLDER}/registrar.json 2>/dev/null || true") for host in new.hosts.values()] == ["", "", ""]


@pytest.mark.campaign
def test_nothing_to_build_needs_no_registrar(new: Fleet) -> None:
    enrolled(new)
    new.hosts["h1"].run("rm", f"{FOLDER}/registrar.sqlite")
    again = new.create(server("first"))
    assert again.code == 0, again.output
    more = new.create(server("second"))
    assert more.code == 2
    assert "LedgerLost" in more.output and "registrar_operation=rebuild" in flat(more)


@pytest.mark.campaign
def test_first_runs_at_once_come_to_one_epoch(new: Fleet, tmp_path: pathlib.Path) -> None:
    fleets = []
    for number in range(3):
        (tmp_path / str(number)).mkdir()
        fleets.append(Fleet(tmp_path / str(number)))
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        plays = list(pool.map(lambda each: each[1].create(server(f"web{each[0]}")), enumerate(fleets)))
    assert [play.code for play in plays] == [0, 0, 0], "\n".join(play.output for play in plays)
    addresses = [address["addr"] for play in plays for made in play.result["servers"] for address in made["addresses"]["lan"]]
    assert len(set(addresses)) == 3
    assert one(new)["registrar"] == "h1"


def inventory(folder: pathlib.Path, *hosts: str) -> str:
    """The testbed's, with these hosts alone, in this order."""
    copy = folder / "inventory"
    shutil.copytree(STATE / "inventory", copy)
    whole = yaml.safe_load((copy / "hosts.yml").read_text())
    group = whole["hypervisors"] if "hypervisors" in whole else whole["all"]["children"]["hypervisors"]
    group["hosts"] = {host: group["hosts"][host] for host in hosts}
    (copy / "hosts.yml").write_text(yaml.safe_dump(whole, sort_keys=False))
    return str(copy / "hosts.yml")


@pytest.mark.campaign
def test_another_order_of_the_inventory_changes_nothing_and_a_part_of_it_is_refused(new: Fleet, tmp_path: pathlib.Path) -> None:
    epoch = enrolled(new)
    for name in ("part", "order"):
        (tmp_path / name).mkdir()
    part = new.create(server("web"), options=("-i", inventory(tmp_path / "part", "h1", "h2")))
    assert part.code == 2
    assert "FleetIncomplete" in part.output and "leaves out h3 of the fleet's hosts by epoch 2" in flat(part)
    assert new.where("web-") == []
    sized = new.create(server("web"), compute_fleet_size=4)
    assert sized.code == 2
    assert "compute_fleet_size says that the fleet has 4 hosts, and this play has 3" in flat(sized)
    made = new.create(server("web"), options=("-i", inventory(tmp_path / "order", "h3", "h2", "h1")), compute_fleet_size=["h1", "h2", "h3"])
    assert made.code == 0, made.output
    assert one(new) == epoch


@pytest.mark.campaign
def test_who_only_reads_a_part_of_the_fleet_is_told_so_and_who_does_without_its_registrar_is_refused(new: Fleet, tmp_path: pathlib.Path) -> None:
    enrolled(new)
    part = ("-i", inventory(tmp_path, "h1", "h2"))
    for play in (new.play("kvmfleet.compute.list", {}, *part), new.play("kvmfleet.compute.plan", {"compute_servers": [server("web")]}, *part)):
        assert play.code == 0, play.output
        assert flat(play).count("host h3 of the fleet was not looked at, and may have more servers") == 1, play.output
    alone = new.create(server("web"), compute_registrar="none")
    assert alone.code == 2
    assert "EpochMissing" in alone.output and "take the registrar off by ansible-playbook kvmfleet.compute.registrar -e registrar_operation=off" in flat(alone)
    assert ": Claim]" not in alone.output and new.where("web-") == []


@pytest.mark.campaign
def test_a_registrar_that_is_cut_off_is_given_up_and_comes_back_as_a_host(new: Fleet) -> None:
    enrolled(new)
    new.testbed("cut", "h1")
    lost = new.create(server("web"), compute_unreachable_hosts="ignore")
    assert lost.code == 2
    assert "RegistrarUnreachable" in lost.output and "registrar_operation=move -e registrar_host=<another host>" in flat(lost)
    assert "registrar_give_up" in see_to(new, "move", registrar_host="h2").output
    moved = see_to(new, "move", registrar_host="h2", registrar_give_up=["h1"])
    assert moved.code == 0, moved.output
    assert "in force on 2 hosts: the ledger is on host h2, new and empty" in flat(moved)
    made = new.create(server("web"), compute_unreachable_hosts="ignore")
    assert made.code == 0, made.output
    new.testbed("heal", "h1")
    assert held(new)["h1"]["registrar"] == "h1"
    back = new.create(server("other"))
    assert back.code == 0, back.output
    epoch = one(new)
    assert (epoch["registrar"], epoch["hosts"]) == ("h2", ["h1", "h2", "h3"])


@pytest.mark.campaign
def test_a_lost_ledger_is_rebuilt(new: Fleet) -> None:
    before = enrolled(new)
    new.hosts["h1"].run("rm", f"{FOLDER}/registrar.sqlite")
    checked = see_to(new, "check")
    assert checked.code == 2
    assert "there is no ledger on host h1: registrar_operation=rebuild makes a new one" in flat(checked)
    told = see_to(new, "rebuild", "--check")
    assert told.code == 0 and one(new) == before, told.output
    rebuilt = see_to(new, "rebuild")
    assert rebuilt.code == 0, rebuilt.output
    assert see_to(new, "check").code == 0
    assert new.create(server("web")).code == 0
    assert one(new)["number"] > before["number"]


@pytest.mark.campaign
def test_a_registrar_is_taken_off_and_on_again(new: Fleet) -> None:
    enrolled(new)
    off = see_to(new, "off")
    assert off.code == 0, off.output
    assert (one(new)["store"], one(new)["registrar"]) == ("none", "")
    again = see_to(new, "off")
    assert again.code == 0 and "taken off already" in flat(again)
    alone = new.create(server("web"), compute_registrar="none")
    assert alone.code == 0, alone.output
    assert one(new)["store"] == "none"
    assert new.create(server("other")).code == 0
    assert (one(new)["store"], one(new)["registrar"]) == ("sqlite", "h1")


def test_without_a_registrar_no_host_is_enrolled(new: Fleet) -> None:
    made = new.create(server("web"), compute_registrar="none")
    assert made.code == 0, made.output
    assert [host.run("sh", "-c", f"ls {FOLDER}/registrar.json 2>/dev/null || true") for host in new.hosts.values()] == ["", "", ""]
