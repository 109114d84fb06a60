# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with variables is said once, whatever the number of hosts; what a survey leaves empty is as if it were not set."""

from __future__ import annotations

import json
import pathlib
import re
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import origin
from ansible_collections.kvmfleet.compute.tests.plays import local_play

CATALOGUE: dict[str, t.Any] = {
    "compute_flavors": {"small": {"vcpus": 1, "memory_mb": 64, "root_gb": 1}},
    "compute_images": {"debian": {"source": "https://example.org/d", "checksum": "sha256:" + "0" * 64}},
}
SERVERS: dict[str, t.Any] = {"compute_servers": [{"name": "web", "flavor": "small", "image": "debian", "networks": "none"}]}
FIFTY: dict[str, object] = {f"h{number:02}": {} for number in range(50)}


def said(output: str) -> str:
    """What a terminal shows, without the line breaks that Ansible puts into warnings."""
    return re.sub(r"\s+", " ", output)


@pytest.mark.parametrize(
    ("playbook", "variables", "words"),
    [
        ("create_server", {**SERVERS, "compute_wait_timeout_s": "soon"}, 'compute_wait_timeout_s: "soon": must be a number [InvalidVariable]'),
        ("plan", {**SERVERS, "compute_unreachable_hosts": "ignored"}, "must be one of fail, ignore; did you mean ignore?"),
        ("registrar", {"registrar_operation": False}, "must be one of show, check, move, rebuild, off; in YAML off needs quotes"),
        ("delete_server", {"compute_delete_names": ["a"], "compute_project": None}, "compute_project: null: must not be empty"),
        ("reap", {"reap_owner": ""}, 'reap_owner: "": must not be empty; leave it out to take servers of any'),
        ("prepare_host", {"compute_prepare_packages": "nope"}, 'compute_prepare_packages: "nope": must be true or false'),
        ("list", {"compute_use_cached_facts": "cached"}, "must be true or false"),
        ("server_console", {"compute_console_name": "a", "compute_console_lines": "ten"}, "must be a whole number"),
        ("cleanup", {"compute_host_timeout_s": -5}, "must not be negative"),
        ("fleet", {"compute_ram_allocation_ratio": "1,5"}, "it has a point and no comma"),
    ],
)
def test_a_wrong_variable_is_one_error_of_one_host(tmp_path: pathlib.Path, playbook: str, variables: dict[str, t.Any], words: str) -> None:
    done = local_play.packaged(tmp_path, playbook, FIFTY, variables)
    output = done.stdout + done.stderr
    assert done.returncode != 0 and json.dumps(words)[1:-1] in output, output
    assert output.count("fatal: [") == 1 and len(output.splitlines()) < 30, output
    assert not any(local_play.modules(tmp_path, host) for host in FIFTY)


@pytest.mark.parametrize("entry", ["main", "plan", "list", "fleet"])
def test_so_it_is_in_a_play_of_ones_own(tmp_path: pathlib.Path, entry: str) -> None:
    tasks = [{"ansible.builtin.import_role": {"name": "kvmfleet.compute.create_server", "tasks_from": entry}, "vars": {"compute_host_timeout_s": "soon"}}]
    done = local_play.run(tmp_path, tasks, {"h1": {}, "h2": {}, "h3": {}})
    output = done.stdout + done.stderr
    assert done.returncode != 0 and "must be a whole number" in output, output
    assert output.count("fatal: [") == 1 and "Validating arguments" not in output


def test_hosts_that_have_the_same_wrong_value_are_one_error(tmp_path: pathlib.Path) -> None:
    tasks = [{"kvmfleet.compute.role_variables": {"role": "create_server"}, "run_once": True}]
    wrong = {"compute_cpu_allocation_ratio": "{{ 'fo' ~ 'ur' }}"}
    own = {"h1": wrong, "h2": {}, "h3": wrong, "h4": {"compute_reserved_host_cpus": "all"}}
    done = local_play.run(tmp_path, tasks, {host: {} for host in own}, own)
    # Before ansible-core 2.19 the message stands in JSON alone.
    output = (done.stdout + done.stderr).replace('\\"', '"')
    assert 'compute_cpu_allocation_ratio (hosts h1, h3): "four": must be a number' in output, output
    assert 'compute_reserved_host_cpus (host h4): "all": must be a whole number' in output


EMPTY = (
    "compute_user",
    "compute_roles",
    "compute_unreachable_hosts",
    "compute_take_over",
    "compute_duplicates",
    "compute_api_microversion",
    "compute_registrar",
    "compute_registrar_dsn",
    "compute_reservation_timeout_s",
    "compute_fleet_size",
    "compute_max_attempts",
    "compute_build_timeout_s",
    "compute_vif_plugging_timeout_s",
    "compute_vif_plugging_is_fatal",
    "compute_host_timeout_s",
    "compute_wait_for",
    "compute_wait_timeout_s",
    "compute_login_via",
    "compute_scheduler_filters",
    "compute_scheduler_weighers",
    "compute_scheduler_options",
    "compute_aggregates",
    "compute_quotas",
    "compute_policy",
    "compute_ports",
    "compute_report_file",
    "compute_junit_file",
    "compute_github_annotations",
    "compute_image_use_proxy",
    "compute_cpu_allocation_ratio",
    "compute_fleet_file",
    "compute_use_cached_facts",
    "compute_availability_zone",
    "compute_disabled",
    "compute_traits",
    "compute_facts",
    "compute_virt_type",
    "compute_blank_missing_disks",
)


@pytest.mark.parametrize("nothing", ["", None])
def test_what_a_survey_leaves_empty_is_not_set(tmp_path: pathlib.Path, nothing: object) -> None:
    done = local_play.packaged(tmp_path, "plan", {"h1": {"failed": True, "msg": "h1 answers"}}, {**CATALOGUE, **SERVERS, **dict.fromkeys(EMPTY, nothing)})
    # It comes as far as the host.
    assert "h1 answers" in done.stdout + done.stderr, done.stdout + done.stderr
    assert local_play.modules(tmp_path, "h1") == ["AnsiballZ_host_info.py"]
    assert "InvalidVariable" not in done.stdout


def test_lists_and_mappings_may_be_texts(tmp_path: pathlib.Path) -> None:
    texts = {f"{name}": json.dumps(value) for name, value in {**CATALOGUE, **SERVERS}.items()}
    policy = {"create": ["builder"]}
    done = local_play.packaged(tmp_path, "validate", {}, {**texts, "compute_roles": "member\nbuilder", "compute_policy": json.dumps(policy)})
    assert done.returncode == 0 and "1 request for 1 server: nothing wrong" in done.stdout, done.stdout + done.stderr
    done = local_play.packaged(tmp_path, "validate", {}, {**texts, "compute_roles": "member\nreader", "compute_policy": json.dumps(policy)})
    assert done.returncode != 0 and "PolicyNotAuthorized" in done.stdout + done.stderr


def test_unknown_variables_are_warned_of_once_and_nothing_fails(tmp_path: pathlib.Path) -> None:
    unknown = {"compute_wait_fro": "ssh", "compute_flavours": {}, "compute_zzz": 1, "other_flavours": 2}
    done = local_play.packaged(tmp_path, "validate", FIFTY, {**CATALOGUE, **SERVERS, **unknown})
    output = said(done.stdout + done.stderr)
    assert done.returncode == 0, output
    for sentence in ("compute_wait_fro is not an option of kvmfleet.compute; did you mean compute_wait_for?", "did you mean compute_flavors?"):
        assert output.count(sentence) == 1, output
    assert "compute_zzz is not an option of kvmfleet.compute" in output and "other_flavours" not in output


def test_those_of_hosts_and_plays_are_seen_and_results_are_not(tmp_path: pathlib.Path) -> None:
    tasks: list[dict[str, t.Any]] = [
        {"ansible.builtin.command": "true", "register": "compute_ran"},
        {"kvmfleet.compute.role_variables": {"role": "create_server"}, "run_once": True, "vars": {"compute_max_attempt": 1}},
    ]
    own = {"h1": {}, "h2": {"compute_reserved_memory_mb": 3}}
    done = local_play.run(tmp_path, tasks, {"h1": {"changed": False, "rc": 0}, "h2": {"changed": False, "rc": 0}}, own)
    output = said(done.stdout + done.stderr)
    assert "did you mean compute_reserved_host_memory_mb?" in output and "did you mean compute_max_attempts?" in output, output
    assert "compute_ran" not in output


def test_a_run_that_sets_nothing_wrong_warns_of_nothing(tmp_path: pathlib.Path) -> None:
    done = local_play.packaged(tmp_path, "validate", {}, {**CATALOGUE, **SERVERS})
    assert done.returncode == 0 and "is not an option" not in done.stdout + done.stderr


@pytest.mark.skipif(origin.Origin is None, reason="before ansible-core 2.19 what is not defined is noticed by the task that uses it")
def test_a_template_that_can_not_be_run_names_its_variable(tmp_path: pathlib.Path) -> None:
    done = local_play.packaged(tmp_path, "validate", {}, {**CATALOGUE, **SERVERS, "compute_owner": "{{ nobody }}"})
    assert done.returncode != 0 and "compute_owner: its template can't be run" in done.stdout + done.stderr
