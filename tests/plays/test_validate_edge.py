# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the api stage reads on the controller: options that are one for all hosts, requests of others, and the file of passwords."""

from __future__ import annotations

import json
import multiprocessing
import pathlib
import random
import typing as t

import pytest
import yaml

from ansible_collections.kvmfleet.compute.plugins.action import server_validate
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import flat_request
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import servers_file
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import one_for_all
from ansible_collections.kvmfleet.compute.tests.plays import local_play
from ansible_collections.kvmfleet.compute.tests.unit import make

ROLE = pathlib.Path(__file__).resolve().parents[2] / "roles" / "create_server"
CATALOGUE = {
    "compute_flavors": {"small": {"vcpus": 1, "memory_mb": 64, "root_gb": 1}},
    "compute_images": {"debian": {"source": "https://example.org/d", "checksum": "sha256:" + "0" * 64}},
}
REQUEST = {"name": "web", "flavor": "small", "image": "debian", "networks": "none"}
# What each host may have for itself.
OF_HOST = {
    "compute_max_concurrent_builds",
    "compute_progress",
    "compute_wait_for",
    "compute_wait_timeout_s",
    "compute_probe_addresses",
    "compute_virt_type",
    "compute_bridge_mappings",
    "compute_tunnel_address",
    "compute_libvirt_uri",
    "compute_libvirt_timeout_s",
    "compute_host_timeout_s",
    "compute_cpu_allocation_ratio",
    "compute_ram_allocation_ratio",
    "compute_disk_allocation_ratio",
    "compute_availability_zone",
    "compute_disabled",
    "compute_disabled_reason",
    "compute_facts",
    "compute_traits",
    "compute_hosts",
}
OF_HOST_STARTS = ("compute_image_", "compute_instances_", "compute_state_", "compute_reserved_", "compute_blank_", "compute_download_")


def test_every_option_of_the_role_is_one_for_all_or_of_a_host() -> None:
    options: set[str] = set()
    for entry in yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"].values():
        options |= set(entry["options"])
    catalogue = {f"compute_{kind}" for kind in (*server_validate.CATALOGUE, "aggregates")}
    one_for_all_hosts = {*one_for_all.OPTIONS, *flat_request.VARIABLES}
    undecided = {name for name in options - catalogue - OF_HOST - one_for_all_hosts if not name.startswith(OF_HOST_STARTS)}
    assert undecided == set() and one_for_all_hosts <= options


@pytest.mark.parametrize("name", one_for_all.OPTIONS)
def test_an_option_that_one_host_has_for_itself_is_named_with_both_hosts(name: str) -> None:
    hosts = {"h1": {name: "a"}, "h2": {name: "a"}, "h3": {name: "/home/ops/.bashrc"}}
    assert f"{name} of host h3 is not that of h1" in (one_for_all.difference(one_for_all.OPTIONS, hosts) or "")
    assert one_for_all.difference(one_for_all.OPTIONS, {"h1": {name: "a"}, "h2": {name: "a"}}) is None
    assert one_for_all.difference(one_for_all.OPTIONS, {"h1": {}, "h2": {name: "a"}})


def test_a_play_refuses_such_an_option_and_reads_requests_of_others_as_data(tmp_path: pathlib.Path) -> None:
    ran = tmp_path / "ran"
    description = "{{ lookup('pipe', 'touch " + str(ran) + "') }}"
    (tmp_path / "servers.yml").write_text(json.dumps({"compute_servers": [{**REQUEST, "description": description}]}))
    validate = "kvmfleet.compute.server_validate"
    tasks: list[dict[str, t.Any]] = [
        {validate: {"servers": [REQUEST], "hosts_variable": "found"}, "run_once": True, "register": "refused", "ignore_errors": True},
        {"ansible.builtin.assert": {"that": "'compute_result_file of host h2 is not that of h1' in refused.msg"}},
        {validate: {"servers_file": str(tmp_path / "servers.yml")}, "register": "read"},
        {"ansible.builtin.debug": {"msg": "{{ read.instances }}"}},
        {"ansible.builtin.assert": {"that": "'lookup(' in read.instances[0].instance.display_description"}},
    ]
    own = {"h1": {**CATALOGUE}, "h2": {**CATALOGUE, "compute_result_file": "/x"}}
    done = local_play.run(tmp_path, tasks, {"h1": {}, "h2": {}}, own)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not ran.exists()


@pytest.mark.parametrize("text", ["", "3", "{}", "{compute_servers: 3}", "[", "- !!python/object/apply:os.system [true]", "&a [*a]"])
def test_a_file_that_is_none_is_named(tmp_path: pathlib.Path, text: str) -> None:
    path = tmp_path / "servers.yml"
    path.write_text(text)
    with pytest.raises(servers_file.WrongFile, match=r"servers_file .*servers\.yml: "):
        servers_file.read(str(path))


def _add(path: str, name: str) -> None:
    request = make.build_request(make.instance(name), secrets_given={"user_data": False, "admin_pass": "generated"})
    for _turn in range(20):
        server_validate.write_passwords(path, [request], random.SystemRandom())


def test_runs_at_once_lose_no_password(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "passwords.json"
    fork = multiprocessing.get_context("fork")
    runs = [fork.Process(target=_add, args=(str(path), f"s{number}")) for number in range(8)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert set(json.loads(path.read_text())) == {f"p/s{number}" for number in range(8)}
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_password_that_is_there_stays(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "passwords.json"
    path.write_text(json.dumps({"p/web": "first"}))
    _add(str(path), "web")
    assert json.loads(path.read_text()) == {"p/web": "first"}
