# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the controller's actions get the fleet from: a file, or the hosts of the play.

The api stage hands it on to the scheduler in a file of the run, so that it is joined once.
"""

from __future__ import annotations

import json
import typing as t
from collections.abc import Iterable, Mapping

from ansible.playbook.task import Task

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import run_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.plain import NotPlain, plain
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import HostVariables, play_hosts
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import begun
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import HOST_VARIABLES, FleetError, read_fleet, read_fleet_file, refuse_partial_plays
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet

Variables = Mapping[str, t.Any]


def hosts_of_play(task: Task, variables: Variables, hosts_variable: str, more: Iterable[str] = ()) -> dict[str, HostVariables]:
    """The hosts of the play with what a fleet is made of, and with ``more`` variables; FleetError if the play has only a part of its hosts."""
    refuse_partial_plays(variables, getattr(task.get_play(), "strategy", None))
    return play_hosts(variables, (hosts_variable, *HOST_VARIABLES, *more))


def fleet_of(task: Task, variables: Variables, args: Variables, aggregates: Variables | None) -> Fleet:
    """The fleet of the arguments ``joined_fleet``, ``fleet_file`` or ``hosts_variable``; FleetError for what can't be read."""
    if args.get("joined_fleet"):
        return read_joined(args["joined_fleet"])
    if args["fleet_file"]:
        return read_fleet_file(args["fleet_file"], aggregates)
    hosts_variable: str = args["hosts_variable"]
    return read_fleet(hosts_of_play(task, variables, hosts_variable), hosts_variable, aggregates)


def begun_of_play(variables: Variables, registrar_variable: str, operation: str = "begin") -> begun.Begun:
    """What the hosts of the play have registered from an operation of ``kvmfleet.compute.registrar`` under that name."""
    registered: dict[str, t.Any] = {}
    for name, host in play_hosts(variables, (registrar_variable,)).items():
        try:
            registered[name] = plain(host.get(registrar_variable))
        except (NotPlain, RecursionError) as error:
            # What one host says must not stop the others.
            registered[name] = {"failed": True, "msg": f"its answer is none: {error}"}
    return begun.read(registered, operation)


def write_joined(fleet: Fleet) -> str:
    """Put the fleet into a file for the later stages of this run, and return its path: records have no secrets, but metadata of other people's servers."""
    return run_file.write(json.dumps(fleet), "fleet-")


def read_joined(path: str) -> Fleet:
    """The fleet that the api stage has joined; FleetError if the file is of another run, or none."""
    try:
        with open(path, encoding="utf-8") as file:
            fleet: Fleet = json.loads(file.read())
    except (OSError, ValueError) as error:
        raise FleetError(f"joined_fleet {path}: {error}; it lasts as long as the run that validated the requests") from error
    if not isinstance(fleet, dict) or fleet.get("version") != 1 or "hosts" not in fleet or "aggregates" not in fleet:
        raise FleetError(f"joined_fleet {path}: this is not what server_validate has written")
    return fleet
