"""Host names and names of domains."""

from __future__ import annotations

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import names


@pytest.mark.parametrize(("name", "host"), [("My Server", "my-server"), ("web_1.example.org", "web-1-example-org"), ("云", ""), ("Café", "café"), ("-x-", "x")])
def test_host_names(name: str, host: str) -> None:
    assert names.sanitize_hostname(name) == host


def test_domain_names_are_safe() -> None:
    assert names.domain_name("Café/../x", "12345678-aaaa") == "Caf--..-x-12345678"
