# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All errors in one text: each with where it was written, those alike in one line."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import error_text, unread_host
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked, check, fleet_of

NOWHERE: t.Any = lambda path: None  # noqa: E731 (as short as it is)


def told(*requests: t.Any, origin: t.Any = NOWHERE, **more: t.Any) -> str:
    return error_text.text(check(*requests, **more)["errors"], origin)


def test_one_error_is_one_line() -> None:
    assert told(asked(flavor="smal")) == 'servers[0].flavor: "smal": unknown flavor; did you mean small? [FlavorNotFound]'


def test_each_error_has_its_origin_and_alike_ones_are_one() -> None:
    requests = [asked(name=f"s{number}", flavor="smal") for number in range(6)]
    assert told(*requests, asked(name="x", nmae="y"), origin=lambda path: f"s.yml:{len(path)}").splitlines() == [
        "7 errors, so nothing was touched:",
        '  s.yml:17: servers[0].flavor: "smal": unknown flavor; did you mean',
        "      small? [FlavorNotFound] (so have servers[1], servers[2],",
        "      servers[3] and 2 more)",
        "  s.yml:15: servers[6].nmae: unknown field; did you mean name?",
        "      [ValidationError]",
    ]


def test_after_twenty_lines_there_is_a_count() -> None:
    lines = told(*(asked(name=f"s{number}", flavor=f"f{number}") for number in range(25))).splitlines()
    assert len([line for line in lines if line.startswith("  servers")]) == 20 and lines[-1] == "  and 5 more lines like these, see errors in the result"


def test_a_request_that_breaks_the_schema_is_checked_against_the_catalogue_too() -> None:
    request = asked(flavor="smal", image="debain", min_count="three", scheduler_hints={"group": "aprt"}, key_name="op", networks=[{"name": "lam"}])
    assert [error["path"].removeprefix("servers[0].") for error in check(request)["errors"]] == [
        "min_count",
        "flavor",
        "image",
        "networks[0].name",
        "key_name",
        "scheduler_hints.group",
    ]


def test_a_field_that_is_wrong_is_wrong_once() -> None:
    """Nothing is said of what was left out, nor of what can't be judged without it."""
    wrong = {"name": 3, "flavor": [1], "image": {"x": 1}, "networks": 7, "min_count": 9, "max_count": "two", "availability_zone": [1]}
    paths = [error["path"].removeprefix("servers[0].") for error in check(wrong)["errors"]]
    assert sorted(paths) == ["availability_zone", "flavor", "image", "max_count", "name", "networks"]
    no_root = asked(image=..., block_device_mapping_v2=[{"boot_index": "x"}])
    no_root.pop("image")
    assert all(error["path"].startswith("servers[0].block_device") for error in check(no_root)["errors"])


def test_suggestions_are_the_friendly_names_and_known_even_where_the_entry_has_a_fault() -> None:
    def rule(**fields: t.Any) -> str:
        return str(check(asked(**fields))["errors"][0]["message"])

    assert rule(flavour="x") == "servers[0].flavour: unknown field; did you mean flavor?"
    assert rule(images="x") == "servers[0].images: unknown field; did you mean image?"
    assert rule(zone="x") == "servers[0].zone: unknown field; did you mean availability_zone?"
    assert "plain text goes into user_data_text" in rule(user_data="#!/bin/sh")
    faulty = {**CATALOGUE, "flavors": {"small": {"vcpu": 1}}}
    messages = [error["message"] for error in check(asked(flavor="smal"), catalogue=faulty)["errors"]]
    assert 'servers[0].flavor: "smal": unknown flavor; did you mean small?' in messages
    assert told(asked(), catalogue={**CATALOGUE, "networks": {"lan": {"bridge": "b", "cidr": "192.0.2.0/24"}}}).startswith(
        "compute_networks.lan.cidr: unknown key; it belongs into subnets"
    )


def test_hosts_that_say_the_same_are_one_line() -> None:
    fleet = fleet_of(status="failed")
    fleet["hosts"]["h2"] = dict(fleet["hosts"]["h1"])
    assert told(asked(), fleet=fleet) == f"hosts.h1: can't be read: no route; {unread_host.PREPARE} [HostNotReadable] (so has hosts.h2)"


def test_why_a_host_could_not_be_read_comes_with_what_puts_it_right() -> None:
    for said, fix in (
        ("argument 'cpu_allocation_ratio' is of type str and we were unable to convert to float", "put the variable compute_cpu_allocation_ratio of this host"),
        ("value of virt_type must be one of: kvm, qemu, got: kvn", "put the variable compute_virt_type of this host right"),
        ("libvirt at qemu:///system does not answer: Failed to connect socket to '/var/run/libvirt/libvirt-sock': No such file", "start libvirt there"),
        ("Module result deserialization failed: No start of json char found", "ansible_python_interpreter"),
        ("The module interpreter '/usr/bin/python9' was not found.", "kvmfleet.compute.prepare_host"),
        ("boom", "kvmfleet.compute.prepare_host"),
    ):
        error_class, rule = unread_host.fault("failed", said)
        assert (error_class, fix in rule, said.rstrip(".") in rule) == ("HostNotReadable", True, True), rule
    error_class, rule = unread_host.fault("unreachable", "Failed to connect to the host via ssh: no route\n" + "x" * 900)
    assert error_class == "HostUnreachable" and "ignore leaves it out" in rule and len(rule) < 900
