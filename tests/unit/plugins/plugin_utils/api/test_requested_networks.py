"""Networks, ports and addresses that requests name."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.schema.catalogue import NORMAL, VNIC_TYPES
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked, check, fleet_of, rules

PORT = "11111111-1111-4111-8111-1111111111ab"


WITH_PORT = {**CATALOGUE, "ports": {"kept": {"id": PORT, "network": "lan", "fixed_ips": [{"ip_address": "192.0.2.77"}]}}}


@pytest.mark.parametrize(
    ("networks", "fault"),
    [
        ([{"name": "lan", "fixed_ip": "192.0.2.9"}, {"name": "lan", "fixed_ip": "192.0.2.9"}], ("servers[0].networks[1].fixed_ip", "FixedIpAlreadyInUse")),
        ([{"port": PORT}, {"port": PORT.upper()}], ("servers[0].networks[1].port", "HTTPBadRequest")),
        ([{"name": "lan", "fixed_ip": "192.0.2.77"}], ("servers[0].networks[0].fixed_ip", "FixedIpAlreadyInUse")),
    ],
)
def test_an_address_or_a_port_is_given_once(networks: list[dict[str, str]], fault: tuple[str, str]) -> None:
    assert rules(check(asked(networks=networks), catalogue=WITH_PORT)) == [fault]


LAN = CATALOGUE["networks"]["lan"]
ID = "22222222-2222-4222-8222-2222222222ab"


def there(**port: t.Any) -> dict[str, t.Any]:
    """A fleet with a server that has 192.0.2.77 on the bridge of the network lan."""
    own = make.port(**{"network_id": "n", "binding": make.bridge("br0"), "fixed_ips": [make.fixed_ip(ip_address="192.0.2.77")], **port})
    return fleet_of(make.fleet_record(make.instance("old", project_id="p", ports=[own])))


def asked_in(networks: dict[str, t.Any], name: str, fleet: dict[str, t.Any]) -> list[tuple[str, str]]:
    return rules(check(asked(networks=[{"name": name, "fixed_ip": "192.0.2.77"}]), catalogue={**CATALOGUE, "networks": networks}, fleet=fleet))


USED = [("servers[0].networks[0].fixed_ip", "FixedIpAlreadyInUse")]


def test_an_address_is_in_use_whatever_its_network_is_called_now() -> None:
    assert asked_in({"renamed": LAN}, "renamed", there()) == USED
    assert asked_in({"lan": {**LAN, "bridge": "br9"}}, "lan", there()) == []
    # The id of the network tells it too, however it is spelled.
    moved = {"lan": {**LAN, "bridge": "br9", "id": f"urn:uuid:{ID.upper()}"}}
    assert asked_in(moved, "lan", there(network_id=ID)) == USED


def test_an_address_is_in_use_on_a_libvirt_network_of_the_same_bridge() -> None:
    fleet = there()
    fleet["hosts"]["h1"]["state"]["networks"] = {"bridges": [], "libvirt": [{"name": "over", "bridge": "br0", "active": True}]}
    networks = {"over": {"libvirt_network": "over", "subnets": LAN["subnets"]}}
    assert asked_in(networks, "over", fleet) == USED
    assert asked_in(networks, "over", there()) == []


def test_two_networks_on_one_bridge_give_an_address_once_in_a_run() -> None:
    wanted = [asked(name=name, networks=[{"name": network, "fixed_ip": "192.0.2.77"}]) for name, network in (("a", "lan"), ("b", "again"))]
    found = check(*wanted, catalogue={**CATALOGUE, "networks": {"lan": LAN, "again": LAN}})
    assert rules(found) == [("servers[1].networks[0].fixed_ip", "FixedIpAlreadyInUse")]


def test_the_address_of_a_port_is_kept_on_the_whole_bridge() -> None:
    both = {**WITH_PORT, "networks": {"lan": LAN, "again": LAN}}
    assert rules(check(asked(networks=[{"name": "again", "fixed_ip": "192.0.2.77"}]), catalogue=both)) == USED
    kept = check(asked(), catalogue=WITH_PORT)["kept_ports"]
    assert [(port["binding"], port["ip_addresses"]) for port in kept] == [(make.bridge("br0"), ["192.0.2.77"])]


def test_a_port_whose_address_or_mac_address_is_in_use_is_refused() -> None:
    wanted = asked(networks=[{"port": PORT}])
    assert rules(check(wanted, catalogue=WITH_PORT, fleet=there())) == [("servers[0].networks[0].port", "FixedIpAlreadyInUse")]
    with_mac = {**CATALOGUE, "ports": {"kept": {"id": PORT, "network": "lan", "mac_address": "52:54:00:00:00:01"}}}
    there_with_mac = there(mac_address="52:54:00:00:00:01".upper())
    assert rules(check(wanted, catalogue=with_mac, fleet=there_with_mac)) == [("servers[0].networks[0].port", "MacAddressInUse")]
    assert rules(check(wanted, catalogue=with_mac, fleet=there())) == []


def test_an_address_of_a_hypervisor_is_refused() -> None:
    fleet = fleet_of()
    fleet["hosts"]["h1"]["state"]["addresses"] = ["192.0.2.77"]
    assert rules(check(asked(networks=[{"name": "lan", "fixed_ip": "192.0.2.77"}]), fleet=fleet)) == USED
    assert rules(check(asked(networks=[{"port": PORT}]), catalogue=WITH_PORT, fleet=fleet)) == [("servers[0].networks[0].port", "FixedIpAlreadyInUse")]


def said(catalogue: dict[str, t.Any], *requests: dict[str, t.Any], **options: t.Any) -> list[tuple[str, str, int, str]]:
    errors = check(*requests, catalogue={**CATALOGUE, **catalogue}, **options)["errors"]
    return [(error["path"], error["error_class"], error["http_status"], error["rule"]) for error in errors]


def test_a_port_of_another_server_is_in_use() -> None:
    taken = fleet_of(make.fleet_record(make.instance("old", project_id="p", ports=[make.port(id=PORT, network_id="n", preexisting=True)])))
    in_use = ("servers[0].networks[0].port", "PortInUse", 409, "is in use by server old")
    assert said({"ports": WITH_PORT["ports"]}, asked(networks=[{"port": "kept"}]), fleet=taken) == [in_use]
    wanted = [asked(name=name, networks=[{"port": "kept"}]) for name in ("a", "b")]
    assert said({"ports": WITH_PORT["ports"]}, *wanted) == [("servers[1].networks[0].port", "PortInUse", 409, "is in use by server a")]


def test_a_port_on_a_network_without_a_subnet_has_no_fixed_ip() -> None:
    rule = "has no fixed IP: its network bare has no subnet"
    expected = ("servers[0].networks[0].port", "PortRequiresFixedIP", 400, rule)
    assert said({"ports": {"idle": {"network": "bare"}}}, asked(networks=[{"port": "idle"}])) == [expected]
    assert rules(check(asked(networks=[{"name": "bare"}]))) == [("servers[0].networks[0].name", "NetworkRequiresSubnet")]


@pytest.mark.parametrize("kind", [kind for kind in VNIC_TYPES if kind != NORMAL])
def test_a_port_of_another_vnic_type_is_refused_by_name_where_it_is_asked_for(kind: str) -> None:
    special = {"ports": {"special": {"network": "lan", "binding:vnic_type": kind}}}
    [(path, error_class, status, rule)] = said(special, asked(networks=[{"port": "special"}]))
    assert (path, error_class, status) == ("servers[0].networks[0].port", "UnsupportedHardware", 400)
    assert rule.startswith(f"has binding:vnic_type {kind}, ") and rule.endswith("which can't be built: only normal can")
    # A catalogue may name it: other servers are none of its business.
    assert said(special, asked()) == []


def test_a_port_with_a_binding_profile_is_refused_without_its_values() -> None:
    ports = {"special": {"network": "lan", "binding:vnic_type": "normal", "binding:profile": {"pci_slot": "0000:81:00.1", "trusted": True}}}
    [(path, error_class, _status, rule)] = said({"ports": ports}, asked(networks=[{"port": "special"}]))
    assert (path, error_class) == ("servers[0].networks[0].port", "UnsupportedHardware")
    assert rule == "has a binding:profile (pci_slot, trusted), which stands for a device of one host: no port can have one here"
    assert said({"ports": {"special": {"network": "lan", "binding:profile": {}}}}, asked(networks=[{"port": "special"}])) == []


def test_an_unknown_vnic_type_is_the_catalogue_s_fault() -> None:
    [(path, error_class, _status, rule)] = said({"ports": {"special": {"network": "lan", "binding:vnic_type": "dircet"}}}, asked())
    assert (path, error_class) == ("compute_ports.special.binding:vnic_type", "InvalidCatalogue") and "did you mean direct?" in rule


def test_an_address_that_guests_make_can_not_be_asked_for() -> None:
    networks = {"lan": {**LAN, "subnets": [*LAN["subnets"], {"cidr": "2001:db8::/64", "ipv6_address_mode": "slaac"}]}}
    rule = "must not be given: addresses of 2001:db8::/64 follow from MAC addresses (slaac)"
    asked_for = asked(networks=[{"name": "lan", "fixed_ip": "2001:db8::5"}])
    assert said({"networks": networks}, asked_for) == [("servers[0].networks[0].fixed_ip", "InvalidInput", 400, rule)]
    kept = {"ports": {"kept": {"network": "lan", "fixed_ips": [{"ip_address": "2001:db8::5"}]}}, "networks": networks}
    assert said(kept, asked()) == [("compute_ports.kept.fixed_ips[0].ip_address", "InvalidCatalogue", 400, rule)]
    assert said({"networks": networks}, asked(networks=[{"name": "lan", "fixed_ip": "192.0.2.5"}])) == []


@pytest.mark.parametrize(
    ("subnet", "faults"),
    [
        ({"cidr": "2001:db8::/64", "ipv6_address_mode": "slaac", "dhcp": True}, []),
        ({"cidr": "2001:db8::/48", "ipv6_address_mode": "dhcpv6-stateful", "allocation_pools": [{"start": "2001:db8::1", "end": "2001:db8::2"}]}, []),
        (
            {"cidr": "2001:db8::/48", "ipv6_address_mode": "dhcpv6-stateless"},
            [("ipv6_address_mode", "needs a /64, of which guests make addresses: 2001:db8::/48 is none")],
        ),
        ({"cidr": "192.0.2.0/24", "ipv6_address_mode": "dhcpv6-stateful"}, [("ipv6_address_mode", "must not be given: 192.0.2.0/24 is IPv4")]),
        (
            {"cidr": "2001:db8::/64", "ipv6_address_mode": "slaac", "allocation_pools": [{"start": "2001:db8::1", "end": "2001:db8::2"}]},
            [("allocation_pools", "must not be given: with ipv6_address_mode slaac addresses follow from MAC addresses")],
        ),
        ({"cidr": "192.0.2.0/24", "dhcp": True, "dhcp_server": True}, []),
        ({"cidr": "2001:db8::/64", "ipv6_address_mode": "slaac", "dhcp_server": True}, []),
        ({"cidr": "192.0.2.0/24", "dhcp_server": True}, [("dhcp_server", "must not be given without dhcp: true")]),
        ({"cidr": "2001:db8::/64", "dhcp": True, "dhcp_server": True}, [("dhcp_server", "must not be given without ipv6_address_mode")]),
        (
            {"cidr": "2001:db8::/48", "ipv6_address_mode": "dhcpv6-stateful", "dhcp_server": True},
            [("dhcp_server", "needs a /64: 2001:db8::/48 is none")],
        ),
    ],
)
def test_a_mode_fits_its_subnet(subnet: dict[str, t.Any], faults: list[tuple[str, str]]) -> None:
    found = said({"networks": {"lan": LAN, "six": {"bridge": "br1", "subnets": [subnet]}}}, asked())
    assert [(path, rule) for path, _class, _status, rule in found] == [(f"compute_networks.six.subnets[0].{path}", rule) for path, rule in faults]


def test_one_network_may_be_asked_for_more_than_once() -> None:
    assert rules(check(asked(networks=[{"name": "lan"}, {"name": "lan", "tag": "second"}]))) == []


def test_a_network_is_named_if_there_is_more_than_one() -> None:
    for networks in ("auto", []):
        [(path, error_class, status, rule)] = said({}, asked(networks=networks))
        assert (path, error_class, status) == ("servers[0].networks", "NetworkAmbiguous", 409) and rule == "2 networks are possible, name one of: bare, lan"


def test_the_one_network_that_there_is_has_a_subnet_as_one_that_is_named() -> None:
    only = {"networks": {"bare": CATALOGUE["networks"]["bare"]}}
    assert said(only, asked(networks="auto")) == [("servers[0].networks", "NetworkRequiresSubnet", 400, "network bare has no subnet")]


WITHOUT_FILTERS = {
    "openvswitch": ({"openvswitch": "br-ovs", "vlan": 5}, "an Open vSwitch bridge"),
    "macvtap": ({"macvtap": "eth1"}, "a device shared by macvtap"),
}


def test_a_port_with_port_security_without_privileges_is_refused() -> None:
    network = {"user": "passt", "subnets": [{"cidr": "192.0.2.0/24", "gateway_ip": "192.0.2.1"}]}
    rule = "is on a network without privileges, which can't enforce port security; port_security_enabled: false leaves its ports open"
    assert said({"networks": {"lan": network}}, asked()) == [("servers[0].networks[0].name", "SecurityGroupCannotBeApplied", 400, rule)]
    assert said({"networks": {"lan": {**network, "port_security_enabled": False}}}, asked()) == []


@pytest.mark.parametrize("kind", sorted(WITHOUT_FILTERS))
def test_a_port_with_port_security_on_what_libvirt_does_not_filter_is_refused(kind: str) -> None:
    binding, noun = WITHOUT_FILTERS[kind]
    network = {**binding, "subnets": LAN["subnets"]}
    of_port = {"port": PORT}
    ports = {"kept": {"id": PORT, "network": "lan", "port_security_enabled": True}}
    rule = f"is on {noun}, which can't enforce port security; port_security_enabled: false leaves its ports open"
    refused = "SecurityGroupCannotBeApplied"
    assert said({"networks": {"lan": network}}, asked()) == [("servers[0].networks[0].name", refused, 400, rule)]
    assert said({"networks": {"lan": network}}, asked(networks=[])) == [("servers[0].networks", refused, 400, rule)]
    open_network = {**network, "port_security_enabled": False}
    assert said({"networks": {"lan": open_network}, "ports": ports}, asked(networks=[of_port])) == [("servers[0].networks[0].port", refused, 400, rule)]
    made = check(asked(), catalogue={**CATALOGUE, "networks": {"lan": open_network}})
    assert made["errors"] == [] and made["request_specs"][0]["networks"][0]["binding"] == {
        "type": kind,
        "name": binding[kind],
        **({"vlan": 5} if kind == "openvswitch" else {}),
    }


def test_an_address_is_unique_in_a_vlan_of_open_vswitch_bridges() -> None:
    def of(vlan: int | None) -> dict[str, t.Any]:
        return {"vlans": {"openvswitch": "br-ovs", "vlan": vlan, "port_security_enabled": False, "subnets": LAN["subnets"]}}

    five = there(binding=make.openvswitch(vlan=5))
    assert asked_in(of(5), "vlans", five) == USED
    assert asked_in(of(6), "vlans", five) == asked_in(of(None), "vlans", five) == []
    assert asked_in(of(None), "vlans", there(binding=make.openvswitch())) == USED


PARTS = [{"name": "five", "default": False, "vlan": 5}, {"name": "usual", "default": True, "vlan": 7}]
OVER: dict[str, t.Any] = {"name": "over", "bridge": "br-ovs", "active": True, "kind": "openvswitch", "vlan": 9, "portgroups": PARTS}


@pytest.mark.parametrize(
    ("portgroup", "changes", "vlan"),
    [
        ("five", {}, 5),
        (None, {}, 7),
        (None, {"portgroups": []}, 9),
        ("five", {"portgroups": [{"name": "five", "default": False, "vlan": None}]}, 9),
    ],
)
def test_a_libvirt_network_on_open_vswitch_is_the_vlan_of_its_part(portgroup: str | None, changes: dict[str, t.Any], vlan: int) -> None:
    networks = {"over": {"libvirt_network": "over", "portgroup": portgroup, "port_security_enabled": False, "subnets": LAN["subnets"]}}
    for tag, expected in ((vlan, USED), (vlan + 1, [])):
        fleet = there(binding=make.openvswitch(vlan=tag))
        fleet["hosts"]["h1"]["state"]["networks"] = {"bridges": [], "libvirt": [{**OVER, **changes}]}
        assert asked_in(networks, "over", fleet) == expected


def test_ports_of_the_catalogue_share_addresses_and_mac_addresses_between_vlans_only() -> None:
    networks = {name: {"openvswitch": "br-ovs", "vlan": vlan, "subnets": LAN["subnets"]} for name, vlan in (("five", 5), ("also", 5), ("six", 6))}

    def faults(*named: str) -> list[str]:
        ports = {name: {"network": name, "mac_address": "52:54:00:00:00:01", "fixed_ips": [{"ip_address": "192.0.2.77"}]} for name in named}
        return [error["rule"] for error in check(asked(networks="none"), catalogue={**CATALOGUE, "networks": networks, "ports": ports})["errors"]]

    assert faults("five", "six") == []
    assert faults("five", "also") == ["is that of port five already, on the same openvswitch br-ovs VLAN 5"] * 2
