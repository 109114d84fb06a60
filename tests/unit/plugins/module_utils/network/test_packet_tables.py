# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What nftables is told of ports and bridges, and what it has by what it lists."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils import commands
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import packet_tables, port_security
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters import tables
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.tables import TARGETS, ZONES, Chain
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Port
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.fake_packet_tables import FakePacketTables

MAC = "fa:16:3e:00:00:05"
BRIDGE, OTHER = "kvb-0123456789a", "kvb-0123456789b"


def port(**changes: t.Any) -> Port:
    ips = [make.fixed_ip(ip_address="192.0.2.5"), make.fixed_ip(ip_address="2001:db8::5", version=6)]
    return make.port(**{"mac_address": MAC, "device": "tap5", "fixed_ips": ips, **changes})


def chain(**changes: t.Any) -> Chain:
    found = tables.port_chain(port(**changes))
    assert found is not None
    return found


def test_a_guest_may_tell_of_its_own_addresses_and_its_pairs() -> None:
    pairs = [{"mac_address": "fa:16:3e:00:00:06", "ip_address": "2001:db8:7::/48"}]
    assert chain(allowed_address_pairs=pairs).rules == (
        "jump discovery",
        "@th,64,128 0x20010db8000000000000000000000005 accept",
        "@th,64,128 & 0xffffffffffff00000000000000000000 == 0x20010db8000700000000000000000000 accept",
        "@th,64,128 0xfe80000000000000f8163efffe000005 accept",
        "@th,64,128 0xfe80000000000000f8163efffe000006 accept",
        "drop",
    )


def test_one_that_may_have_any_address_may_tell_of_any() -> None:
    assert "accept" in chain(allowed_address_pairs=[{"mac_address": MAC, "ip_address": "::/0"}]).rules


def test_who_speaks_no_ipv6_or_is_not_filtered_has_no_chain() -> None:
    assert tables.port_chain(port(fixed_ips=[make.fixed_ip(ip_address="192.0.2.5")])) is None
    assert tables.port_chain(port(port_security_enabled=False)) is None


def test_what_is_no_name_of_a_device_gets_into_no_script() -> None:
    for device in ('tap5" : accept } ; flush ruleset', "tap5\n", "", "a" * 16):
        with pytest.raises(ValueError, match="is no name of a device"):
            tables.port_chain(port(device=device))
        with pytest.raises(ValueError, match="is no name of a device"):
            tables.zone_chains([device], {})


def test_what_is_loaded_is_not_loaded_again() -> None:
    fake = FakePacketTables()
    chains = [chain(), *tables.zone_chains([BRIDGE], {})]
    fake.load(tables.to_add(chains, fake.loaded()))
    assert fake.jumps == {TARGETS: {"tap5": chains[0].name}, ZONES: {BRIDGE: chains[1].name}}
    assert all(tables.is_loaded(item, fake.loaded()) for item in chains)
    assert tables.to_add(chains, fake.loaded()) == ""


def test_a_port_with_other_addresses_has_its_rules_replaced_in_one_go() -> None:
    fake = FakePacketTables()
    before, after = chain(), chain(fixed_ips=[make.fixed_ip(ip_address="2001:db8::6", version=6)])
    fake.load(tables.to_add([before], fake.loaded()))
    fake.load(tables.to_add([after], fake.loaded()))
    assert fake.jumps[TARGETS] == {"tap5": after.name} and before.name not in fake.there[TARGETS]


def test_rules_that_all_ports_have_are_replaced_where_those_of_another_release_are(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakePacketTables()
    first, second = chain(), chain(device="tap6")
    with monkeypatch.context() as patched:
        patched.setitem(tables.RULES, TARGETS, {**tables.RULES[TARGETS], tables.DISCOVERED: ("accept",)})
        fake.load(tables.to_add([first], fake.loaded()))
    assert not tables.is_loaded(first, fake.loaded()) and not tables.is_foreign(TARGETS, fake.loaded())
    fake.load(tables.to_add([second], fake.loaded()))
    assert tables.is_loaded(first, fake.loaded()) and tables.is_loaded(second, fake.loaded())
    assert tuple(fake.there[TARGETS][tables.DISCOVERED]) == tables.RULES[TARGETS][tables.DISCOVERED]
    assert [name for name in fake.there[TARGETS] if name.startswith(tables.MARK)] == [tables.mark(TARGETS)]


def test_one_port_goes_without_the_others_and_the_table_with_the_last() -> None:
    fake = FakePacketTables()
    first, second = chain(), chain(device="tap6")
    fake.load(tables.to_add([first, second], fake.loaded()))
    # Somebody has taken away what led to it.
    del fake.jumps[TARGETS]["tap5"]
    fake.load(tables.to_drop({TARGETS: [first.name, "prerouting"]}, fake.loaded()))
    assert fake.jumps[TARGETS] == {"tap6": second.name} and tables.is_loaded(second, fake.loaded())
    assert tables.to_drop({TARGETS: [first.name], ZONES: []}, fake.loaded()) == ""
    fake.load(tables.to_drop({TARGETS: [second.name]}, fake.loaded()))
    assert fake.there == {}


def test_a_table_of_somebody_elses_is_told_by_its_chains() -> None:
    assert tables.is_foreign(TARGETS, {TARGETS: {"prerouting"}}) and tables.is_foreign(TARGETS, {TARGETS: set()})
    assert not tables.is_foreign(TARGETS, {ZONES: {"prerouting"}})
    assert tables.to_drop({TARGETS: [chain().name]}, {TARGETS: {chain().name}}) == ""


def test_a_zone_stays_what_it_is_while_it_is_loaded() -> None:
    (alone,) = tables.zone_chains([BRIDGE], {})
    number = int(alone.name.split("-")[1])
    assert 0 < number <= tables.HIGHEST_ZONE and alone.rules == (f"ct zone set {number}",)
    assert tables.zone_chains([BRIDGE], {}) == [alone]
    # Another bridge has its number: it takes the next one, and keeps that.
    taken = {ZONES: {f"zone-{number}-{OTHER}"}}
    (moved,) = tables.zone_chains([BRIDGE], taken)
    assert moved.rules == (f"ct zone set {number % tables.HIGHEST_ZONE + 1}",)
    assert tables.zone_chains([BRIDGE], {ZONES: {moved.name}}) == [moved]
    assert len({item.rules for item in tables.zone_chains([BRIDGE, OTHER], taken)}) == 2


def test_chains_are_told_from_one_another_by_their_names() -> None:
    device = "tap78f23081-67"
    assert tables.device_of(TARGETS, chain(device=device).name) == device
    (zone,) = tables.zone_chains([BRIDGE], {})
    assert tables.device_of(ZONES, zone.name) == BRIDGE
    for family, names in tables.RULES.items():
        assert [tables.device_of(family, name) for name in (*names, tables.mark(family))] == [None] * (len(names) + 1)


def test_what_nft_lists_is_read() -> None:
    answers: list[list[dict[str, dict[str, str]]]] = [
        [{"metainfo": {"version": "1.0.6"}}, {"table": {"family": "inet", "name": "kvmfleet"}}, {"table": {"family": "ip", "name": "filter"}}],
        [{"chain": {"family": "bridge", "table": "kvmfleet", "name": "prerouting"}}, {"chain": {"family": "ip", "table": "filter", "name": "INPUT"}}],
    ]
    assert packet_tables.of_listing("\n".join(json.dumps({"nftables": answer}) for answer in answers)) == {"inet": set(), "bridge": {"prerouting"}}


def test_an_answer_that_can_not_be_read_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "run", lambda _argv: "Error: JSON support not compiled-in")
    with pytest.raises(ServerError, match="can't be read: JSONDecodeError"):
        packet_tables.loaded()


def test_what_nft_finds_wrong_is_told_and_not_where_it_points(tmp_path: pathlib.Path) -> None:
    tool = tmp_path / "nft"
    tool.write_text("#!/bin/sh\necho '/dev/stdin:1:1-3: Error: No such file or directory' >&2\necho 'add x' >&2\necho '^^^' >&2\nexit 1\n")
    tool.chmod(0o755)
    with pytest.raises(ServerError, match=r"Error: No such file or directory$"):
        commands.run([str(tool)])


@pytest.mark.parametrize("tool", ["nft", "ipset"])
def test_a_host_without_a_tool_enforces_no_port_security(monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    monkeypatch.setattr(port_security.bridge_netfilter, "unfiltered", lambda: None)
    monkeypatch.setattr(commands, "installed", lambda name: None if name == tool else name)
    assert port_security.unfiltered() == f"port security can't be enforced on the host: the tool {tool} is not installed"
    monkeypatch.setattr(commands, "installed", lambda name: name)
    assert port_security.unfiltered() is None
