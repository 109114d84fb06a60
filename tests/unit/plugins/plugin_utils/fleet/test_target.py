"""zone:host:node, read once and found in the fleet."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet import target
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.shapes import Aggregate

AGGREGATES: list[Aggregate] = [
    {"name": "az1", "hosts": ["h1", "h2"], "metadata": {"availability_zone": "az1"}},
    {"name": "az2", "hosts": ["h3"], "metadata": {"availability_zone": "az2"}},
    {"name": "fast", "hosts": ["h1", "h3"], "metadata": {"disk": "nvme"}},
]
PLACES = target.places(
    [{"name": "h1", "node": "Node1.example"}, {"name": "h2"}, {"name": "h3", "service": {"disabled": True}}],
    AGGREGATES,
)
WITH_A_HOST_IN_NO_ZONE = target.places([{"name": "h1"}, {"name": "h4"}], AGGREGATES)


def found(text: str | None, places: target.Places = PLACES) -> tuple[str | None, str | None, str | None]:
    resolution = target.resolve(text, places)
    assert resolution.faults == []
    return resolution.target["zone"], resolution.target["host"], resolution.target["node"]


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        (None, (None, None, None)),
        ("", (None, None, None)),
        ("az1", ("az1", None, None)),
        ("az1:h1", ("az1", "h1", None)),
        ("az1::n1", ("az1", None, "n1")),
        ("az1:h1:n1", ("az1", "h1", "n1")),
        (":h1", (None, "h1", None)),
        ("::n1", (None, None, "n1")),
        ("az1:", ("az1", None, None)),
    ],
)
def test_a_target_is_read_as_nova_reads_it(text: str | None, parsed: tuple[str | None, str | None, str | None]) -> None:
    assert tuple(target.parse(text).values()) == parsed


def test_more_than_two_colons_are_no_target() -> None:
    with pytest.raises(target.InvalidTarget):
        target.parse("a:b:c:d")
    assert [fault.error_class for fault in target.resolve("a:b:c:d", PLACES).faults] == ["InvalidInput"]


def test_hosts_and_nodes_are_found_in_any_case_and_carried_in_the_fleet_s_own() -> None:
    assert found("az1:H1") == ("az1", "h1", None)
    assert found("az1:H1:node1.EXAMPLE") == ("az1", "h1", "Node1.example")
    assert found("::node1.example") == (None, None, "Node1.example")


def test_a_zone_that_the_forced_host_is_not_in_is_dropped_with_a_warning() -> None:
    resolution = target.resolve("az2:h1", PLACES)
    assert resolution.target == {"zone": None, "host": "h1", "node": None}
    assert resolution.warnings == ["availability zone az2 is ignored: host h1 is in zone az1"]
    assert found("nova:h1") == (None, "h1", None)


def test_a_zone_beside_a_forced_node_alone_is_dropped_as_in_nova() -> None:
    assert found("az1::node1.example") == (None, None, "Node1.example")
    assert found("nova::h4", WITH_A_HOST_IN_NO_ZONE) == ("nova", None, "h4")


def test_the_zone_nova_is_that_of_a_host_in_no_zone() -> None:
    assert found("nova", WITH_A_HOST_IN_NO_ZONE) == ("nova", None, None)
    assert found("nova:h4", WITH_A_HOST_IN_NO_ZONE) == ("nova", "h4", None)
    assert found("az1:h4", WITH_A_HOST_IN_NO_ZONE) == (None, "h4", None)


@pytest.mark.parametrize("zone", ["nova", "az2", "az9", "nova::h1", "az1,az2"])
def test_a_zone_without_an_enabled_host_is_not_available(zone: str) -> None:
    (fault,) = target.resolve(zone, PLACES).faults
    assert (fault.path, fault.error_class, fault.http_status) == ("", "InvalidRequest", 400)
    assert fault.rule.endswith("available: az1")


def test_the_zone_of_nova_s_own_services_is_available() -> None:
    assert found("internal") == ("internal", None, None)


def test_a_forced_host_that_does_not_exist_is_left_to_the_scheduler_and_can_be_told() -> None:
    assert found("nova:h9") == ("nova", "h9", None)
    assert [fault.value for fault in target.unknown({"zone": None, "host": "h9", "node": "n9"}, PLACES)] == ["h9", "n9"]
    assert list(target.unknown({"zone": None, "host": "H2", "node": None}, PLACES)) == []


@pytest.mark.parametrize(
    ("host", "node", "paths"),
    [
        ("H1", "NODE1.example", []),
        ("h9", None, ["host"]),
        (None, "n9", ["hypervisor_hostname"]),
        ("h9", "n9", ["host", "hypervisor_hostname"]),
        ("h2", "node1.example", ["hypervisor_hostname"]),
    ],
)
def test_a_requested_destination_must_exist(host: str | None, node: str | None, paths: list[str]) -> None:
    resolution = target.destination(host, node, PLACES)
    assert [fault.path for fault in resolution.faults] == paths
    assert {fault.error_class for fault in resolution.faults} <= {"ComputeHostNotFound"}
    if not paths:
        assert resolution.target == {"zone": None, "host": "h1", "node": "Node1.example"}
