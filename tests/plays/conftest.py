"""Property tests as in the unit tests."""

from __future__ import annotations

from ansible_collections.kvmfleet.compute.tests.unit import conftest as unit_tests  # noqa: F401 (it loads the profile)
