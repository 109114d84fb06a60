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
import urllib.parse

from ansible.module_utils.urls import open_url

from ansible_collections.kvmfleet.compute.plugins.module_utils.errors import ImageError
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.partial import CHUNK
from ansible_collections.kvmfleet.compute.plugins.module_utils.image.source import is_plain_http, is_url, public

MOST_REDIRECTS = 10
REDIRECTS = (301, 302, 303, 307, 308)


class StatusError(ImageError):
    """The server refused, with this status."""

    def __init__(self, shown: str, code: int) -> None:
        error_class = "ImageNotFound" if code in (404, 410) else "ImageDownloadFailed"
        super().__init__(error_class, f"{shown}: HTTP {code} {http.client.responses.get(code, '')}".rstrip())
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
    url_hosts: t.Tuple[str, ...] = ()  # lower case; who else gets no credentials
    url_username: t.Optional[str] = None
    url_password: t.Optional[str] = None
    headers: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    client_cert: t.Optional[str] = None
    client_key: t.Optional[str] = None
    ca_path: t.Optional[str] = None
    use_proxy: bool = True

    def open(self, url: str, headers: t.Optional[t.Dict[str, str]] = None) -> http.client.HTTPResponse:
        """The answer, as the server stores it, after redirects that don't go from https to anything else; ImageError if there is none."""
        shown, address = public(url), url
        for hop in range(MOST_REDIRECTS + 1):
            try:
                return _plain(self._ask(address, headers or {}, is_redirected=hop > 0), shown)
            except urllib.error.HTTPError as error:
                with contextlib.closing(error):
                    target = error.headers.get("Location") if error.code in REDIRECTS else None
                    if not target:
                        raise StatusError(shown, error.code) from error
                    address = _redirected(address, target, shown)
            except (OSError, ValueError, http.client.HTTPException) as error:
                raise ImageError("ImageDownloadFailed", f"{shown}: {_why(error)}") from error
        raise ImageError("ImageDownloadFailed", f"{shown}: more than {MOST_REDIRECTS} redirects")

    def _ask(self, address: str, headers: t.Dict[str, str], *, is_redirected: bool) -> http.client.HTTPResponse:
        parts = urllib.parse.urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
        # Whoever redirects could send the credentials of another host over the wire in the clear.
        is_known = {host.lower(), parts.hostname} & set(self.url_hosts) and (parts.scheme == "https" or not is_redirected)
        username, password = (self.url_username, self.url_password) if is_known else (None, None)
        if parts.username and not is_redirected:
            username, password = urllib.parse.unquote(parts.username), urllib.parse.unquote(parts.password or "")
        return open_url(
            parts._replace(netloc=host).geturl(),
            timeout=self.timeout_s,
            headers={**(self.headers if is_known else {}), **headers, "Accept-Encoding": "identity"},
            url_username=username,
            url_password=password,
            force_basic_auth=True,
            client_cert=self.client_cert if is_known else None,
            client_key=self.client_key if is_known else None,
            ca_path=self.ca_path,
            use_proxy=self.use_proxy,
            follow_redirects="none",
            decompress=False,
        )


def _redirected(address: str, target: str, shown: str) -> str:
    """Where a redirect leads; ImageError if that is no place for an image."""
    following = urllib.parse.urljoin(address, target)
    if not is_url(following):
        raise ImageError("ImageDownloadFailed", f"{shown}: it is redirected to something that is no http(s) address")
    if is_plain_http(following) and not is_plain_http(address):
        raise ImageError("ImageDownloadFailed", f"{shown}: it is redirected from https to plain http, {public(following)}")
    return following


def _plain(response: http.client.HTTPResponse, shown: str) -> http.client.HTTPResponse:
    """The answer, unless it is encoded: what it would become has no bound, and it isn't what was asked for."""
    encoding = response.headers.get("Content-Encoding") or "identity"
    if encoding.strip().lower() != "identity":
        response.close()
        raise ImageError("ImageDownloadFailed", f"{shown}: the server sends a Content-Encoding, though the plain file was asked for")
    return response


def length(response: http.client.HTTPResponse) -> t.Optional[int]:
    """How many bytes the server says that it sends; None if it doesn't say."""
    text = response.headers.get("Content-Length")
    return int(text) if text and text.isascii() and text.isdigit() else None


def chunks(response: http.client.HTTPResponse, shown: str) -> t.Iterator[bytes]:
    """The body in pieces; ConnectionCutError if it breaks off and the connection tells."""
    while True:
        try:
            chunk = response.read(CHUNK)
        except (OSError, http.client.HTTPException) as error:
            raise ConnectionCutError("ImageDownloadFailed", f"{shown}: {_why(error)}") from error
        if not chunk:
            return
        yield chunk
