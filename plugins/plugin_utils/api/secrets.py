# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The secrets of a request, and the passwords that are generated for it; pure but for the random source that is passed in."""

from __future__ import annotations

import typing as t

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.body import user_data_of
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.random_source import RandomSource

# nova/utils.py: DEFAULT_PASSWORD_SYMBOLS: no characters that are mistaken for each other.
PASSWORD_SYMBOLS = ("23456789", "ABCDEFGHJKLMNPQRSTUVWXYZ", "abcdefghijkmnopqrstuvwxyz")
PASSWORD_LENGTH = 12


def secrets_of(request: dict[str, t.Any]) -> dict[str, str | None]:
    """{user_data (base64), admin_pass} of a request, each None if it is not given."""
    server = request.get("server") if isinstance(request.get("server"), dict) else request
    password = t.cast("dict[str, t.Any]", server).get("adminPass")
    return {"user_data": user_data_of(t.cast("dict[str, t.Any]", server)), "admin_pass": password if isinstance(password, str) else None}


def generate_password(rng: RandomSource) -> str:
    """A password with at least one symbol of each group (``nova.utils.generate_password``)."""
    symbols = [rng.choice(group) for group in PASSWORD_SYMBOLS]
    symbols += [rng.choice("".join(PASSWORD_SYMBOLS)) for _count in range(PASSWORD_LENGTH - len(symbols))]
    rng.shuffle(symbols)
    return "".join(symbols)
