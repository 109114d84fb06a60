"""A catalogue and a request that passes, for what changes one thing in them."""

from __future__ import annotations

import itertools
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.validate import validate

CATALOGUE: dict[str, t.Any] = {
    "flavors": {"small": {"vcpus": 1, "memory_mb": 512, "root_gb": 10, "ephemeral_gb": 5, "swap": 512}},
    "images": {"debian": {"source": "https://example.org/d.qcow2", "checksum": "sha256:" + "0" * 64, "virtual_size": 2**31}},
    "networks": {"lan": {"bridge": "br0", "subnets": [{"cidr": "192.0.2.0/24"}]}},
}


class Api:
    """The api stage with the catalogue above, changed by keywords."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def request(self, **fields: t.Any) -> dict[str, t.Any]:
        """A request that passes; a field that is ... is left out."""
        whole = {"name": "web", "flavor": "small", "image": "debian", "networks": [{"name": "lan"}], **fields}
        return {key: value for key, value in whole.items() if value is not ...}

    def check(self, *requests: t.Any, catalogue: t.Any = None, fleet: t.Any = None, context: t.Any = None, **options: t.Any) -> dict[str, t.Any]:
        """What validate() says."""
        return validate(
            list(requests),
            {**CATALOGUE, **(catalogue or {})},
            fleet=fleet,
            context={"project_id": "p", "user_id": "u", **(context or {})},
            options=options,
            new_uuid=lambda: f"00000000-0000-4000-8000-{next(self._numbers):012d}",
            new_reservation_id=lambda: "r-00000000",
        )

    def faults(self, *requests: t.Any, **more: t.Any) -> list[tuple[str, str, int]]:
        """[(path below the first server, error class, HTTP status)]."""
        return [(e["path"].removeprefix("servers[0]."), e["error_class"], e["http_status"]) for e in self.check(*requests, **more)["errors"]]


@pytest.fixture(scope="session")
def api() -> Api:
    """The api stage."""
    return Api()
