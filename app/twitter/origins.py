"""The origin of a URL: what browsers, policies and `iss` compare."""

from __future__ import annotations

from urllib.parse import urlsplit


def origin(url: str) -> str:
    """Return scheme, host and port of `url`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
