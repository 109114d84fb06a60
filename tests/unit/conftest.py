"""Property tests find the same examples in every run, so that a red run is red again; no example has a deadline on a busy machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

PROFILE = "project"
settings.register_profile(PROFILE, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(PROFILE)
