# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ports of a host that lead to its guests' SSH."""

from __future__ import annotations

import socket
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.ssh_ports import FIRST, LAST, can_be_bound, with_ssh_ports
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Domain
from ansible_collections.kvmfleet.compute.tests.unit import make

NEW = make.port(binding=make.user())


def having(*numbers: int) -> list[Domain]:
    """Domains with records of these ports, and a foreign one."""
    records = [{"ports": [make.port(binding=make.user(ssh_port=number))]} for number in numbers]
    return [t.cast(Domain, {"record": record}) for record in (None, *records)]


def chosen(domains: list[Domain], is_free: t.Callable[[int], bool]) -> int:
    (port,) = with_ssh_ports([NEW], domains, is_free)
    return port["binding"]["ssh_port"]


def test_the_first_that_no_record_has_and_nobody_listens_at() -> None:
    assert chosen([], lambda _number: True) == FIRST
    assert chosen(having(FIRST, FIRST + 2), lambda number: number != FIRST + 1) == FIRST + 3


def test_two_ports_of_a_server_have_one_each_and_others_none() -> None:
    other = make.port()
    first, between, second = with_ssh_ports([NEW, other, NEW], [], lambda _number: True)
    assert [first["binding"].get("ssh_port"), second["binding"].get("ssh_port")] == [FIRST, FIRST + 1]
    assert between is other


def test_nothing_is_tried_where_no_port_is_needed() -> None:
    def is_free(number: int) -> bool:
        raise AssertionError(number)

    assert with_ssh_ports([make.port()], [], is_free) == [make.port()]


def test_a_host_without_a_port_left_is_left_for_another() -> None:
    with pytest.raises(ServerError, match=f"no TCP port from {FIRST} to {LAST} of the host is free") as refused:
        chosen([], lambda _number: False)
    assert refused.value.reschedule


def test_a_port_that_somebody_listens_at_can_not_be_bound() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        assert not can_be_bound(number)
    assert can_be_bound(number)
