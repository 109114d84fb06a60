# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalogue that only the hypervisors' group can see is named as such, where a check runs on the controller."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.plays import local_play

FLAVORS = {"compute_flavors": {"small": {"vcpus": 1, "memory_mb": 64, "root_gb": 1}}}
IMAGES = {"compute_images": {"debian": {"source": "https://example.org/d", "checksum": "sha256:" + "0" * 64}}}
REQUEST = {"name": "web", "flavor": "small", "image": "debian", "networks": "none"}
THERE = "is set for host kvm1 of the group hypervisors, but not for localhost, where this runs; put it into group_vars/all"


def said(
    folder: pathlib.Path, all_hosts: dict[str, t.Any], group: dict[str, t.Any], request: dict[str, t.Any], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """The playbook validate, or what the arguments say, with variables of all hosts and of the group; its output in one line."""
    for name, variables in (("all", all_hosts), ("hypervisors", group)):
        (folder / "group_vars").mkdir(exist_ok=True)
        (folder / "group_vars" / f"{name}.yml").write_text(json.dumps(variables))
    (folder / "inventory.yml").write_text(json.dumps({"hypervisors": {"hosts": {"kvm1": {}, "kvm2": {}}}}))
    (folder / "servers.yml").write_text(json.dumps({"compute_servers": [request]}))
    playbook = arguments or ("kvmfleet.compute.validate",)
    done = local_play.ansible_playbook(folder, "-i", "inventory.yml", *playbook, "-e", "@servers.yml")
    done.stdout = re.sub(r"\s+", " ", done.stdout + done.stderr)
    return done


def test_it_is_one_error_and_what_comes_of_it_is_none(tmp_path: pathlib.Path) -> None:
    done = said(tmp_path, IMAGES, FLAVORS, REQUEST)
    assert done.returncode != 0 and f"compute_flavors: null: {THERE} [InvalidCatalogue]" in done.stdout, done.stdout
    assert "unknown flavor" not in done.stdout and "compute_images:" not in done.stdout


def test_so_it_is_for_a_plan_from_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "fleet.json").write_text(json.dumps({"version": 1, "hosts": {}}))
    done = said(tmp_path, {}, {**FLAVORS, **IMAGES}, REQUEST, "kvmfleet.compute.plan", "-e", "compute_fleet_file=fleet.json")
    assert f"compute_flavors: null: {THERE}" in done.stdout and f"compute_images: null: {THERE}" in done.stdout, done.stdout
    assert "unknown" not in done.stdout


def test_other_errors_stay(tmp_path: pathlib.Path) -> None:
    done = said(tmp_path, IMAGES, FLAVORS, {**REQUEST, "image": "debain"})
    assert THERE in done.stdout and "unknown image; did you mean debian?" in done.stdout, done.stdout


def test_what_no_request_needs_is_a_warning(tmp_path: pathlib.Path) -> None:
    done = said(tmp_path, {**FLAVORS, **IMAGES}, {"compute_quotas": {"default": {"instances": 0}}}, REQUEST)
    assert done.returncode == 0 and f"compute_quotas {THERE}; so it was not looked at" in done.stdout, done.stdout


@pytest.mark.parametrize("group", [{}, FLAVORS])
def test_nothing_is_said_of_what_all_hosts_have(tmp_path: pathlib.Path, group: dict[str, t.Any]) -> None:
    done = said(tmp_path, {**FLAVORS, **IMAGES}, group, REQUEST)
    assert done.returncode == 0 and "where this runs" not in done.stdout, done.stdout


def test_a_catalogue_that_is_nowhere_is_the_request_s_error(tmp_path: pathlib.Path) -> None:
    done = said(tmp_path, IMAGES, {}, REQUEST)
    assert done.returncode != 0 and "unknown flavor; known: none" in done.stdout, done.stdout
