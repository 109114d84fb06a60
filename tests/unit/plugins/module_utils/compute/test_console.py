"""The guest's console log: its end for a message, and what it says."""

from __future__ import annotations

import pathlib
import time

import pytest

from ansible_collections.kvmfleet.compute.plugins.module_utils.compute import console


def test_its_end_is_shown_without_control_sequences(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"\x1b[2J" + b"x" * 20000 + b"\none\r\n\n\x1b[1;31mtwo\x1b[0m\x07\nthr\xffee\n")
    assert console.tail(str(log), lines=3) == ["one", "two", "thr\ufffdee"]


def test_a_line_without_end_is_cut(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "console.log"
    log.write_text("x" * 100000)
    (line,) = console.tail(str(log))
    assert len(line) == 400


def test_no_log_says_nothing(tmp_path: pathlib.Path) -> None:
    assert console.tail(str(tmp_path / "none")) == []
    assert not console.says(str(tmp_path / "none"), console.CLOUD_INIT_DONE)


@pytest.mark.parametrize(
    ("text", "done"), [("Cloud-init v. 22.4.2 finished at Mon", True), ("Cloud-init v. 22.4.2 running 'init'", False), ("finished at", False)]
)
def test_cloud_inits_last_word(tmp_path: pathlib.Path, text: str, done: bool) -> None:
    log = tmp_path / "console.log"
    log.write_text(f"[  1.0] {text}\n")
    assert console.wait_for(str(log), console.CLOUD_INIT_DONE, time.monotonic(), lambda: True) is done


def test_a_guest_that_is_gone_is_not_waited_for(tmp_path: pathlib.Path) -> None:
    begin = time.monotonic()
    assert not console.wait_for(str(tmp_path / "none"), console.CLOUD_INIT_DONE, begin + 60, lambda: False)
    assert time.monotonic() - begin < 5
