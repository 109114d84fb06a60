# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ovs-vsctl says of bridges and ports; the text is that of version 3.1."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.network.switch_tables import parse_switch

BRIDGES = (
    '{"data":[["br-ovs",["set",[["uuid","p-gone"],["uuid","p-own"],["uuid","p-tap"],["uuid","p-bond"]]]],'
    '["br-bare",["uuid","p-bare"]]],"headings":["name","ports"]}'
)
PORTS = (
    '{"data":[[["uuid","p-gone"],7,["uuid","i-gone"]],[["uuid","p-tap"],0,["uuid","i-tap"]],[["uuid","p-own"],["set",[]],["uuid","i-own"]],'
    '[["uuid","p-bond"],["set",[]],["set",[["uuid","i-0"],["uuid","i-1"]]]],[["uuid","p-bare"],["set",[]],["uuid","i-bare"]]],'
    '"headings":["_uuid","tag","interfaces"]}'
)
INTERFACES = (
    '{"data":[[["uuid","i-tap"],"tap0","",["map",[["attached-mac","fa:16:3e:00:00:01"],["iface-id","abc"],["vm-id","def"]]],["set",[]]],'
    '[["uuid","i-own"],"br-ovs","internal",["map",[]],["set",[]]],[["uuid","i-bare"],"br-bare","internal",["map",[]],["set",[]]],'
    '[["uuid","i-0"],"eth0","",["map",[]],["set",[]]],[["uuid","i-1"],"eth1","",["map",[]],["set",[]]],'
    '[["uuid","i-gone"],"gone","",["map",[]],"could not open network device gone (No such device)"]],"headings":["_uuid","name","type","external_ids","error"]}'
)


def test_bridges_and_the_devices_on_them_are_read() -> None:
    switch = parse_switch(f"{BRIDGES}\n{PORTS}\n{INTERFACES}\n")
    assert switch.bridges == ["br-bare", "br-ovs"]
    nothing = {"bridge": "br-ovs", "vlan": None, "interface_id": None, "domain_id": None, "error": None}
    assert switch.ports == {
        "tap0": {**nothing, "vlan": 0, "interface_id": "abc", "domain_id": "def"},
        "eth0": nothing,
        "eth1": nothing,
        "gone": {**nothing, "vlan": 7, "error": "could not open network device gone (No such device)"},
    }


def test_a_switch_without_a_bridge_has_none() -> None:
    assert parse_switch("\n".join(f'{{"data":[],"headings":{text[text.index("headings") + 10 : -1]}}}' for text in (BRIDGES, PORTS, INTERFACES))) == ([], {})


@pytest.mark.parametrize(
    "text", ["", "ovs", f"{BRIDGES}\n{PORTS}", f"{BRIDGES}\n{PORTS}\n[]", f"{BRIDGES}\n{INTERFACES}\n{PORTS}", f"{BRIDGES}\n1\n{INTERFACES}"]
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="what ovs-vsctl says can't be read"):
        parse_switch(text)
