# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tree of files of a config drive; pure.

Follows ``nova/api/metadata/base.py: metadata_for_config_drive``: the OpenStack tree in the versions that guests ask for, and the EC2 one.
"""

from __future__ import annotations

import base64
import json
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.device_metadata import devices
from ansible_collections.kvmfleet.compute.plugins.module_utils.guest.network_data import network_data
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Hardware, Instance

VERSIONS = (
    "2012-08-10",
    "2013-04-04",
    "2013-10-17",
    "2015-10-15",
    "2016-06-30",
    "2016-10-06",
    "2017-02-22",
    "2018-08-27",
    "2020-10-14",
    "2025-04-04",
    "latest",
)


def meta_data(instance: Instance, *, admin_pass: str | None, random_seed: str, hardware: Hardware | None) -> dict[str, t.Any]:
    """``meta_data.json`` of an instance. The host name stands without a domain: there is no DHCP domain here."""
    data: dict[str, t.Any] = {"uuid": instance["uuid"]}
    if instance["metadata"]:
        data["meta"] = instance["metadata"]
    if admin_pass is not None:
        data["admin_pass"] = admin_pass
    keypair = instance["keypair"]
    if keypair:
        data["public_keys"] = {keypair["name"]: keypair["public_key"]}
        data["keys"] = [{"name": keypair["name"], "type": keypair["type"], "data": keypair["public_key"]}]
    data["hostname"] = instance["hostname"]
    data["name"] = instance["display_name"]
    data["launch_index"] = instance["launch_index"]
    data["availability_zone"] = instance["availability_zone"]
    data["random_seed"] = random_seed
    data["project_id"] = instance["project_id"]
    data["devices"] = devices(instance, hardware)
    return data


def files(instance: Instance, *, user_data: str | None, admin_pass: str | None, random_seed: str, hardware: Hardware | None = None) -> dict[str, bytes]:
    """{path on the drive: content}; ``user_data`` is base64 as in Nova's API, ``random_seed`` base64 of 512 bytes, ``hardware`` what its domain has."""
    meta = json.dumps(meta_data(instance, admin_pass=admin_pass, random_seed=random_seed, hardware=hardware)).encode()
    network = json.dumps(network_data(instance["ports"])).encode()
    decoded = base64.b64decode(user_data) if user_data else None
    tree: dict[str, bytes] = {}
    for version in VERSIONS:
        base = f"openstack/{version}"
        tree[f"{base}/meta_data.json"] = meta
        if decoded is not None:
            tree[f"{base}/user_data"] = decoded
        if version >= "2013-10-17":
            tree[f"{base}/vendor_data.json"] = b"{}"
        if version >= "2015-10-15":
            tree[f"{base}/network_data.json"] = network
        if version >= "2016-10-06":
            tree[f"{base}/vendor_data2.json"] = b"{}"
    keypair = instance["keypair"]
    ec2: dict[str, t.Any] = {
        "instance-id": instance["uuid"],
        "hostname": instance["hostname"],
        "local-hostname": instance["hostname"],
        "ami-launch-index": instance["launch_index"],
        "instance-type": instance["flavor"]["name"],
        "placement": {"availability-zone": instance["availability_zone"]},
    }
    if keypair:
        ec2["public-keys"] = {"0": {"_name": f"0={keypair['name']}", "openssh-key": keypair["public_key"]}}
    for version in ("2009-04-04", "latest"):
        tree[f"ec2/{version}/meta-data.json"] = json.dumps(ec2).encode()
        if decoded is not None:
            tree[f"ec2/{version}/user-data"] = decoded
    return tree
