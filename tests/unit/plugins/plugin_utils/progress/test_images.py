# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far images are, told from the files of a real fetch, which a real shell looks at."""

from __future__ import annotations

import hashlib
import pathlib
import subprocess

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache, partial
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.partial import Limit, Partial
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.publish import Publication, publish
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.progress import images
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.progress.images import ImageProgress

PIECE = bytes(10**6)
DIGEST = hashlib.sha256(PIECE * 100).hexdigest()
SUMS = "sha256:https://example.org/SHA256SUMS"
MB = 10**6


def shell(command: str) -> str:
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def coming(size: int, total: int, digest: str = DIGEST) -> str:
    return f"coming {size} {total} sha256-{digest}\n"


def watch(*wanted: tuple[str, str]) -> ImageProgress:
    return ImageProgress("h1", list(wanted or [("debian-12", f"sha256:{DIGEST}")]), cache_path="/images")


@pytest.mark.parametrize("declared", [f"sha256:{DIGEST.upper()}", SUMS])
def test_a_fetch_is_told_from_its_files(tmp_path: pathlib.Path, declared: str) -> None:
    progress = ImageProgress("h1", [("debian-12", declared)], cache_path=str(tmp_path))

    def look(at_s: float) -> list[str]:
        return progress.lines(shell(progress.command()), at_s)

    assert look(0) == []
    with cache.fetch_lock(str(tmp_path), f"sha256-{DIGEST}") as room:
        file = Partial(room, "https://example.org/d", Limit(10**9, "max_size_bytes"), ["sha256"])
        file.begin(100 * MB)
        assert look(2) == []
        for _piece in range(40):
            file.write(PIECE)
        file._opened().flush()
        assert look(4) == ["h1: image debian-12: 40 % of 100 MB, 20 MB/s, 3 s left"]
        assert look(6) == []
        for _piece in range(60):
            file.write(PIECE)
        file.close()
        assert look(8) == ["h1: image debian-12: 100 MB, checking"]
        assert look(10) == []
        publish(Publication(str(tmp_path), file.path, digests=file.digests(), disk_format="raw", size=100 * MB, virtual_size=100 * MB))
    assert look(12) == ["h1: image debian-12: fetched"]
    assert look(14) == []


def test_what_the_controller_sends_is_told_from_the_file_that_grows(tmp_path: pathlib.Path) -> None:
    progress, sent = watch(), tmp_path / "it's image-0"
    progress.send(str(sent), "debian-12", 100 * MB)
    assert progress.lines(shell(progress.command()), 0) == []
    sent.write_bytes(PIECE)
    assert progress.lines(shell(progress.command()), 2) == []
    sent.write_bytes(PIECE * 11)
    assert progress.lines(shell(progress.command()), 4) == ["h1: image debian-12: 11 % of 100 MB, 5.0 MB/s, 18 s left"]
    sent.write_bytes(PIECE * 100)
    assert progress.lines(shell(progress.command()), 6) == []


def test_a_long_fetch_has_few_lines_and_the_rate_is_that_since_the_last_one() -> None:
    progress, told = watch(), []
    for second in range(0, 1001, 2):
        told += progress.lines(coming(second * MB, 1000 * MB), second)
    assert len(told) == 11 and told[-1].endswith("checking")
    assert told[1] == "h1: image debian-12: 10 % of 1.0 GB, 1.0 MB/s, 15 min left"
    assert all("1.0 MB/s" in line for line in told[:-1])


def test_a_fetch_of_unknown_length_says_no_end() -> None:
    progress = watch()
    step = partial.STEP
    lines = [progress.lines(coming(size * MB, total), at_s) for size, total, at_s in ((1, step, 0), (5, step, 2), (60, 2 * step, 20), (80, 2 * step, 40))]
    assert lines == [[], ["h1: image debian-12: 5.0 MB, 2.0 MB/s"], ["h1: image debian-12: 60 MB, 3.1 MB/s"], []]


def test_the_step_of_unknown_length_is_the_fetchs_own() -> None:
    assert images.STEP == partial.STEP


def test_nothing_is_said_of_what_does_not_move_or_is_not_ours() -> None:
    progress = watch()
    for at_s in (0, 20, 40):
        assert progress.lines(coming(MB, 100 * MB) + coming(int(at_s) * MB, 100 * MB, "0" * 64) + f"sent {at_s}000000 /tmp/x\n", at_s) == []


def test_several_images_whose_digests_only_the_host_knows_go_by_digest() -> None:
    progress = watch(("one", SUMS), ("two", SUMS))
    progress.lines(coming(0, 100 * MB), 0)
    assert progress.lines(coming(50 * MB, 100 * MB), 2) == [f"h1: image sha256-{DIGEST[:12]}: 50 % of 100 MB, 25 MB/s, 2 s left"]


@pytest.mark.parametrize(
    "answer", ["", "coming", "coming 1 2 ../x\n", f"coming -1 2 sha256-{DIGEST}", f"coming 1 {'9' * 400} sha256-{DIGEST}", "sent 1\x1b[2J /x"]
)
def test_an_answer_that_is_none_says_nothing(answer: str) -> None:
    progress = watch(("one", SUMS))
    assert progress.lines(answer, 0) == progress.lines(answer, 2) == []


def test_names_do_not_move_the_cursor() -> None:
    progress = ImageProgress("h1", [("deb\x1b[2J\nian", f"sha256:{DIGEST}")], cache_path="/images")
    progress.lines(coming(0, 100 * MB), 0)
    assert progress.lines(coming(MB, 100 * MB), 2) == ["h1: image deb?[2J?ian: 1 % of 100 MB, 500 kB/s, 3 min left"]
