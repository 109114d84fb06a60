# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a host answers for its images, it fails with a sentence, and the other hosts go on."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible.errors import AnsibleActionFail
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.kvmfleet.compute.plugins.plugin_utils.edge.image_rows import image_rows
from ansible_collections.kvmfleet.compute.tests.plays import local_play

ROW: dict[str, t.Any] = {"id": "i", "name": "debian", "needs_staging": False, "changed": False, "seconds": 0.1, "error": None}
IMAGE = {"id": "i", "source": "https://example.org/i", "checksum": "sha256:" + "0" * 64}
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2), max_leaves=4)


def test_a_host_that_answers_with_no_images_fails_alone(tmp_path: pathlib.Path) -> None:
    task = {"kvmfleet.compute.image": {"images": [IMAGE]}, "register": "found"}
    after = {"ansible.builtin.assert": {"that": "found.images[0].id == 'i'"}}
    done = local_play.run(tmp_path, [task, after], {"h1": {"changed": False, "images": [ROW]}, "h2": {"changed": False, "images": [3]}})
    assert "the host answered with something that is no list of images" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    recap = {line.split()[0]: line for line in done.stdout.splitlines() if "unreachable=" in line}
    assert ("failed=0" in recap["h1"], "failed=1" in recap["h2"]) == (True, True), done.stdout


@pytest.mark.parametrize("change", [{"id": 3}, {"id": None}, {"needs_staging": "yes"}, {"error": "no"}, {"error": {"message": 3}}, {"seconds": float("nan")}])
def test_a_row_of_another_shape_is_none(change: dict[str, t.Any]) -> None:
    with pytest.raises(AnsibleActionFail, match="no list of images"):
        image_rows({"images": [{**ROW, **change}]})


@given(ANYTHING)
def test_any_json_is_a_list_of_images_or_a_sentence(images: t.Any) -> None:
    try:
        assert all(row["id"] for row in image_rows({"images": images}))
    except AnsibleActionFail as error:
        assert "no list of images" in str(error)
