import http.client
import typing as t

def open_url(url: str, **options: t.Any) -> http.client.HTTPResponse: ...
