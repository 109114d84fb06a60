# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What 100 servers over 100 hosts leave on the screen."""

from __future__ import annotations

import json
import pathlib
import typing as t

from ansible_collections.kvmfleet.compute.tests.plays import local_play
from ansible_collections.kvmfleet.compute.tests.unit import make

SERVERS, HOSTS = 100, 100
VARIABLES: dict[str, t.Any] = {
    "compute_fleet_file": "fleet.json",
    "compute_flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 10}},
    "compute_images": {"debian": {"source": "https://example.org/d", "checksum": "sha256:" + "0" * 64}},
    "compute_networks": {"lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.0.0/16"}]}},
    "compute_quotas": {"instances": -1, "cores": -1, "ram": -1},
    "compute_servers": [{"name": f"web-{number}", "flavor": "small", "image": "debian", "networks": [{"name": "lan"}]} for number in range(SERVERS)],
}


def _plan(folder: pathlib.Path, *arguments: str) -> str:
    """The screen of a plan."""
    facts = {f"kvm{number}": {"host_info": {"host": make.host(f"kvm{number}", networks=make.networks("br0"))}} for number in range(HOSTS)}
    (folder / "fleet.json").write_text(json.dumps({"version": 1, "hosts": facts}))
    (folder / "extra.yml").write_text(json.dumps(VARIABLES))
    done = local_play.ansible_playbook(folder, "kvmfleet.compute.plan", "-e", "@extra.yml", *arguments)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    return done.stdout


def test_one_v_can_be_read_and_three_show_all(tmp_path: pathlib.Path) -> None:
    folders = [tmp_path / name for name in ("brief", "whole")]
    for folder in folders:
        folder.mkdir()
    brief = _plan(folders[0], "-v")
    assert len(brief) < 200_000
    assert "web-99 -> kvm" in brief and "not chosen" not in brief
    whole = _plan(folders[1], "-vvv")
    assert len(whole) > 10 * len(brief)
