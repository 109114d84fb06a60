"""Networks, ports and addresses that requests name."""

from __future__ import annotations

import typing as t

import pytest

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
