from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import policy

ROOT = {"source_type": "blank", "destination_type": "local"}
CATALOGUE = {
    "flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 10}, "diskless": {"vcpus": 1, "memory_mb": 512, "root_gb": 0}},
    "networks": {
        "lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.2.0/24"}]},
        "wan": {"bridge": "br1", "external": True, "subnets": [{"cidr": "198.51.100.0/24"}]},
        "all": {"bridge": "br2", "external": True, "shared": True, "subnets": [{"cidr": "203.0.113.0/24"}]},
    },
}
# what a member may not by default: fields, path, class
ADMINS = [
    ({"availability_zone": "az1:h1"}, "availability_zone", "PolicyNotAuthorized", "create:forced_host"),
    ({"availability_zone": "az1::n1"}, "availability_zone", "PolicyNotAuthorized", "create:forced_host"),
    ({"host": "h1"}, "host", "PolicyNotAuthorized", "create:requested_destination"),
    ({"hypervisor_hostname": "h1"}, "hypervisor_hostname", "PolicyNotAuthorized", "create:requested_destination"),
    ({"flavor": "diskless"}, "flavor", "BootFromVolumeRequiredForZeroDiskFlavor", "create:zero_disk_flavor"),
    ({"networks": [{"name": "wan"}]}, "networks[0].name", "ExternalNetworkAttachForbidden", "network:attach_external_network"),
]
# what can be forbidden besides
MEMBERS = [
    ({}, "servers[0]", "create"),
    ({"trusted_image_certificates": ["a"]}, "trusted_image_certificates", "create:trusted_certs"),
    ({"block_device_mapping": [{"virtual_name": "swap"}]}, "block_device_mapping", "create:attach_volume"),
    ({"block_device_mapping_v2": [ROOT]}, "block_device_mapping_v2", "create:attach_volume"),
    ({"networks": "auto"}, "networks", "create:attach_network"),
]


def asked(api: t.Any, fields: dict[str, t.Any], rules: t.Any, *roles: str) -> list[tuple[str, str, int]]:
    found = api.faults(api.request(**fields), catalogue={**CATALOGUE, "policy": rules}, context={"roles": list(roles)})
    return [fault for fault in found if fault[2] == 403]


@pytest.mark.parametrize(("fields", "path", "error_class", "rule"), ADMINS)
def test_novas_roles_are_the_defaults(api: t.Any, fields: dict, path: str, error_class: str, rule: str) -> None:
    assert asked(api, fields, None) == []
    assert asked(api, fields, {}, "admin") == []
    assert asked(api, fields, {}, "member") == [(path, error_class, 403)]
    assert asked(api, fields, {rule: ["operator"]}, "member", "Operator") == []
    result = api.check(api.request(**fields), catalogue={**CATALOGUE, "policy": {}}, context={"roles": ["member", "x"]})
    assert f"policy {rule} needs the role admin; user u has member, x" in str(result["errors"])


@pytest.mark.parametrize(("fields", "path", "rule"), MEMBERS)
def test_a_rule_may_be_for_nobody_or_anybody(api: t.Any, fields: dict, path: str, rule: str) -> None:
    assert asked(api, fields, {}, "member") == []
    assert (path, "PolicyNotAuthorized", 403) in asked(api, fields, {rule: []}, "member", "admin")
    assert asked(api, fields, {rule: ["@"], "create": ["@"], "create:attach_network": ["@"]}) == []


def test_no_role_is_no_member(api: t.Any) -> None:
    assert asked(api, {"networks": "none"}, {}) == [("servers[0]", "PolicyNotAuthorized", 403)]


def test_a_shared_network_and_an_ordinary_zone_need_no_admin(api: t.Any) -> None:
    assert asked(api, {"networks": [{"name": "all"}], "availability_zone": "az1"}, {}, "member") == []


@pytest.mark.parametrize("prefix", ["", "os_compute_api:servers:", "compute:servers:"])
def test_names_with_and_without_novas_prefix(prefix: str) -> None:
    given_rules = {f"{prefix}create:forced_host": ["a"]}
    assert list(policy.faults(given_rules)) == []
    assert policy.rules(given_rules) == {**policy.DEFAULTS, "create:forced_host": ["a"]}


@pytest.mark.parametrize(
    ("rules", "path", "words"),
    [
        ({"create:forced_hosts": []}, "compute_policy.create:forced_hosts", "did you mean create:forced_host?"),
        ({"os_compute_api:servers:delete": []}, "compute_policy.os_compute_api:servers:delete", "known: create"),
        ({"create": "admin"}, "compute_policy.create", "must be a list"),
        ({"create": None}, "compute_policy.create", "must be a list of roles; [] is nobody"),
        ({"create": [1]}, "compute_policy.create[0]", "must be text"),
        ({"create": [""]}, "compute_policy.create[0]", "must not be empty"),
        ({"create": [], "os_compute_api:servers:create": []}, "compute_policy.os_compute_api:servers:create", "is given twice"),
        (["create"], "compute_policy", "must be a mapping"),
    ],
)
def test_a_faulty_policy_is_a_fault_of_the_catalogue(api: t.Any, rules: t.Any, path: str, words: str) -> None:
    errors = api.check(api.request(), catalogue={"policy": rules})["errors"]
    assert (errors[0]["path"], errors[0]["error_class"]) == (path, "InvalidCatalogue")
    assert words in errors[0]["rule"]


ANYTHING = st.recursive(st.none() | st.integers() | st.text(max_size=9), lambda inner: st.lists(inner, max_size=3), max_leaves=4)


@given(ANYTHING | st.dictionaries(st.sampled_from([*policy.DEFAULTS, "", "x"]) | st.text(max_size=5), ANYTHING, max_size=3))
def test_no_policy_gives_a_traceback(rules: t.Any) -> None:
    faults = list(policy.faults(rules))
    assert (policy.rules(rules) is None) == (rules is None or bool(faults))
