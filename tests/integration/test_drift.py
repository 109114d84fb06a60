# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody does to a server with virsh, told by the next run: exactly that."""

from __future__ import annotations

import typing as t

from .conftest import INSTANCES, Fleet, Host, Play, server


def drift(play: Play, name: str = "web") -> list[tuple[str, t.Any, t.Any, str]]:
    assert play.code == 0, play.output
    assert play.changed() == 0
    told = play.server(name)["drift"]
    assert play.output.count(f"{name} differs from the request:") == len(told)
    return [(item["path"], item["wanted"], item["actual"], item["remedy"]) for item in told]


def virsh(host: Host, *argv: str) -> None:
    host.run("virsh", "-q", *argv)


def test_what_was_done_with_virsh_is_told_and_nothing_else(fleet: Fleet) -> None:
    asked = server("web", flavor="m1.extra", networks=[{"name": "lan"}, {"name": "int"}], user_data_text="x", tags=["a"])
    made = fleet.create(asked)
    assert made.code == 0, made.output
    assert made.server("web")["drift"] == []
    assert drift(fleet.create(asked)) == []
    host, domain, folder = fleet.hosts[made.server("web")["host"]], made.server("web")["domain"], f"{INSTANCES}/{made.server('web')['id']}"
    mac = next(address["mac_addr"] for address in made.server("web")["addresses"]["int"])

    # What runs and what is defined, each for itself and together.
    virsh(host, "detach-interface", domain, "bridge", mac, "--config")
    virsh(host, "setmem", domain, "96M", "--config")
    others = [word for disk in ("vdb", "vdc", "vdd") for word in ("--diskspec", f"{disk},snapshot=no")]
    virsh(host, "snapshot-create-as", domain, "before", "--disk-only", "--no-metadata", "--diskspec", f"vda,file={folder}/disk.before", *others)
    host.run("rm", f"{folder}/disk.eph0")
    virsh(host, "suspend", domain)
    paused = fleet.create(asked)
    assert paused.server("web")["state"] == "PAUSED"
    assert drift(paused) == [
        ("power_state", "running", "paused (by a user)", "manual"),
        ("missing_files", f"{folder}/disk.eph0", None, "manual"),
        ("libvirt.disks.vda", f"{folder}/disk", f"{folder}/disk.before", "manual"),
        ("libvirt.defined.memory_mb", 128, 96, "manual"),
        (f"libvirt.defined.interfaces.{mac}", "bridge br-int", None, "manual"),
    ]

    # A guest that is off has what is defined; what a run applies is a difference in its plan only.
    virsh(host, "destroy", domain)
    host.run("mv", f"{folder}/disk.config", f"{folder}/disk.away")
    planned = drift(fleet.play("kvmfleet.compute.plan", {"compute_servers": [asked]}))
    assert [line for line in planned if line[3] == "rerun"] == [
        ("power_state", "running", "shutdown", "rerun"),
        ("missing_files", f"{folder}/disk.config", None, "rerun"),
    ]
    assert ("libvirt.memory_mb", 128, 96, "manual") in planned
