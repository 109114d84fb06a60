# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of a plan: what is read is what was written, and what is none is one sentence."""

from __future__ import annotations

import json
import pathlib
import stat
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan import file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.digest import digest_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.plan.make import Unplanned, plan_of
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.plan.world import ORIGIN, World


def written(path: pathlib.Path, digest: bool = True, **changes: t.Any) -> str:
    """A plan's file with these fields; its digest made anew or not."""
    plan = {**World().plan(), **changes}
    path.write_text(json.dumps({**plan, "digest": digest_of(plan)} if digest else plan))
    return str(path)


def test_what_is_read_is_what_was_written_for_its_owner_only(tmp_path: pathlib.Path) -> None:
    plan = World().plan()
    path = str(tmp_path / "plan.json")
    file.write(path, plan)
    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o600
    assert file.read(path) == plan


def test_a_plan_that_cannot_be_written_leaves_nothing(tmp_path: pathlib.Path) -> None:
    with pytest.raises(file.PlanFileError, match=r"^compute_plan_file .*/none/plan\.json: No such file or directory$"):
        file.write(str(tmp_path / "none" / "plan.json"), World().plan())
    assert list(tmp_path.iterdir()) == []


SERVER: dict[str, t.Any] = {"request_index": 0, "host": "h1", "node": "h1", "is_new": True}


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        (
            {"created_at": "2027-01-01T00:00:00Z", "digest": False},
            "digest: is not that of the plan, which was changed or cut after 2027-",
        ),
        ({"version": 2}, "version: 2: must be 1, which this collection reads (made by kvmfleet.compute 1.0.0); plan again"),
        ({"version": True}, "version: True: must be 1"),
        ({"servers": []}, "servers: must have at least 1 entries"),
        ({"more": 1}, "more: unknown key"),
        ({"hosts": {"h1": {"uuid": "u", "resources": {"VCPU": {"total": "4"}}}}}, 'hosts.h1.resources.VCPU.total: must be a number, not "4"'),
        ({"servers": [{**SERVER, "instance": {**make.instance("../x"), "ports": []}}]}, 'servers[0].instance.uuid: must be a UUID, not "../x"'),
        (
            {"servers": [{**SERVER, "instance": {**make.instance(uuid=make.UUID), "ports": [make.port(mac_address="x", fixed_ips=[])]}}]},
            "servers[0].instance.ports[0].mac_address: must be the MAC address of one interface, such as fa:16:3e:00:00:01",
        ),
    ],
)
def test_what_is_no_plan_is_one_sentence_with_path_value_and_rule(tmp_path: pathlib.Path, changes: dict[str, t.Any], rule: str) -> None:
    path = written(tmp_path / "plan.json", **changes)
    with pytest.raises(file.PlanFileError) as refused:
        file.read(path)
    assert str(refused.value).startswith(f"compute_plan_file {path}: {rule}")


def test_a_round_with_a_lost_server_is_no_plan() -> None:
    world = World()
    state = world.round(world.validated())
    next(iter(state["servers"].values())).update(status="failed")
    with pytest.raises(Unplanned, match="server web-1 has no place"):
        plan_of(state, world.fleet, world.requests, ORIGIN)
    with pytest.raises(Unplanned, match="there is no server to plan"):
        plan_of({**state, "servers": {}}, world.fleet, world.requests, ORIGIN)
