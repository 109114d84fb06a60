# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a flavor and an image give each NIC of a server: limits of its bandwidth, and queues; pure."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.vif.table import vif_of
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bandwidth, Flavor
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.not_built import ERROR_CLASS
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.hardware import bandwidth, constraints
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.fault import Fault
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import CatalogueImage, CataloguePort, Network


class Nic(t.NamedTuple):
    """What each NIC has, whatever its port."""

    bandwidth: Bandwidth | None  # None: no limit
    queues: int | None  # None: one


PLAIN = Nic(None, None)


def nic_of(flavor: Flavor | None, image: CatalogueImage | None) -> Nic:
    """A plain one if the two are not known, or if they contradict each other: that is told where they are checked."""
    if flavor is None or image is None:
        return PLAIN
    try:
        queues = constraints.vif_queues(flavor, image["properties"])
    except (constraints.ConstraintError, ValueError):
        queues = None
    return Nic(bandwidth.of_flavor(flavor["extra_specs"]), queues)


def limits_of(nic: Nic, port: CataloguePort | None) -> Bandwidth | None:
    """How much the NIC of a port made beforehand, or of one that is made for the server, may carry."""
    return bandwidth.chosen(bandwidth.of_port(port["qos"]) if port else None, nic.bandwidth)


def faults(limits: Bandwidth | None, network: Network, port: CataloguePort | None, path: str) -> Iterator[Fault]:
    """Why a limit can't be kept; ``path``: where the request names the port or the network."""
    if limits and not vif_of(network["binding"]).is_limited:
        rule = f"is on {vif_of(network['binding']).noun}, where bandwidth can't be limited: leave out qos of the port and quota:vif_* of the flavor"
        yield Fault(path, port["name"] if port else network["name"], rule, ERROR_CLASS)
