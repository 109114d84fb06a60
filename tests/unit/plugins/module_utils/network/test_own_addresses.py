# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's own addresses, as procfs tells them."""

from __future__ import annotations

import ipaddress

from ansible_collections.kvmfleet.compute.plugins.module_utils.network import own_addresses

FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 192.0.2.0/24 2 0 2
        +-- 192.0.2.0/28 2 0 2
           |-- 192.0.2.0
              /24 link UNICAST
           |-- 192.0.2.7
              /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
Local:
     |-- 127.0.0.0
        /8 host LOCAL
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.0.2.7
        /32 host LOCAL
"""
IF_INET6 = """00000000000000000000000000000001 01 80 10 80       lo
20010db8000000000000000000000007 02 40 00 80     eth0
fe80000000000000021122fffe334455 02 40 20 80     eth0
"""


def test_local_addresses_of_both_versions_are_found() -> None:
    assert own_addresses.of_fib_trie(FIB_TRIE) == {"127.0.0.1", "192.0.2.7"}
    assert own_addresses.of_if_inet6(IF_INET6) == {"::1", "2001:db8::7", "fe80::211:22ff:fe33:4455"}


def test_what_every_host_has_is_left_out_and_no_procfs_is_no_error(monkeypatch, tmp_path) -> None:
    for name, text in (("FIB_TRIE", FIB_TRIE), ("IF_INET6", IF_INET6)):
        path = tmp_path / name
        path.write_text(text)
        monkeypatch.setattr(own_addresses, name, str(path))
    assert own_addresses.own_addresses() == ["192.0.2.7", "2001:db8::7"]
    monkeypatch.setattr(own_addresses, "IF_INET6", str(tmp_path / "none"))
    assert own_addresses.own_addresses() == ["192.0.2.7"]


def test_this_machine_s_own_are_addresses() -> None:
    assert all(ipaddress.ip_address(address) for address in own_addresses.own_addresses())
