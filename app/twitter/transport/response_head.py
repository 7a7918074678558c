"""Response heads of bounded size: http.client alone accepts a hundred lines of 64 KB each."""

from __future__ import annotations

from http.client import HTTPException, HTTPResponse
from typing import Any

# Twitter's heads have some kilobytes.
MOST_BYTES = 64 * 1024


class ShortHead(HTTPResponse):
    """An HTTP response whose head is at most 64 KB."""

    fp: Any

    def begin(self) -> None:
        """Read the status and the headers; raise `HTTPException` if they are longer."""
        whole, self.fp = self.fp, _Lines(self.fp)
        try:
            super().begin()
        finally:
            self.fp = self.fp and whole  # None: it was not HTTP, and the connection is closed


class _Lines:
    """The lines of a head, read as http.client does, up to the bound."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401 - a socket's file
        self._file = file
        self._left = MOST_BYTES

    def readline(self, most: int) -> bytes:
        line: bytes = self._file.readline(min(most, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise HTTPException("a head without an end")
        return line

    def close(self) -> None:
        self._file.close()
