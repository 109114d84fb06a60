# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host can limit bandwidth: what tc's answers say, and when nothing is said."""

from __future__ import annotations

import collections.abc
import pathlib

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ServerError
from ansible_collections.kvmfleet.compute.plugins.module_utils.network import limits, ports
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import Bandwidth
from ansible_collections.kvmfleet.compute.tests.unit import make

LIMITED: Bandwidth = {"inbound": {"average": 1, "peak": None, "burst": None}, "outbound": None}
NO_SFQ = "Error: Specified qdisc kind is unknown.\nCommand failed -:3\n"
NO_POLICE = "Error: Failed to load TC action module.\nWe have an error talking to the kernel\nCommand failed -:6\n"


@pytest.fixture(autouse=True)
def fresh() -> collections.abc.Iterator[None]:
    limits.obstacle.cache_clear()
    yield
    limits.obstacle.cache_clear()


@pytest.mark.parametrize(
    ("code", "errors", "said"),
    [
        (0, "", None),
        (1, NO_SFQ, "the host's kernel has no tc sfq, with which libvirt limits bandwidth: Error: Specified qdisc kind is unknown."),
        (1, NO_POLICE, "the host's kernel has no tc police, with which libvirt limits bandwidth: Error: Failed to load TC action module."),
        (1, "unshare: unshare failed: Operation not permitted\n", None),
        (1, "Command failed -:99\n", None),
    ],
)
def test_what_tc_says_of_the_kernel(code: int, errors: str, said: str | None) -> None:
    assert limits.reason(code, errors) == said


def test_a_host_without_tc_can_not_and_one_where_nothing_can_be_tried_may(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(limits, "PATH", str(tmp_path))
    assert limits.obstacle() == "the host has no tc (iproute2), with which libvirt limits bandwidth"
    (tmp_path / "tc").write_text("#!/bin/sh\n")
    (tmp_path / "tc").chmod(0o755)
    limits.obstacle.cache_clear()
    assert limits.obstacle() is None


def test_the_answer_of_this_machine_is_one_of_the_two() -> None:
    found = limits.obstacle()
    assert found is None or found.startswith("the host")


def test_only_a_port_with_a_limit_needs_a_host_that_keeps_it() -> None:
    def never() -> str | None:
        raise AssertionError("nobody has to be asked")

    ports.check_limits([make.port(), make.port()], never)
    ports.check_limits([make.port(bandwidth=LIMITED)], lambda: None)
    with pytest.raises(ServerError, match="on network lan: the host has no tc") as caught:
        ports.check_limits([make.port(), make.port(bandwidth=LIMITED)], lambda: "the host has no tc")
    assert (caught.value.error_class, caught.value.reschedule) == ("PortBindingFailed", True)
