"""The passwords that are made."""

from __future__ import annotations

import random

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import secrets


def test_passwords_have_every_kind_of_symbol() -> None:
    password = secrets.generate_password(random.Random(1))
    assert len(password) == 12
    assert all(any(symbol in group for symbol in password) for group in secrets.PASSWORD_SYMBOLS)
