# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host is given what its own servers need, once; and a template in a request has one value for all stages and hosts."""

from __future__ import annotations

import base64
import collections
import json
import pathlib
import random
import re
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.tests.plays import local_play
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked

HOSTS = ("h1", "h2", "h3")
SERVERS = 30
USER_DATA_BYTES = 49149  # 65,532 characters in base64, as much as Nova takes
# The module with all that it imports, and the rest of the orders: less than the user data of the other hosts.
MODULE_BYTES = 1_000_000
PASSWORD = re.compile(r"admin_pass\W+([A-Za-z0-9]{20})\W")


def task(module: str, register: str, **args: t.Any) -> dict[str, t.Any]:
    return {f"kvmfleet.compute.{module}": args, "register": register}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """What a play of the chain's stages left that claims and builds on three hosts."""
    made = tmp_path_factory.mktemp("play")
    rng = random.Random(1)
    password = "{{ lookup('ansible.builtin.password', '/dev/null', chars=['ascii_letters', 'digits']) }}"
    servers = [
        asked(name=f"web-{number}", networks="none", user_data=base64.b64encode(rng.randbytes(USER_DATA_BYTES)).decode(), adminPass=password)
        for number in range(SERVERS)
    ]
    sizes = {"host": {"vcpus": 100, "memory_mb": 10**6, "disk_gb": 10**6}}
    (made / "fleet.json").write_text(json.dumps({"version": 1, "hosts": {host: {"host_info": sizes} for host in HOSTS}}))
    (made / "variables.json").write_text(json.dumps({"compute_servers": servers, **{f"compute_{kind}": entries for kind, entries in CATALOGUE.items()}}))
    of_host = {"round_variable": "conducted", "secrets_variable": "secrets"}
    tasks = [
        {**task("server_validate", "api", servers="{{ compute_servers }}"), "run_once": True},
        {
            **task("server_schedule", "plan", instances="{{ api.instances }}", request_specs="{{ api.request_specs }}", fleet_file=str(made / "fleet.json")),
            "run_once": True,
        },
        {**task("server_secrets", "secrets", servers="{{ compute_servers }}", instances="{{ api.instances }}"), "run_once": True, "no_log": True},
        {**task("server_conduct", "conducted", placements="{{ plan.placements }}"), "run_once": True},
        task("server", "claimed", state="claimed", **of_host),
        task("server", "built", state="active", **of_host),
    ]
    done = local_play.run(made, tasks, {host: {"changed": False, "servers": []} for host in HOSTS}, None, "-e", "@variables.json")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def test_a_host_is_given_no_more_than_its_share(folder: pathlib.Path) -> None:
    share = SERVERS // len(HOSTS) * (USER_DATA_BYTES // 3 * 4)
    for host in HOSTS:
        sizes = [len(text) for text in local_play.given(folder, host)]
        assert len(sizes) == 2
        assert all(share < size < share + MODULE_BYTES for size in sizes)


def test_a_password_that_a_lookup_makes_is_one_for_claim_and_build(folder: pathlib.Path) -> None:
    stages = [collections.Counter(PASSWORD.findall(text)) for host in HOSTS for text in local_play.given(folder, host)]
    assert all(claimed == built and len(claimed) == SERVERS // len(HOSTS) for claimed, built in zip(stages[::2], stages[1::2], strict=True))
    assert len(set().union(*stages)) == SERVERS
