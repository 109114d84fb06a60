"""Networks, ports and addresses that requests name."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.tests.unit.plugins.plugin_utils.api.stage import CATALOGUE, asked, check, rules

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
