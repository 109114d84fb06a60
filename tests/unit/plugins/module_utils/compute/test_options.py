"""What the modules of a host are given, typed."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import port_batch
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.arguments import NetworkOptions
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.orders import missing_fields, read_order
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.port_batch import PortBatch, read_servers
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.server_options import ServerOptions, make_builder
from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.server_query import ServerQuery
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError, ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import InstanceReport
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

PLAIN = NetworkOptions({}, None)
DEFAULTS: dict[str, t.Any] = {
    "libvirt_uri": "qemu:///system",
    "libvirt_timeout_s": 60.0,
    "servers": [],
    "state": "active",
    "host_name": None,
    "images": [],
    "secrets": None,
    "origin": None,
    "run": None,
    "grant": None,
    "take_over": False,
    "probe_addresses": False,
    "vif_plugging_timeout_s": 300.0,
    "vif_plugging_is_fatal": True,
    "bridge_mappings": {},
    "tunnel_address": None,
    "blank_missing_disks": [],
    "security_groups": [],
    "virt_type": None,
    "max_concurrent_builds": 10,
    "wait_for": "active",
    "wait_from": "controller",
    "wait_timeout_s": 300.0,
    "on_error": "fail",
    "console_of": [],
    "console_lines": 20,
    "cpu_allocation_ratio": 4.0,
    "ram_allocation_ratio": 1.0,
    "disk_allocation_ratio": 1.0,
    "reserved_host_cpus": 0,
    "reserved_host_memory_mb": 512,
    "reserved_host_disk_mb": 1025,
}


@pytest.fixture(autouse=True)
def _can_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine has."""
    monkeypatch.setattr(port_batch, "unfiltered", lambda: None)


def options(lab: Lab, **changes: t.Any) -> ServerOptions:
    paths = {"instances_path": str(lab.instances), "image_cache_path": str(lab.instances / "cache"), "state_path": str(lab.state)}
    return ServerOptions.of({**DEFAULTS, **paths, **changes})


def test_a_placement_is_taken_as_an_order() -> None:
    placed: t.Any = make.placed(make.web(), action="finish")
    order = read_order(placed)
    assert (order["action"], order["instance"]["uuid"], missing_fields(order)) == ("finish", make.UUID, [])
    assert set(order) == {"version", "instance", "action", "group_hosts", "gone_run"}


@pytest.mark.parametrize("server", [{"uuid": "u"}, {"instance": {"uuid": "u"}}])
def test_a_uuid_alone_is_an_order_for_what_is_there(server: dict[str, t.Any]) -> None:
    order = read_order(server)
    assert (order["instance"]["uuid"], order["instance"]["display_name"], order["action"]) == ("u", None, "build")
    assert "flavor" in missing_fields(order)


@pytest.mark.parametrize("server", [{}, {"uuid": ""}, {"instance": {}}, {"uuid": 7}, {"uuid": "u", "action": "rebuild"}])
def test_what_names_no_server_or_no_known_action_is_refused(server: dict[str, t.Any]) -> None:
    with pytest.raises(ServerError) as caught:
        read_order(server)
    assert caught.value.error_class == "InvalidInput"


def test_the_builder_has_what_the_host_has_and_the_options_say(lab: Lab) -> None:
    builder = make_builder(options(lab, host_name="inventory-name", secrets='{"u": {"user_data": "eA=="}}'), lab.hypervisor, check_mode=False)
    assert (builder.host.name, builder.host.virt_type, builder.host.arch) == ("inventory-name", "qemu", "x86_64")
    assert (builder.host.resources["vcpus"], builder.host.resources["reserved"]["DISK_GB"]) == (4, 2)
    assert builder.secrets("u") == {"user_data": "eA==", "admin_pass": None}
    assert (builder.run["controller"], builder.run["process"], builder.run["lease_s"]) == ("inventory-name", None, 1800)
    assert (lab.state / "secret.key").stat().st_size == 32


@pytest.mark.parametrize("timeout_s", [-1.0, 86401.0, float("nan"), float("inf")])
def test_a_time_to_wait_for_ports_that_is_none_is_refused(lab: Lab, timeout_s: float) -> None:
    with pytest.raises(ServerError, match=r"vif_plugging_timeout_s: .* must not be less than 0 or more than 86400") as caught:
        options(lab, vif_plugging_timeout_s=timeout_s)
    assert caught.value.error_class == "InvalidInput"


def test_check_mode_makes_no_key(lab: Lab) -> None:
    assert make_builder(options(lab), lab.hypervisor, check_mode=True).host.key == b""
    assert not lab.state.exists()


def test_an_image_that_was_only_looked_for_is_not_taken_for_one_that_is_there(lab: Lab) -> None:
    images = [{"id": "a", "path": "/a", "error": None}, {"id": "b", "path": None, "error": None}, {"id": "c", "path": None, "error": {"message": "no"}}]
    assert sorted(make_builder(options(lab, images=images), lab.hypervisor, check_mode=True).host.images) == ["a", "c"]


def query(**changes: t.Any) -> ServerQuery:
    return ServerQuery(**{"ids": [], "names": [], "project": None, "reservation_id": None, "group": None, "tags": [], **changes})


def report(**changes: t.Any) -> InstanceReport:
    record: t.Any = {**make.record(make.web(**changes)), "power_state": "running", "locked": False, "lease_left_s": None, "missing_files": []}
    return t.cast(InstanceReport, record)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, True),
        ({"ids": [make.UUID], "names": ["web"], "project": "p", "tags": ["ci"], "group": "apart"}, True),
        ({"group": "g"}, True),
        ({"ids": ["other"]}, False),
        ({"names": ["other"]}, False),
        ({"project": "q"}, False),
        ({"reservation_id": "r-2"}, False),
        ({"group": "other"}, False),
        ({"tags": ["ci", "other"]}, False),
    ],
)
def test_all_that_is_asked_of_a_server_must_match(asked: dict[str, t.Any], found: bool) -> None:
    server = report(tags=["ci", "db"], group=make.group(id="g", name="apart"))
    assert query(**asked).of_all([server]) == ([server] if found else [])


def test_servers_come_by_name() -> None:
    servers = [report(display_name=name) for name in ("b", "a")]
    assert [server["display_name"] for server in query().of_all(servers)] == ["a", "b"]


def test_the_port_module_starts_a_network_once_and_keeps_each_servers_failure_to_itself(lab: Lab) -> None:
    lab.hypervisor.nets["default"]["active"] = False
    bad = lab.web(2, ports=[make.port(binding=make.libvirt_network("nowhere"))])
    batch = PortBatch(lab.hypervisor, PLAIN, check_mode=False)
    wanted: t.Any = [{"instance": lab.web(0)}, lab.web(1), bad]
    outcomes = batch.realise(read_servers(wanted))
    assert [(item["outcome"], item["changed"]) for item in outcomes] == [("built", True), ("unchanged", False), ("failed", False)]
    assert (outcomes[2]["error"] or {}).get("error_class") == "PortBindingFailed"
    assert outcomes[0]["network_data"]["links"][0]["type"] == "phy"
    assert batch.diff() == {"before": {"active_networks": []}, "after": {"active_networks": ["default"]}}
    assert lab.hypervisor.calls.count("start_network") == 1


def test_the_port_module_changes_nothing_in_check_mode(lab: Lab) -> None:
    lab.hypervisor.nets["default"]["active"] = False
    wanted: t.Any = [lab.web()]
    batch = PortBatch(lab.hypervisor, PLAIN, check_mode=True)
    assert batch.realise(read_servers(wanted))[0]["changed"]
    assert not lab.hypervisor.nets["default"]["active"]


@pytest.mark.parametrize(("lost", "outcome"), [(False, "failed"), (True, "unknown")])
def test_a_network_that_does_not_start_is_that_servers_failure(lab: Lab, lost: bool, outcome: str) -> None:
    lab.hypervisor.nets["default"]["active"] = False
    lab.hypervisor.fail("start_network", HypervisorError("no", lost=lost))
    wanted: t.Any = [lab.web()]
    assert PortBatch(lab.hypervisor, PLAIN, check_mode=False).realise(read_servers(wanted))[0]["outcome"] == outcome
