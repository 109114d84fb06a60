# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's tables of nftables, by the tool ``nft``: what libvirt's network filters can't say."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.tables import TABLE


class _Table(t.TypedDict):
    family: str
    name: str


class _Chain(t.TypedDict):
    family: str
    table: str
    name: str


class _Object(t.TypedDict, total=False):
    """What is read of an object of ``nft -j``."""

    table: _Table
    chain: _Chain


class _Listing(t.TypedDict):
    nftables: t.List[_Object]


class PacketTablesLike(t.Protocol):
    """The tables of nftables on a host."""

    def missing(self) -> t.Optional[str]:
        """What the host lacks for them, as half a sentence; None if it has all."""

    def loaded(self) -> t.Dict[str, t.Set[str]]:
        """The names of the chains of tables that have our name, by family; ServerError if that can't be told."""

    def load(self, script: str) -> None:
        """Run a script of nftables, all of it or nothing; ServerError if it is refused."""


def missing() -> t.Optional[str]:
    """What the host lacks for them, as half a sentence; None if it has all."""
    return None if commands.installed("nft") else "port security can't be enforced on the host: the tool nft is not installed"


def of_listing(text: str) -> t.Dict[str, t.Set[str]]:
    """What ``nft -j`` lists of tables and chains, an answer a line; ValueError, KeyError or TypeError if that can't be read."""
    found: t.Dict[str, t.Set[str]] = {}
    for line in text.splitlines():
        listing: _Listing = json.loads(line)
        for item in listing["nftables"]:
            if "table" in item and item["table"]["name"] == TABLE:
                found.setdefault(item["table"]["family"], set())
            if "chain" in item and item["chain"]["table"] == TABLE:
                found.setdefault(item["chain"]["family"], set()).add(item["chain"]["name"])
    return found


def loaded() -> t.Dict[str, t.Set[str]]:
    """The names of the chains of tables that have our name, by family; ServerError if that can't be told."""
    text = commands.run([commands.administrators("nft"), "-j", "list tables; list chains"])
    try:
        return of_listing(text)
    except (ValueError, KeyError, TypeError) as error:
        raise ServerError("PortBindingFailed", f"what `nft -j list chains` says can't be read: {type(error).__name__}: {error}", reschedule=True) from error


def load(script: str) -> None:
    """Run a script of nftables, all of it or nothing; ServerError if it is refused."""
    commands.run([commands.administrators("nft"), "-f", "-"], stdin=script)
