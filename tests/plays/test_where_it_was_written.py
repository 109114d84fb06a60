# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors name the file and the line in which the user wrote what is wrong, as a run shows them."""

from __future__ import annotations

import json
import pathlib

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge import origin
from ansible_collections.kvmfleet.compute.tests.plays import local_play

REQUESTS = """\
compute_servers:
  - name: web
    flavor: smal
    image: debian
    networks: none
    scheduler_hints:
      group: apart
  - server: {name: db, flavorRef: small,
      imageRef: debian, nmae: x}
"""
CATALOGUE = """\
compute_flavors:
  small:
    vcpus: 1
    memory_mb: 64
    root_gb: 1
    extra_specs:
      hw:cpu.x: 1
    ramm: 3
compute_images: {debian: {source: https://example.org/d, checksum: md5}}
"""
KNOWS_ORIGINS = pytest.mark.skipif(origin.Origin is None, reason="this ansible-core does not say where a value was written")


def _output(folder: pathlib.Path, *arguments: str) -> str:
    (folder / "servers.yml").write_text(REQUESTS)
    (folder / "catalogue.yml").write_text(CATALOGUE)
    done = local_play.ansible_playbook(folder, "kvmfleet.compute.validate", "-e", "@catalogue.yml", *arguments)
    assert done.returncode != 0
    # Before ansible-core 2.19 a failed task is told as JSON.
    return (done.stdout + done.stderr).replace("\\n", "\n").replace('\\"', '"')


def test_a_run_with_a_file_of_requests(tmp_path: pathlib.Path) -> None:
    output = _output(tmp_path, "-e", "compute_servers_file=servers.yml")
    assert '\n  servers.yml:3: servers[0].flavor: "smal": unknown flavor; did you\n      mean small? [FlavorNotFound]\n' in output
    assert "Traceback" not in output


@KNOWS_ORIGINS
def test_a_run_with_variables_from_files(tmp_path: pathlib.Path) -> None:
    output = _output(tmp_path, "-e", "@servers.yml")
    for line in (
        "catalogue.yml:8: compute_flavors.small.ramm: unknown key",
        "catalogue.yml:9: compute_images.debian.checksum",
        "servers.yml:3: servers[0].flavor",
    ):
        assert f"\n  {line}" in output, output


def test_what_has_no_origin_has_no_prefix(tmp_path: pathlib.Path) -> None:
    requests = json.dumps({"compute_servers": [{"name": "web", "flavor": "smal", "image": "debian", "networks": "none"}]})
    assert 'servers[0].flavor: "smal"' in _output(tmp_path, "-e", requests)
