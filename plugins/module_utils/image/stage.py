# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ``image``: a host's images, each brought into the cache once."""

from __future__ import annotations

import dataclasses
import time
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError, KvmfleetError, unexpected
from ansible_collections.kvmfleet.compute.plugins.module_utils.image import cache, checksum, fetch, space
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.client import Client
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import is_on_controller, public
from ansible_collections.kvmfleet.compute.plugins.module_utils.shapes import CachedImage, Error, ImageResult, WantedImage


@dataclasses.dataclass(frozen=True)
class ImageOptions:
    """As in the module's documentation."""

    images: t.List[WantedImage]
    cache_path: str
    max_concurrent_downloads: int
    max_size_bytes: int
    staged: t.Dict[str, str]  # files that the controller sent, by image id
    on_error: str
    server: Client

    @classmethod
    def of(cls, params: t.Dict[str, t.Any]) -> ImageOptions:
        """From the module's parameters."""
        own = {field.name: params[field.name] for field in dataclasses.fields(cls) if field.name != "server"}
        asked = {field.name: params[field.name] for field in dataclasses.fields(Client)}
        asked["url_hosts"] = tuple(host.lower() for host in asked["url_hosts"] or ())
        asked["headers"] = {str(name): str(value) for name, value in (asked["headers"] or {}).items()}
        return cls(**own, server=Client(**asked))


class Brought(t.NamedTuple):
    """What came of one image."""

    entry: t.Optional[CachedImage]  # None: not cached
    changed: bool = False  # it was fetched, or would be
    bytes_fetched: int = 0  # bytes
    needs_staging: bool = False  # a file of the controller that the host lacks
    error: t.Optional[Error] = None  # None if all is well


def _look(options: ImageOptions, image: WantedImage) -> t.Optional[CachedImage]:
    """The cached image, without fetching anything; None if it is not there, or if a sums file has to be read first."""
    algorithm, rest = checksum.parse(image["checksum"])
    return cache.find(options.cache_path, algorithm, rest) if checksum.is_digest(algorithm, rest) else None


def _brought(options: ImageOptions, image: WantedImage, check_mode: bool) -> Brought:
    staged = options.staged.get(image["id"])
    if check_mode:
        entry = _look(options, image)
        found = Brought(entry, changed=entry is None)
    elif is_on_controller(image["source"]) and not staged:
        entry = _look(options, image)
        found = Brought(entry, needs_staging=entry is None)
    else:
        entry, fetched = fetch.ensure(options.cache_path, image, server=options.server, max_size_bytes=options.max_size_bytes, staged=staged)
        found = Brought(entry, changed=bool(fetched), bytes_fetched=fetched)
    if entry and entry["disk_format"] != image["disk_format"]:
        raise ImageError("ImageUnacceptable", f"{public(image['source'])}: declared as {image['disk_format']}, but its content is {entry['disk_format']}")
    return found


def bring(options: ImageOptions, image: WantedImage, check_mode: bool) -> ImageResult:
    """One image's line of the result; whatever is raised is this image's failure, never its neighbours'."""
    begin = time.monotonic()
    try:
        found = _brought(options, image, check_mode)
    except KvmfleetError as error:
        found = Brought(None, error=error.as_dict())
    except OSError as error:
        found = Brought(None, error=ImageError("ImageDownloadFailed", f"{public(image['source'])}: {error}").as_dict())
    except Exception as error:
        found = Brought(None, error=unexpected(error))
    entry = found.entry
    return {
        "id": image["id"],
        "name": image["name"],
        "disk_format": image["disk_format"],
        "digest": entry["digest"] if entry else None,
        "path": entry["path"] if entry else None,
        "size": entry["size"] if entry else None,
        "virtual_size": entry["virtual_size"] if entry else None,
        "changed": found.changed,
        "bytes_fetched": found.bytes_fetched,
        "needs_staging": found.needs_staging,
        "seconds": round(time.monotonic() - begin, 3),
        "error": found.error,
    }


def bring_all(options: ImageOptions, check_mode: bool) -> t.List[ImageResult]:
    """All images, so many at once as the options allow."""
    with ThreadPoolExecutor(max_workers=max(1, options.max_concurrent_downloads)) as pool:
        results = list(pool.map(lambda image: bring(options, image, check_mode), options.images))
    arriving = {image["id"]: image["arriving_bytes"] or 0 for image in options.images}
    return [*_with_room(results, arriving, options.cache_path)]


def _with_room(results: t.List[ImageResult], arriving: t.Dict[str, int], cache_path: str) -> t.Iterator[ImageResult]:
    """The results; what the cache has no room for is refused before it is sent."""
    coming = 0
    for result in results:
        if result["needs_staging"]:
            needed, room = coming + arriving[result["id"]], space.free(cache_path) - space.MARGIN
            if needed > room:
                size, left = arriving[result["id"]], max(0, room - coming)
                why = f"{label(result)} needs {size} bytes; {left} are free in {cache_path} besides a margin and what comes first"
                yield {**result, "needs_staging": False, "error": ImageError("NoSpaceForImage", why).as_dict()}
                continue
            coming = needed
        yield result


def label(image: ImageResult) -> str:
    """What a user knows the image by."""
    return image["name"] or image["id"]


def diff(before: t.List[str], images: t.List[ImageResult]) -> t.Dict[str, t.Dict[str, t.List[str]]]:
    """The digests in the cache before and after."""
    new = {image["digest"] or f"{label(image)} (to be fetched)" for image in images if image["changed"]}
    return {"before": {"images": before}, "after": {"images": sorted({*before, *new})}}
