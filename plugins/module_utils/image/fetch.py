# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing an image into the cache: download or copy, verify, inspect, publish.

What comes is counted against a limit, written into a file that the module makes and owns, and hashed on the way. What failed leaves nothing; only a
download whose connection was cut, and whose server names the version, stays for a day to be gone on with.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import http.client
import os
import stat
import typing as t

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache, checksum, client
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.inspect import Sizes, inspect
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.partial import CHUNK, Limit, Partial
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.publish import Publication, publish
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import base_name, host_path, is_on_host, is_url, public
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import CachedImage, WantedImage

MOST_SUMS = 1 << 20
MOST_BYTES = 64 << 30  # of an image that declares no size
UNKNOWN = Sizes(0, 0)


def wanted_digest(declared: str, source: str, server: client.Client) -> tuple[str, str]:
    """(algorithm, digest) of a declared checksum, its sums file read if it names one."""
    algorithm, rest = checksum.parse(declared)
    if checksum.is_digest(algorithm, rest):
        return algorithm, rest
    try:
        if is_url(rest):
            with contextlib.closing(server.open(rest)) as response:
                text = _most(client.chunks(response, public(rest)))
        else:
            with open(host_path(rest) if is_on_host(rest) else rest, "rb") as file:
                text = file.read(MOST_SUMS)
    except OSError as error:
        raise ImageError("ImageNotFound", f"sums file {public(rest)}: {error.strerror or error}") from error
    return algorithm, checksum.in_sums(text.decode("utf-8", "replace"), algorithm, base_name(source))


def _most(pieces: t.Iterator[bytes]) -> bytes:
    text = b""
    for piece in pieces:
        text += piece
        if len(text) >= MOST_SUMS:
            return text[:MOST_SUMS]
    return text


def _validator(response: http.client.HTTPResponse) -> t.Optional[str]:
    etag = response.headers.get("ETag")
    modified = response.headers.get("Last-Modified")
    # A weak ETag may not be used for a range.
    return etag if etag and not etag.startswith("W/") else modified


def _opened(url: str, partial: Partial, server: client.Client) -> tuple[http.client.HTTPResponse, int]:
    """The server's answer, and how many bytes are there already if it is only the rest."""
    have, validator = partial.resumable()
    if have:
        try:
            response = server.open(url, {"Range": f"bytes={have}-", "If-Range": validator})
            return response, have if response.getcode() == 206 else 0
        except client.StatusError as error:
            if error.code != 416:
                raise
    return server.open(url), 0


def _check_declared(declared: t.Optional[int], total: t.Optional[int], what: str) -> None:
    """ImageError if it is known before anything comes that it is not the image that was declared."""
    if declared and total is not None and total != declared:
        raise ImageError("ImageUnacceptable", f"{what}: declared size {declared} bytes, found {total}")


def download(url: str, partial: Partial, server: client.Client, declared: t.Optional[int]) -> int:
    """Fetch a URL, resuming an earlier download if the server still has the same file; returns the bytes fetched."""
    response, have = _opened(url, partial, server)
    shown = public(url)
    validator = _validator(response)
    try:
        with contextlib.closing(response):
            coming = client.length(response)
            total = have + coming if coming is not None else None
            _check_declared(declared, total, shown)
            partial.begin(total if total is not None else declared, have=have, validator=validator)
            for chunk in client.chunks(response, shown):
                partial.write(chunk)
        partial.close()
        if total is not None and partial.size < total:
            raise client.ConnectionCutError("ImageDownloadFailed", f"{shown}: the connection ended after {partial.size} of {total} bytes")
    except client.ConnectionCutError:
        if validator:
            partial.close()
        else:
            partial.remove()
        raise
    except BaseException:
        partial.remove()
        raise
    return partial.size - have


def copy(path: str, partial: Partial, declared: t.Optional[int], *, follow: bool) -> int:
    """Copy a regular file of the host; the bytes copied. Whoever owns the file, or has it open, has no part in the copy."""
    # Without O_NONBLOCK the open of a pipe would wait for ever.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | (0 if follow else os.O_NOFOLLOW)
    try:
        with open(os.open(path, flags), "rb") as source:
            found = os.fstat(source.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise ImageError("ImageUnacceptable", f"{path}: it is not a regular file")
            _check_declared(declared, found.st_size, path)
            try:
                partial.begin(found.st_size)
                for chunk in iter(lambda: source.read(CHUNK), b""):
                    partial.write(chunk)
                partial.close()
            except BaseException:
                partial.remove()
                raise
    except OSError as error:
        raise ImageError("ImageNotFound", f"{path}: {error.strerror or error}") from error
    return partial.size


@dataclasses.dataclass
class Work:
    """One image on its way into the cache, under its lock."""

    cache_path: str
    image: WantedImage
    partial: Partial
    algorithm: str  # of the digest that is wanted
    digest: str  # in hex
    transfer: t.Callable[[], int]  # brings the whole file, and says how many bytes came
    fetched: int = 0  # bytes
    sizes: Sizes = UNKNOWN  # as inspected


def bring(work: Work) -> None:
    """The file comes."""
    work.fetched += work.transfer()


def verify(work: Work) -> None:
    """It is what was asked for."""
    found = work.partial.digests()[work.algorithm]
    if found != work.digest:
        raise ImageError("ImageChecksumMismatch", f"its {work.algorithm} is {found}, wanted {work.digest}")


def look_inside(work: Work) -> None:
    """Its content is what was declared, and harmless."""
    image, sizes = work.image, inspect(work.partial.path, work.image["disk_format"])
    for key, declared, found_size in (("size", image["size"], sizes.size), ("virtual_size", image["virtual_size"], sizes.virtual_size)):
        if declared and declared != found_size:
            raise ImageError("ImageUnacceptable", f"declared {key} {declared} bytes, found {found_size}")
    work.sizes = sizes


Step = t.Callable[[Work], None]
CHECKS: t.Tuple[Step, ...] = (verify, look_inside)
STEPS: t.Tuple[Step, ...] = (bring, *CHECKS)


def _fetch(work: Work) -> CachedImage:
    """All steps, and then the image is published; a file that is refused is removed."""
    bring(work)
    partial, image = work.partial, work.image
    try:
        for step in CHECKS:
            step(work)
        publication = Publication(
            work.cache_path,
            partial.path,
            digests=partial.digests(),
            disk_format=image["disk_format"],
            size=work.sizes.size,
            virtual_size=work.sizes.virtual_size,
        )
        return publish(publication)
    except ImageError as error:
        raise ImageError(error.error_class, f"{public(image['source'])}: {error.message}") from error
    finally:
        partial.remove()


def ensure(
    cache_path: str, image: WantedImage, *, server: client.Client, max_size_bytes: int = MOST_BYTES, staged: t.Optional[str] = None
) -> tuple[CachedImage, int]:
    """(cache entry, bytes fetched) of an image; ImageError if it is not available.

    ``staged``: a file that the controller sent, in place of the source. A download that turns out wrong after it was resumed is made once more from
    the start.
    """
    source = image["secret_source"] or image["source"]
    algorithm, digest = wanted_digest(image["secret_checksum"] or image["checksum"], source, server)
    with cache.fetch_lock(cache_path, f"{algorithm}-{digest}") as room:
        entry = cache.find(cache_path, algorithm, digest)
        if entry:
            if entry["disk_format"] != image["disk_format"]:
                raise ImageError("ImageUnacceptable", f"{public(source)}: declared as {image['disk_format']}, but its content is {entry['disk_format']}")
            return entry, 0
        limit = Limit(image["size"], "its declared size") if image["size"] else Limit(max_size_bytes, "max_size_bytes")
        partial = Partial(room, public(source), limit, ("sha256", algorithm))
        transfer: t.Callable[[], int]
        if staged or is_on_host(source):
            # The login user made what was staged: a link there could lead anywhere.
            transfer, was_resumed = functools.partial(copy, staged or host_path(source), partial, image["size"], follow=not staged), False
        else:
            transfer, was_resumed = functools.partial(download, source, partial, server, image["size"]), bool(partial.resumable()[0])
        work = Work(cache_path, image, partial, algorithm, digest, transfer)
        try:
            return _fetch(work), work.fetched
        except ImageError as error:
            if not was_resumed or error.error_class != "ImageChecksumMismatch":
                raise
        return _fetch(work), work.fetched
