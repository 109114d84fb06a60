# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets belong to a server by its id; a list of requests that is another one gives nobody anything."""

from __future__ import annotations

import random
import typing as t

import pytest

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api import secrets
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.api.secrets import WrongRequest, secrets_by_server
from ansible_collections.kvmfleet.compute.tests.unit import make

WEB: dict[str, t.Any] = {"name": "web", "user_data": "d2Vi", "min_count": 2}
DB: dict[str, t.Any] = {"name": "db", "adminPass": "swordfish"}


def made(name: str, request_index: int, launch_index: int = 0, **given: t.Any) -> t.Any:
    instance = make.instance(f"uuid-{name}", display_name=name, launch_index=launch_index)
    return make.build_request(instance, request_index=request_index, secrets_given={"user_data": False, "admin_pass": None, **given})


BUILT = [made("web-1", 0, user_data=True), made("web-2", 0, 1, user_data=True), made("db", 1, admin_pass="given"), made("plain", 2)]
REQUESTS = [WEB, DB, {"name": "plain"}]


def test_each_server_gets_the_secrets_of_its_request() -> None:
    web = {"user_data": "d2Vi", "admin_pass": None}
    assert secrets_by_server(REQUESTS, BUILT, {}) == {"uuid-web-1": web, "uuid-web-2": web, "uuid-db": {"user_data": None, "admin_pass": "swordfish"}}


def test_a_generated_password_is_taken_by_project_and_name() -> None:
    generated = made("plain", 0, admin_pass="generated")
    passwords = {"p/plain": "hunter2", "other/plain": "wrong"}
    assert secrets_by_server([{"name": "plain"}], [generated], passwords) == {"uuid-plain": {"user_data": None, "admin_pass": "hunter2"}}


@pytest.mark.parametrize(
    "requests",
    [
        [DB, WEB, {"name": "plain"}],  # another order
        [WEB],  # shorter, as on a host whose own variables override it
        [WEB, {**DB, "name": "other"}, {"name": "plain"}],  # another name
        [WEB, DB, {"name": "plain", "adminPass": "more"}],  # more secrets than were checked
        [{**WEB, "user_data": None}, DB, {"name": "plain"}],  # fewer
    ],
)
def test_a_list_that_differs_gives_no_server_another_ones_secrets(requests: list[dict[str, t.Any]]) -> None:
    with pytest.raises(WrongRequest) as caught:
        secrets_by_server(requests, BUILT, {})
    assert "swordfish" not in str(caught.value)
    assert "was made of" in str(caught.value)


def test_passwords_have_every_kind_of_symbol() -> None:
    password = secrets.generate_password(random.Random(1))
    assert len(password) == 12
    assert all(any(symbol in group for symbol in password) for group in secrets.PASSWORD_SYMBOLS)
