# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing an image into the cache: download or copy, verify, inspect, publish."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import typing as t
import urllib.error
import urllib.parse

from ansible.module_utils.urls import open_url

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache, checksum
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.inspect import inspect
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import CachedImage, WantedImage

CHUNK = 1 << 20
MOST_SUMS = 1 << 20
MARGIN = 64 << 20


def is_url(source: str) -> bool:
    """True if the source is fetched by HTTP."""
    return source.startswith(("http://", "https://"))


def is_on_host(source: str) -> bool:
    """True if the host itself has the source (a ``file:`` URL)."""
    return source.startswith("file:")


def base_name(source: str) -> str:
    """The file name of a source, as a sums file names it."""
    return os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(source).path) if is_url(source) or is_on_host(source) else source)


def _host_path(source: str) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(source).path)


def _open(url: str, timeout_s: float, headers: dict[str, str] | None = None) -> t.Any:
    try:
        return open_url(url, timeout=timeout_s, headers=headers or {}, follow_redirects="safe")
    except urllib.error.HTTPError as error:
        error_class = "ImageNotFound" if error.code in (404, 410) else "ImageDownloadFailed"
        raise ImageError(error_class, f"{url}: HTTP {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        raise ImageError("ImageDownloadFailed", f"{url}: {getattr(error, 'reason', None) or error}") from error


def wanted_digest(declared: str, source: str, timeout_s: float) -> tuple[str, str]:
    """(algorithm, digest) of a declared checksum, its sums file read if it names one."""
    algorithm, rest = checksum.parse(declared)
    if checksum.is_digest(algorithm, rest):
        return algorithm, rest
    try:
        if is_url(rest):
            with contextlib.closing(_open(rest, timeout_s)) as response:
                text = response.read(MOST_SUMS)
        else:
            with open(_host_path(rest) if is_on_host(rest) else rest, "rb") as file:
                text = file.read(MOST_SUMS)
    except OSError as error:
        raise ImageError("ImageNotFound", f"sums file {rest}: {error}") from error
    return algorithm, checksum.in_sums(text.decode("utf-8", "replace"), algorithm, base_name(source))


def _check_space(folder: str, needed: int, what: str) -> None:
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize
    if needed + MARGIN > free:
        raise ImageError("NoSpaceForImage", f"{what} needs {needed} bytes, {free} are free in {folder}")


def _resume_headers(partial: str) -> tuple[dict[str, str], int]:
    """Headers that ask for the rest of a partial download, and how much is there; nothing if the server's version is not known."""
    try:
        with open(partial + ".etag", encoding="utf-8") as file:
            validator = json.load(file)
        have = os.stat(partial).st_size
    except (OSError, ValueError):
        return {}, 0
    if not have or not validator:
        return {}, 0
    return {"Range": f"bytes={have}-", "If-Range": validator}, have


def _validator(response: t.Any) -> str | None:
    etag: t.Optional[str] = response.headers.get("ETag")
    modified: t.Optional[str] = response.headers.get("Last-Modified")
    # A weak ETag may not be used for a range.
    return etag if etag and not etag.startswith("W/") else modified


def download(url: str, partial: str, timeout_s: float) -> int:
    """Fetch a URL into ``partial``, resuming an earlier download if the server still has the same file; returns the bytes fetched."""
    headers, have = _resume_headers(partial)
    try:
        response = _open(url, timeout_s, headers)
    except ImageError as error:
        if not have or "HTTP 416" not in error.message:
            raise
        have, response = 0, _open(url, timeout_s)
    with contextlib.closing(response):
        if response.getcode() != 206:
            have = 0
        length = response.headers.get("Content-Length")
        if length:
            _check_space(os.path.dirname(partial), int(length), url)
        with open(partial + ".etag", "w", encoding="utf-8") as file:
            json.dump(_validator(response), file)
        fetched = 0
        with open(partial, "ab" if have else "wb") as target:
            while True:
                try:
                    chunk = response.read(CHUNK)
                except OSError as error:
                    raise ImageError("ImageDownloadFailed", f"{url}: {error} after {have + fetched} bytes") from error
                if not chunk:
                    break
                target.write(chunk)
                fetched += len(chunk)
        if length and fetched != int(length):
            raise ImageError("ImageDownloadFailed", f"{url}: the connection ended after {have + fetched} of {have + int(length)} bytes")
    return fetched


def _copy(source: str, partial: str) -> int:
    path = _host_path(source)
    try:
        size = os.stat(path).st_size
        _check_space(os.path.dirname(partial), size, path)
        shutil.copyfile(path, partial)
    except OSError as error:
        raise ImageError("ImageNotFound", f"{source}: {error.strerror or error}") from error
    return size


def digests(path: str, algorithms: t.Iterable[str]) -> dict[str, str]:
    """{algorithm: hexadecimal digest} of a file, read once."""
    hashes = {name: hashlib.new(name) for name in algorithms}
    with open(path, "rb") as file:
        while True:
            chunk = file.read(CHUNK)
            if not chunk:
                return {name: value.hexdigest() for name, value in hashes.items()}
            for value in hashes.values():
                value.update(chunk)


def _forget(partial: str) -> None:
    for path in (partial, partial + ".etag"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)


def ingest(cache_path: str, partial: str, image: WantedImage, algorithm: str, digest: str) -> CachedImage:
    """Verify and inspect a fetched file, and publish it; a file that is refused is removed."""
    found = digests(partial, {"sha256", algorithm})
    if found[algorithm] != digest:
        _forget(partial)
        raise ImageError("ImageChecksumMismatch", f"{image['source']}: its {algorithm} is {found[algorithm]}, wanted {digest}")
    try:
        sizes = inspect(partial, image["disk_format"])
        for key, declared, found_size in (("size", image["size"], sizes.size), ("virtual_size", image["virtual_size"], sizes.virtual_size)):
            if declared and declared != found_size:
                raise ImageError("ImageUnacceptable", f"declared {key} {declared} bytes, found {found_size}")
    except ImageError as error:
        _forget(partial)
        raise ImageError(error.error_class, f"{image['source']}: {error.message}") from error
    published = cache.publish(cache_path, partial, digests=found, disk_format=image["disk_format"], size=sizes.size, virtual_size=sizes.virtual_size)
    _forget(partial)
    return published


def ensure(cache_path: str, image: WantedImage, *, timeout_s: float, staged: str | None = None) -> tuple[CachedImage, int]:
    """(cache entry, bytes fetched) of an image; ImageError if it is not available.

    ``staged``: a file that the controller sent, in place of the source. A download that turns out wrong after it was resumed is made once more from
    the start.
    """
    algorithm, digest = wanted_digest(image["checksum"], image["source"], timeout_s)
    name = f"{algorithm}-{digest}"
    with cache.fetch_lock(cache_path, name):
        entry = cache.find(cache_path, algorithm, digest)
        if entry:
            if entry["disk_format"] != image["disk_format"]:
                raise ImageError("ImageUnacceptable", f"{image['source']}: declared as {image['disk_format']}, but its content is {entry['disk_format']}")
            return entry, 0
        partial = cache.partial_path(cache_path, name)
        if staged:
            # Across file systems this is a copy; the verified file is published by a rename all the same.
            shutil.move(staged, partial)
            entry = ingest(cache_path, partial, image, algorithm, digest)
            return entry, entry["size"]
        if is_on_host(image["source"]):
            fetched = _copy(image["source"], partial)
            return ingest(cache_path, partial, image, algorithm, digest), fetched
        resumed = os.path.exists(partial)
        fetched = download(image["source"], partial, timeout_s)
        try:
            return ingest(cache_path, partial, image, algorithm, digest), fetched
        except ImageError as error:
            if not resumed or error.error_class != "ImageChecksumMismatch":
                raise
        fetched += download(image["source"], partial, timeout_s)
        return ingest(cache_path, partial, image, algorithm, digest), fetched
