"""Requests and answers. They show secrets, as the console does, and nothing else does."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from flask import Request, Response

from sandbox.request_body import sent_json

KEPT = 500
_EXCERPT = 4000


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request, and its answer once there is one."""

    number: int
    at: str
    method: str
    path: str
    query: dict[str, list[str]]
    form: dict[str, Any]
    headers: dict[str, str] = field(repr=False)
    status: int | None = None  # None: not answered, or the connection was dropped
    answer: str = ""
    location: str = ""
    milliseconds: float = 0.0
    fault: str = ""
    note: str = ""


class Journal:
    """The last requests, in the order in which they arrived."""

    def __init__(self) -> None:
        self._arrived = threading.Condition()
        self._entries: deque[Entry] = deque(maxlen=KEPT)
        self._number = 0
        self._taken = 0

    def open(self, request: Request, at: str) -> Entry:
        """Add a request when it arrives, so that hanging ones show too."""
        with self._arrived:
            self._number += 1
            entry = Entry(
                number=self._number,
                at=at,
                method=request.method,
                path=request.path,
                query=request.args.to_dict(flat=False),
                form=_body(request),
                headers=dict(request.headers),
            )
            self._entries.append(entry)
            self._arrived.notify_all()
            return entry

    def close(self, entry: Entry, response: Response, milliseconds: float) -> None:
        """Add the answer."""
        entry.milliseconds = round(milliseconds, 1)
        entry.location = response.headers.get("Location", "")
        if not response.is_streamed:
            entry.answer = response.get_data(as_text=True)[:_EXCERPT] if _readable(response) else ""
        entry.status = response.status_code

    def entries(self, after: int = 0) -> list[dict[str, Any]]:
        """Return the entries with a higher number than this one, as JSON."""
        with self._arrived:
            return [asdict(entry) for entry in self._entries if entry.number > after]

    def take(self, timeout: float) -> dict[str, Any]:
        """Return the next request that was not taken yet, waiting for it if need be."""
        with self._arrived:
            if not self._arrived.wait_for(lambda: self._number > self._taken, timeout):
                raise TimeoutError(f"no request arrived within {timeout} seconds")
            entry = next(e for e in self._entries if e.number > self._taken)
            self._taken = entry.number
            return asdict(entry)

    def clear(self) -> None:
        with self._arrived:
            self._entries.clear()
            self._number = self._taken = 0


def _body(request: Request) -> dict[str, Any]:
    """Return the form or the JSON object of a request."""
    if request.is_json:
        body = sent_json()
        return body if isinstance(body, dict) else {"(body)": body}
    return request.form.to_dict(flat=False)


def _readable(response: Response) -> bool:
    packed = "Content-Encoding" in response.headers
    return (response.mimetype or "").endswith("json") and not packed
