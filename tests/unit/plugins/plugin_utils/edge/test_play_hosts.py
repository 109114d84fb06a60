# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of hosts are templated where there is a template, and only there."""

from __future__ import annotations

import typing as t
from collections.abc import Iterator, Mapping

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.addresses import AddressBook
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.allocation.place import place
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.play_hosts import needs_templating, play_hosts
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.fleet.fleet import HOST_VARIABLES, read_fleet
from ansible_collections.kvmfleet.compute.tests.unit import make


class HostVars(Mapping[str, t.Any]):
    """As Ansible's: raw_get reads, an item is templated."""

    def __init__(self, hosts: dict[str, dict[str, t.Any]]) -> None:
        self._hosts = hosts
        self.looks = 0

    def raw_get(self, host: str) -> dict[str, t.Any]:
        self.looks += 1
        return self._hosts[host]

    def __getitem__(self, host: str) -> dict[str, t.Any]:
        return {name: ("templated", name) for name in self._hosts[host]}

    def __iter__(self) -> Iterator[str]:
        return iter(self._hosts)

    def __len__(self) -> int:
        return len(self._hosts)


class Vaulted:
    """Stands for a text that Ansible decrypts when it is read."""


# What stands in an inventory, and what came from a host, as each ansible-core marks them.
try:
    from ansible.template import trust_as_template as authored

    def answered(text: str) -> str:
        return text

except ImportError:
    from ansible.utils.unsafe_proxy import wrap_var as answered

    def authored(text: str) -> str:
        return text


TEMPLATE = authored("{{ other }}")
WITH_HEADER = authored("#jinja2: lstrip_blocks: True\nx")
GUESTS = answered("{{ a guest's own text }}")


@pytest.mark.parametrize("value", [TEMPLATE, [TEMPLATE], {"a": {"b": [1, TEMPLATE]}}, Vaulted(), [Vaulted()], WITH_HEADER])
def test_what_ansible_must_make_a_value_of(value: object) -> None:
    assert needs_templating(value)


@pytest.mark.parametrize("value", [None, True, 1, 1.5, "plain", authored("plain"), GUESTS, {"a": [answered("{% b %}"), None]}])
def test_what_is_a_value_already(value: object) -> None:
    assert not needs_templating(value)


def test_a_host_is_looked_at_once_and_templated_where_it_must_be() -> None:
    hostvars = HostVars({"h1": {"facts": {"a": 1}, "zone": TEMPLATE, "other": "x"}})
    hosts = play_hosts({"hostvars": hostvars, "ansible_play_hosts_all": ["h1"]}, ("facts", "zone", "absent"))
    variables = hosts["h1"]
    assert variables.get("facts") == {"a": 1}
    assert variables.get("zone") == ("templated", "zone")
    assert variables.get("absent") is None
    assert variables.get("other") is None, "only what was named is kept"
    assert hostvars.looks == 1


def test_zones_of_the_fleet_reach_the_placed_instances() -> None:
    facts = {"failed": False, "host": {"vcpus": 1, "memory_mb": 1, "disk_gb": 1}}
    hostvars = HostVars({name: {"info": facts, **more} for name, more in (("h1", {"compute_availability_zone": "a"}), ("h2", {}))})
    hosts = play_hosts({"hostvars": hostvars, "ansible_play_hosts_all": ["h1", "h2"]}, ("info", *HOST_VARIABLES))
    fleet = read_fleet(hosts, "info")
    assert fleet["aggregates"] == [{"name": zone, "hosts": [host], "metadata": {"availability_zone": zone}} for zone, host in (("a", "h1"), ("nova", "h2"))]
    picks = [{"host": "h1", "node": "h1", "alternates": ["h2"]}]
    spec, request = make.request_spec(id="u", instance_uuids=["u"]), make.build_request(make.instance("u"))
    book = AddressBook([], lambda: 1, lambda: "port")
    placed, unplaced = place([request], [(spec, {"result": "ok", "picks": picks})], fleet, book, lambda _result: ("", {}))
    assert (placed[0]["instance"]["availability_zone"], placed[0]["alternates"], unplaced) == ("a", [{"host": "h2", "node": "h2", "zone": "nova"}], [])
