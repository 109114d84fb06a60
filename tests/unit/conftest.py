"""Property tests find the same examples in every run, so that a red run is red again; no example has a deadline on a busy machine.

With another interpreter or another ansible-core, of which ``ansible-test`` is told and ``tests/tools/second-python`` tells, they find a tenth of them.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

AGAIN = "ansible_forked" in os.environ.get("PYTEST_PLUGINS", "") or "KVMFLEET_AGAIN" in os.environ
PROFILE = "again" if AGAIN else "project"
settings.register_profile("project", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("again", settings.get_profile("project"), max_examples=10)
settings.load_profile(PROFILE)
