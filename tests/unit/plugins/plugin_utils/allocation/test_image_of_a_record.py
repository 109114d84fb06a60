# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that answers as it likes gets no file that the catalogue doesn't name: from its facts through api stage and placement to the round's images."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Image
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import place
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.validate import validate
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.conductor import rounds
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Fleet, FleetInstance, Round
from ansible_collections.kvmfleet.compute.tests.unit import make

SUM, OTHER = "sha256:" + "a" * 64, "sha256:" + "b" * 64
KEY = "/home/ops/.ssh/id_ed25519"
REQUEST = {"name": "web", "flavor": "small", "image": "debian", "networks": "none"}


def catalogue(**image: str) -> dict[str, t.Any]:
    entry = {"source": "https://example.org/d.qcow2", "checksum": SUM, **image}
    return {"flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 10}}, "images": {"debian": entry}, "networks": {}}


def validated(fleet: Fleet | None, of: dict[str, t.Any]) -> t.Any:
    context: t.Any = {"project_id": "p", "user_id": "u"}
    found = validate([REQUEST], of, fleet=fleet, context=context, options={}, new_uuid=lambda: "u", new_reservation_id=lambda: "r-1")
    assert found["errors"] == []
    return found["instances"]


def recorded(of: dict[str, t.Any], **changes: t.Any) -> FleetInstance:
    """The record of the server that REQUEST asks for, as its host reports it: it is off, and its root disk is gone."""
    made: FleetInstance = make.fleet_record(validated(None, of)[0]["instance"], power_state="shutdown", missing_files=["/i/u/disk"])
    image: Image = {**t.cast("Image", made["image"]), **changes.pop("image", {})}
    return t.cast("FleetInstance", {**made, "image": image, **changes})


def first_round(record: FleetInstance, of: dict[str, t.Any]) -> Round:
    host = make.host(instances=[record])
    fleet: Fleet = {"version": 1, "hosts": {"h1": {"status": "ok", "error": None, "state": host}}, "aggregates": [make.zone("az1", "h1")]}
    placed, unplaced = place(validated(fleet, of), [], fleet, AddressBook([host], lambda: 1, lambda: "port"), lambda _result: ("", {}))
    return rounds.first(placed, unplaced, run=make.run(), max_attempts=3, group_members={}, cached_images={})


def test_a_file_of_the_controller_that_a_host_names_is_not_sent() -> None:
    state = first_round(recorded(catalogue(), image={"source": KEY, "checksum": SUM}), catalogue())
    assert [image["source"] for image in state["images"]["h1"]] == ["https://example.org/d.qcow2"]


@pytest.mark.parametrize("changes", [{"checksum": OTHER}, {"checksum": f"sha256:{KEY}"}, {"checksum": "x"}, {"disk_format": "raw"}])
def test_content_that_the_catalogue_does_not_name_is_an_error_that_says_what_to_add(changes: dict[str, str]) -> None:
    record = recorded(catalogue(), image={"source": KEY, **changes})
    state = first_round(record, catalogue())
    error = state["servers"][record["uuid"]]["error"]
    assert state["images"] == {} and error
    assert error["error_class"] == "ImageNotFound"
    assert all(text in error["message"] for text in ("compute_images", "h1", changes.get("checksum", SUM)))
    assert KEY not in error["message"] or KEY in changes["checksum"]


def test_a_record_that_a_dead_run_left_is_finished_with_the_image_of_the_catalogue() -> None:
    record = recorded(catalogue(), image={"source": KEY}, vm_state="building", missing_files=[])
    of_server = first_round(record, catalogue())["servers"][record["uuid"]]["placed"]
    assert of_server and of_server["image"] and of_server["image"]["source"] == "https://example.org/d.qcow2"


@pytest.mark.parametrize(("gone", "told"), [(True, "dead"), (False, None)])
def test_a_host_is_told_of_a_run_that_only_this_controller_can_know_to_be_gone(gone: bool, told: str | None) -> None:
    record = recorded(catalogue(), vm_state="building", missing_files=[], run=make.run(id="dead"), gone=gone)
    of_server = first_round(record, catalogue())["servers"][record["uuid"]]["placed"]
    assert of_server
    assert (of_server["action"], of_server["gone_run"]) == ("finish", told)


def test_the_entry_with_the_checksum_serves_a_record_of_another_name_under_the_id_of_the_record() -> None:
    record = recorded(catalogue(), image={"id": "old", "name": "debian-11", "checksum": SUM.upper().replace("SHA", "sha")})
    assert [(image["id"], image["name"]) for image in first_round(record, catalogue())["images"]["h1"]] == [("old", "debian")]


def test_an_entry_with_a_sums_file_is_fetched_as_the_content_that_the_record_has() -> None:
    sums = catalogue(checksum="sha256:https://example.org/SHA256SUMS")
    state = first_round(recorded(sums, image={"source": KEY, "checksum": OTHER}), sums)
    assert [(image["source"], image["checksum"]) for image in state["images"]["h1"]] == [("https://example.org/d.qcow2", OTHER)]


def test_a_server_that_runs_needs_no_image() -> None:
    state = first_round(recorded(catalogue(), image={"checksum": OTHER}, power_state="running", missing_files=[]), catalogue())
    assert [server["error"] for server in state["servers"].values()] == [None]
