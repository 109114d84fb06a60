# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan that was kept is built as it is, and built again changes nothing; where it can't be kept, nothing is built."""

from __future__ import annotations

import json
import pathlib
import typing as t

from .conftest import Fleet, Host, Play, server

FOREIGN = '<domain type="qemu"><name>late</name><memory unit="GiB">64</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>'


def requests() -> list[dict[str, t.Any]]:
    """A server in each of two zones."""
    return [server("web", availability_zone="az1", user_data_text="#!/bin/sh\n"), server("db", availability_zone="az2")]


def plan(fleet: Fleet) -> tuple[Play, dict[str, t.Any]]:
    """The play that keeps a plan, and the variables that build it."""
    variables = {"compute_servers": requests(), "compute_plan_file": str(fleet.folder / "plan.json")}
    play = fleet.play("kvmfleet.compute.plan", variables)
    assert play.code == 0, play.output
    return play, variables


def where(play: Play) -> list[tuple[t.Any, ...]]:
    return [(made["name"], made["id"], made["host"], made["addresses"]) for made in play.result["servers"]]


def take_memory(host: Host) -> None:
    host.run("sh", "-c", f"echo '{FOREIGN}' > /tmp/late.xml && virsh -q define /tmp/late.xml")


def test_a_plan_is_built_as_it_is_and_once_more_changes_nothing(fleet: Fleet) -> None:
    planned, variables = plan(fleet)
    assert [made["state"] for made in planned.result["servers"]] == ["PLANNED", "PLANNED"]
    assert not fleet.where(""), "a plan writes nothing on a host"
    built = fleet.play("kvmfleet.compute.create_server", variables)
    assert built.code == 0, built.output
    assert where(built) == where(planned)
    assert "2 servers to build as planned" in built.output
    for made in built.result["servers"]:
        (mac,) = {address["mac_addr"] for addresses in made["addresses"].values() for address in addresses}
        interface = fleet.hosts[made["host"]].xml(made["domain"]).find("devices/interface/mac")
        assert interface is not None and interface.get("address") == mac
    again = fleet.play("kvmfleet.compute.create_server", variables)
    assert again.code == 0 and again.changed() == 0, again.output
    assert where(again) == where(planned)
    # Another request is another plan.
    other = fleet.play("kvmfleet.compute.create_server", {**variables, "compute_servers": requests()[:1]})
    assert other.code == 2 and "PlanChanged" in other.output, other.output


def test_memory_that_somebody_has_taken_since_is_told_with_its_numbers(fleet: Fleet) -> None:
    planned, variables = plan(fleet)
    host = fleet.hosts[planned.server("web")["host"]]
    take_memory(host)
    play = fleet.play("kvmfleet.compute.create_server", variables)
    kept = json.loads(pathlib.Path(variables["compute_plan_file"]).read_text())["hosts"][host.name]["resources"]["MEMORY_MB"]
    before = kept["total"] - kept["reserved"] - kept["used"]
    numbers = f"free memory_mb {before} -> {before - 65536} (used {kept['used']} -> {kept['used'] + 65536}), the plan needs 128"
    assert play.code == 2 and f"hosts.{host.name}: {numbers} [PlanChanged]" in play.output, play.output
    assert fleet.where("web-") + fleet.where("db-") == []


def test_a_claim_that_is_refused_gives_up_the_others(fleet: Fleet) -> None:
    planned, variables = plan(fleet)
    late = planned.server("db")["host"]
    # Between placement and claim a foreign guest takes all memory of one of the hosts.
    play = fleet.play(str(pathlib.Path(__file__).with_name("late_guest.yml")), {**variables, "late_host": late})
    assert play.code == 2, play.output
    assert (play.server("db")["error"]["error_class"], play.server("web")["error"]["error_class"]) == ("ComputeResourcesUnavailable", "PlanNotBuilt")
    assert fleet.where("web-") + fleet.where("db-") == [], "the claim of web was taken, and was given up"
    assert all(not host.folders() for host in fleet.hosts.values())
    # What was given up is free at once: the same plan, where there is room again.
    fleet.hosts[late].run("virsh", "-q", "undefine", "late")
    built = fleet.play("kvmfleet.compute.create_server", variables)
    assert built.code == 0, built.output
    assert where(built) == where(planned)
