# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a host is with its images, by the sizes of the files that come; pure.

A fetch promises its bytes in the lock file beside what has come of it, which is named by its digest (``module_utils/image/space.py``). What the controller
sends is as large as it is there.
"""

from __future__ import annotations

import dataclasses
import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.kvmfleet.compute.plugins.module_utils.image import checksum
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.printable import printable
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.progress import words
from ansible_collections.kvmfleet.compute.plugins.plugin_utils.progress.shell_word import shell_word

QUIET_S = 10.0  # between two lines of one image
SHARE = 10  # and so many lines for all of it
STEP = 64 << 20  # bytes; what a fetch promises at first if nobody says how much will come
_COMING = re.compile(r"coming ([0-9]{1,15}) ([0-9]{1,15}) ([a-z0-9]{1,16}-[0-9a-f]{32,128})\Z")
_SENT = re.compile(r"sent ([0-9]{1,15}) (/.+)\Z")
_CACHED = re.compile(r"cached (sha256-[0-9a-f]{64})\Z")


class Size(NamedTuple):
    """What has come of a file, and what will, in bytes."""

    bytes: int
    total: int | None  # None: nobody knows


@dataclasses.dataclass
class Transfer:
    """One image on its way."""

    name: str
    first: Size
    since_s: float  # when ``bytes`` had come: at the first look, then at each line
    bytes: int
    said: int = 0  # lines
    is_whole: bool = False  # all of it has come, and that was said


def file_of(declared: str) -> str | None:
    """The name of what comes of an image with this checksum; None if the sum stands in a sums file, which only the host reads."""
    algorithm, rest = checksum.parse(declared)
    return f"{algorithm}-{rest.lower()}" if checksum.is_digest(algorithm, rest) else None


class ImageProgress:
    """The images that one host fetches, or is sent, in one task: (name, declared checksum) of each."""

    def __init__(self, host: str, wanted: list[tuple[str, str]], *, cache_path: str) -> None:
        self._host = printable(host)
        self._names = {file: name for name, declared in wanted for file in [file_of(declared)] if file is not None}
        self._nameless = [name for name, declared in wanted if file_of(declared) is None]
        self._cache = shell_word(cache_path)
        self._sent: dict[str, tuple[str, int]] = {}
        self._transfers: dict[str, Transfer] = {}

    def send(self, path: str, name: str, total: int) -> None:
        """From now on look at this file on the host, which the controller sends: ``total`` bytes of an image."""
        self._sent = {**self._sent, path: (name, total)}

    def command(self) -> str:
        """What the host is asked, for its shell: names and sizes of files, and what a fetch has promised."""
        sent = "".join(f"stat -c 'sent %s %n' {shlex.quote(path)}\n" for path in self._sent)
        coming = 'total=; read -r total < "$lock"; file="${lock%.lock}"; [ -n "$total" ] && echo "coming $(stat -c %s "$file") $total $file"'
        return (
            f"({sent}cd {self._cache}/.partial && for lock in *-*.lock; do {coming}; done\n"
            f"cd {self._cache} && printf 'cached %s\\n' sha256-*) 2>/dev/null; true"
        )

    def lines(self, answer: str, at_s: float) -> list[str]:
        """What is to be said of each image now; ``at_s``: when the host has answered, by any clock that goes on."""
        rows = [line.strip() for line in answer.splitlines()]
        cached = {found[1] for found in map(_CACHED.match, rows) if found}
        coming = dict(self._coming(rows))
        said = [line for file, size in coming.items() for line in self._of_one(file, size, at_s)]
        for file in [file for file in self._transfers if file not in coming and file in cached]:
            done = self._transfers.pop(file)
            if done.said:
                said.append(f"{done.name}: fetched")
        return [f"{self._host}: image {printable(line)}" for line in said]

    def _coming(self, rows: list[str]) -> Iterator[tuple[str, Size]]:
        for found in filter(None, map(_SENT.match, rows)):
            if found[2] in self._sent:
                yield found[2], Size(int(found[1]), self._sent[found[2]][1])
        for found in filter(None, map(_COMING.match, rows)):
            if found[3] in self._names or self._nameless:
                yield found[3], Size(int(found[1]), int(found[2]))

    def _name(self, file: str) -> str:
        if file in self._sent:
            return self._sent[file][0]
        if file in self._names:
            return self._names[file]
        others = [known for known in self._transfers if known not in self._names and known not in self._sent]
        # Only the host knows the digests that stand in sums files: of several images it can't be told which one this is.
        return self._nameless[0] if len(self._nameless) == 1 and not others else file[:19]

    def _of_one(self, file: str, size: Size, at_s: float) -> Iterator[str]:
        transfer = self._transfers.get(file)
        if transfer is None:
            self._transfers[file] = Transfer(self._name(file), size, at_s, size.bytes)
            return
        total = _known(transfer.first, size)
        if total is not None and size.bytes >= total:
            # What is whole is sent no more; what is fetched has its checks before it.
            if file not in self._sent and not transfer.is_whole:
                transfer.is_whole, transfer.said = True, transfer.said + 1
                yield f"{transfer.name}: {words.size(total)}, checking"
            return
        came, took_s = size.bytes - transfer.bytes, at_s - transfer.since_s
        if came > 0 and took_s > 0 and _is_due(transfer, came, took_s, total):
            transfer.since_s, transfer.bytes, transfer.said = at_s, size.bytes, transfer.said + 1
            yield f"{transfer.name}: {_said(size.bytes, total, came / took_s)}"


def _known(first: Size, now: Size) -> int | None:
    """The bytes that will have come in the end. A server that doesn't say gets room step by step, so that its total is none."""
    is_told = now.total is not None and first.total == now.total and now.total != STEP
    return now.total if is_told else None


def _is_due(transfer: Transfer, came: int, took_s: float, total: int | None) -> bool:
    if not transfer.said:
        return True
    return took_s >= QUIET_S and came >= (total / SHARE if total is not None else transfer.bytes)


def _said(come: int, total: int | None, rate: float) -> str:
    per_s = f"{words.size(rate)}/s"
    if total is None:
        return f"{words.size(come)}, {per_s}"
    return f"{100 * come // total} % of {words.size(total)}, {per_s}, {words.span((total - come) / rate)} left"
