# Copyright (c) 2026, the kvmfleet.compute authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking an image server, as the module's options say."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import typing as t
import urllib.error

from ansible.module_utils.urls import open_url

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.partial import CHUNK


class StatusError(ImageError):
    """The server refused, with this status."""

    def __init__(self, url: str, code: int) -> None:
        super().__init__("ImageNotFound" if code in (404, 410) else "ImageDownloadFailed", f"{url}: HTTP {code} {http.client.responses.get(code, '')}".rstrip())
        self.code = code


class ConnectionCutError(ImageError):
    """The connection ended before all was there; another try may go on."""


def _why(error: Exception) -> str:
    """What went wrong; the text of an error that is no system's may hold the address or whatever the server sent."""
    reason = getattr(error, "reason", None) or error
    return str(reason) if isinstance(error, OSError) else type(error).__name__


@dataclasses.dataclass(frozen=True)
class Client:
    """As in the module's documentation."""

    timeout_s: float

    def open(self, url: str, headers: t.Optional[t.Dict[str, str]] = None) -> http.client.HTTPResponse:
        """The answer, as the server stores it; ImageError if there is none."""
        try:
            response: http.client.HTTPResponse = open_url(
                url, timeout=self.timeout_s, headers={**(headers or {}), "Accept-Encoding": "identity"}, follow_redirects="safe", decompress=False
            )
        except urllib.error.HTTPError as error:
            with contextlib.closing(error):
                raise StatusError(url, error.code) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise ImageError("ImageDownloadFailed", f"{url}: {_why(error)}") from error
        encoding = response.headers.get("Content-Encoding") or "identity"
        if encoding.strip().lower() != "identity":
            # What it would become has no bound, and it isn't what was asked for.
            response.close()
            raise ImageError("ImageDownloadFailed", f"{url}: the server sends a Content-Encoding, though the plain file was asked for")
        return response


def length(response: http.client.HTTPResponse) -> t.Optional[int]:
    """How many bytes the server says that it sends; None if it doesn't say."""
    text = response.headers.get("Content-Length")
    return int(text) if text and text.isascii() and text.isdigit() else None


def chunks(response: http.client.HTTPResponse, url: str) -> t.Iterator[bytes]:
    """The body in pieces; ConnectionCutError if it breaks off and the connection tells."""
    while True:
        try:
            chunk = response.read(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionCutError("ImageDownloadFailed", f"{url}: {_why(error)}") from error
        if not chunk:
            return
        yield chunk
