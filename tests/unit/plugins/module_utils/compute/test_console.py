"""The guest's console log: its end for a message, and what it says."""

from __future__ import annotations

import pathlib
import re
import tempfile
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
    with console.Watch(str(tmp_path / "none")) as log:
        assert not log.says(console.CLOUD_INIT_DONE)


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


def test_a_terminal_that_shows_the_end_is_not_commanded_by_it(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "console.log"
    log.write_text("a\u009b2Jb\u009dc\u202egnp.exe\u2066d\u2069\u200f\u2028e\u061c\n", encoding="utf-8")
    assert console.tail(str(log)) == ["a2Jbcgnp.exede"]


@given(st.one_of(st.binary(max_size=600), st.text(st.characters(categories=["Cc", "Cf", "Zl", "Zp", "Lu"]), max_size=300).map(lambda text: text.encode())))
def test_whatever_a_guest_prints_its_end_is_a_few_short_lines_without_a_control_character(printed: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(printed)
        file.flush()
        lines = console.tail(file.name, lines=5)
    assert len(lines) <= 5
    for line in lines:
        assert 0 < len(line) <= 400
        # What moves, hides or turns the text around it; a tab does none of it.
        assert {unicodedata.category(character) for character in line if character != "\t"} & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()


def test_a_log_is_read_on_and_not_from_its_beginning_again(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"x" * 100_000)
    with console.Watch(str(log)) as watch:
        assert not watch.says(re.compile(b"done"))
        # Had it been read again, this would be found.
        log.write_bytes(b"done" + b"x" * 99_996)
        assert not watch.says(re.compile(b"done"))


def test_one_look_is_bounded_and_the_next_one_goes_on(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "console.log"
    with log.open("wb") as file:
        file.truncate(3 * console.LOOK_BYTES)
        file.seek(0, 2)
        file.write(b"done")
    with console.Watch(str(log)) as watch:
        assert [watch.says(re.compile(b"done")) for _look in range(4)] == [False, False, False, True]


@pytest.mark.parametrize("at", [console.PIECE_BYTES - 2, console.PIECE_BYTES, 1])
def test_what_lies_across_two_pieces_is_found(tmp_path: pathlib.Path, at: int) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"x" * at + b"do")
    with console.Watch(str(log)) as watch:
        assert not watch.says(re.compile(b"done"))
        with log.open("ab") as file:
            file.write(b"ne" + b"x" * console.PIECE_BYTES)
        assert watch.says(re.compile(b"done"))


@pytest.mark.parametrize(("old", "new"), [(b"done", b""), (b"", b"done")])
def test_a_log_that_is_rotated_is_read_to_its_end_and_then_the_new_one(tmp_path: pathlib.Path, old: bytes, new: bytes) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"booting\n")
    with console.Watch(str(log)) as watch:
        assert not watch.says(re.compile(b"done"))
        with log.open("ab") as file:
            file.write(old)
        log.rename(tmp_path / "console.log.0")
        log.write_bytes(new)
        assert watch.says(re.compile(b"done"))


def test_a_log_that_is_cut_is_read_from_its_beginning(tmp_path: pathlib.Path) -> None:
    log = tmp_path / "console.log"
    log.write_bytes(b"x" * 100)
    with console.Watch(str(log)) as watch:
        assert not watch.says(re.compile(b"done"))
        log.write_bytes(b"done")
        assert watch.says(re.compile(b"done"))
