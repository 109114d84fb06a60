"""Property tests as in the unit tests."""

from __future__ import annotations

from hypothesis import settings

from ansible_collections.kvmfleet.compute.tests.unit.conftest import PROFILE

settings.load_profile(PROFILE)
