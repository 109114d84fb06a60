# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may not be on the hosts is seen."""

from __future__ import annotations

import pytest

from .there import There, violations

ONE = There("h1", "11111111-1", "p/one", "races", True, ("fa:16:3e:00:00:01",), ("192.0.2.1", "2001:db8::1"))
TWO = There("h2", "22222222-2", "p/two", "races", True, ("fa:16:3e:00:00:02",), ("192.0.2.2", "2001:db8::2"))


def test_a_fleet_in_order_has_none() -> None:
    assert violations([ONE, TWO], 2, 1) == []


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (TWO._replace(uuid=ONE.uuid), "id 11111111-1: p/one (11111111) on h1, p/two (11111111) on h2"),
        (TWO._replace(name=ONE.name), "name p/one: p/one (11111111) on h1, p/one (22222222) on h2"),
        (TWO._replace(macs=ONE.macs), "MAC fa:16:3e:00:00:01: p/one (11111111) on h1, p/two (22222222) on h2"),
        (TWO._replace(addresses=("192.0.2.2", "2001:db8::1")), "IP 2001:db8::1: p/one (11111111) on h1, p/two (22222222) on h2"),
        (TWO._replace(host="h1"), "group races has 2 members on h1"),
    ],
)
def test_what_is_there_twice_is_named(other: There, said: str) -> None:
    assert violations([ONE, other], 2, 1) == [said]


def test_more_than_the_quota_is_named() -> None:
    assert violations([ONE, TWO], 1, 1) == ["2 servers, and the quota is 1"]
