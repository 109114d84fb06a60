"""Network filters of a host: there before a guest starts, gone with it, and nobody else's."""

from __future__ import annotations

import pathlib
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute.transitions.table import TRANSITIONS
from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import HypervisorError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.bridge_netfilter import unfiltered
from ansible_collections.kvmfleet.compute.plugins.module_utils.network.filters.names import (
    NETS,
    SERVICES,
    group_filter_name,
    group_key,
    port_filter_name,
    rule_set,
    rule_set_name,
)
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import GroupRules, Instance
from ansible_collections.kvmfleet.compute.tests.unit import make
from ansible_collections.kvmfleet.compute.tests.unit.plugins.module_utils.compute.lab import Lab

GROUP: GroupRules = {"id": "g", "name": "web", "rules": [make.rule(protocol="tcp", port_range_min=80, port_range_max=80)]}
FOREIGN = "<filter name='{}' chain='root'><uuid>00000000-0000-4000-8000-000000000000</uuid>{}</filter>"


def in_group(lab: Lab, number: int = 0, **changes: t.Any) -> Instance:
    return lab.web(number, **{"security_groups": [{"id": "g", "name": "web"}], **changes})


def names_of(*servers: Instance, groups: bool = True) -> list[str]:
    of_groups = {group_filter_name("g", server["project_id"], "IPv4") for server in servers if groups}
    return sorted([*of_groups, *(port_filter_name(port["id"]) for server in servers for port in server["ports"])])


def allowed(lab: Lab, server: Instance, direction: str = "ingress") -> set[str]:
    """What sets of the group say of IPv4."""
    of = rule_set(rule_set_name(group_key("g", server["project_id"]), "IPv4", direction))
    assert of is not None
    return {entry for kind in (NETS, SERVICES) for entry in lab.ip_sets.there[of._replace(kind=kind).name]}


def build(lab: Lab, *servers: Instance, rules: t.Sequence[GroupRules] = (GROUP,)) -> list[t.Any]:
    lab.claim(*servers)
    builder = lab.builder()
    builder.groups = {group["id"]: group for group in rules}
    return lab.build(*servers, builder=builder)


def test_a_guest_has_its_filters_before_it_is_there(lab: Lab) -> None:
    server = in_group(lab)
    assert [outcome["outcome"] for outcome in build(lab, server)] == ["built"]
    assert sorted(lab.hypervisor.network_filters) == names_of(server)
    calls = lab.hypervisor.calls
    assert max(number for number, call in enumerate(calls) if call == "define_filter") < calls.index("start_paused")


def test_a_port_without_port_security_has_none(lab: Lab) -> None:
    ports = [{**port, "port_security_enabled": False} for port in lab.web()["ports"]]
    assert build(lab, in_group(lab, ports=ports), rules=())[0]["outcome"] == "built"
    assert not {"filters", "define_filter"} & set(lab.hypervisor.calls)


def test_a_group_of_unknown_rules_fails_the_build_unless_the_host_has_it(lab: Lab) -> None:
    (outcome,) = build(lab, in_group(lab), rules=())
    assert (outcome["outcome"], outcome["error"]["error_class"]) == ("failed", "SecurityGroupNotFound")
    assert lab.left() == []
    build(lab, in_group(lab))
    assert build(lab, in_group(lab, 1), rules=())[0]["outcome"] == "built"


@pytest.mark.parametrize("method", ["define_filter", "start_paused", "live_interfaces"])
def test_a_build_that_fails_leaves_no_filter(lab: Lab, method: str) -> None:
    lab.hypervisor.fail(method, HypervisorError("refused"))
    assert build(lab, in_group(lab))[0]["outcome"] == "failed"
    assert lab.left() == []


def test_the_filter_of_a_group_goes_with_the_last_server_in_it(lab: Lab) -> None:
    one, other = in_group(lab), in_group(lab, 1)
    build(lab, one, other)
    lab.delete(one["uuid"])
    assert sorted(lab.hypervisor.network_filters) == names_of(other)
    lab.delete(other["uuid"])
    assert lab.hypervisor.network_filters == {}


def test_a_server_that_was_stopped_is_started_with_the_rules_of_now(lab: Lab) -> None:
    server = in_group(lab)
    build(lab, server)
    filters = dict(lab.hypervisor.network_filters)
    assert allowed(lab, server) == {"0.0.0.0/1,tcp:80", "128.0.0.0/1,tcp:80"}
    lab.hypervisor.states[server["uuid"]] = "shutdown"
    builder = lab.builder()
    builder.groups = {"g": {**GROUP, "rules": [make.rule(remote=["198.51.100.0/24"])]}}
    lab.build(make.order(server, action="start"), builder=builder)
    assert lab.hypervisor.states[server["uuid"]] == "running"
    assert allowed(lab, server) == {"198.51.100.0/24"} and lab.hypervisor.network_filters == filters


def test_rules_that_sets_cannot_say_stand_in_the_filter(lab: Lab) -> None:
    server = in_group(lab)
    build(lab, server)
    before = dict(lab.hypervisor.network_filters)
    build(lab, in_group(lab, 1), rules=[{**GROUP, "rules": [make.rule(protocol="tcp", port_range_min=1024, port_range_max=65535)]}])
    changed = [name for name, xml in before.items() if lab.hypervisor.network_filters[name] != xml]
    assert changed == [group_filter_name("g", server["project_id"], "IPv4")] and allowed(lab, server) == set()


def test_what_is_allowed_before_and_after_is_allowed_while_a_rule_moves_from_the_sets_into_the_filter(lab: Lab) -> None:
    server = in_group(lab)
    build(lab, server)
    old, while_defining = allowed(lab, server), []
    define = lab.hypervisor.define_filter

    def look(xml: str) -> None:
        while_defining.append(allowed(lab, server))
        define(xml)

    lab.hypervisor.define_filter = look  # type: ignore[method-assign]
    wide = make.rule(protocol="tcp", port_range_min=80, port_range_max=1000)
    build(lab, in_group(lab, 1), rules=[{**GROUP, "rules": [wide, make.rule(remote=["198.51.100.1/32"])]}])
    assert while_defining and all(old | {"198.51.100.1"} == found for found in while_defining)
    assert allowed(lab, server) == {"198.51.100.1"}


def test_what_others_have_made_is_left_alone(lab: Lab) -> None:
    server = in_group(lab)
    build(lab, server)
    group = group_filter_name("g", server["project_id"], "IPv4")
    theirs = {"clean-traffic": FOREIGN.format("clean-traffic", ""), "mine": FOREIGN.format("mine", f"<filterref filter='{group}'/>")}
    lab.hypervisor.network_filters.update(theirs)
    lab.delete(server["uuid"])
    assert sorted(lab.hypervisor.network_filters) == sorted([*theirs, group])


def test_a_filter_of_our_name_that_is_not_ours_is_neither_changed_nor_removed(lab: Lab) -> None:
    server = in_group(lab)
    name = port_filter_name(server["ports"][0]["id"])
    lab.hypervisor.network_filters[name] = FOREIGN.format(name, "")
    (outcome,) = build(lab, server)
    assert (outcome["outcome"], outcome["error"]["error_class"], outcome["error"]["reschedule"]) == ("failed", "PortBindingFailed", True)
    assert lab.hypervisor.network_filters == {name: FOREIGN.format(name, "")}


def test_a_guest_of_somebody_elses_that_uses_a_groups_filter_keeps_it(lab: Lab) -> None:
    server = in_group(lab)
    build(lab, server)
    lab.hypervisor.fail("undefine_filter", HypervisorError("in use"), after=1)
    assert lab.delete(server["uuid"])[0]["outcome"] == "deleted"
    assert list(lab.hypervisor.network_filters) == [group_filter_name("g", server["project_id"], "IPv4")]


def test_a_host_that_lets_all_through_gets_no_port_that_is_to_be_filtered(lab: Lab) -> None:
    lab.unfiltered = "port security can't be enforced on the host"
    server = in_group(lab)
    (outcome,) = build(lab, server)
    assert (outcome["outcome"], outcome["error"]["error_class"], outcome["error"]["reschedule"]) == ("failed", "PortBindingFailed", True)
    assert "start_paused" not in lab.hypervisor.calls
    ports = [{**port, "port_security_enabled": False} for port in server["ports"]]
    assert build(lab, in_group(lab, 1, ports=ports))[0]["outcome"] == "built"


def test_a_switch_that_is_off_once_the_kernel_has_it_fails_the_build_before_the_guest_runs(lab: Lab) -> None:
    server = in_group(lab)
    lab.claim(server)
    builder = lab.builder()
    builder.groups = {"g": GROUP}
    builder.unfiltered = lambda: "off" if "start_paused" in lab.hypervisor.calls else None
    (outcome,) = lab.build(server, builder=builder)
    assert outcome["outcome"] == "failed" and "resume" not in lab.hypervisor.calls
    assert lab.left() == []


def test_the_switches_of_the_kernel_are_read(tmp_path: pathlib.Path) -> None:
    assert unfiltered(str(tmp_path)) is None
    for name in ("bridge-nf-call-iptables", "bridge-nf-call-ip6tables"):
        (tmp_path / name).write_text("1\n")
    assert unfiltered(str(tmp_path)) is None
    (tmp_path / "bridge-nf-call-ip6tables").write_text("0\n")
    assert unfiltered(str(tmp_path)) == "port security can't be enforced on the host: net.bridge.bridge-nf-call-ip6tables must be 1"


def test_filters_go_before_the_definition_that_names_them() -> None:
    steps = [step.__name__ for step in TRANSITIONS["delete"].steps]
    assert steps.index("stop") < steps.index("remove_filters") < steps.index("undefine")
