"""Signals, for code that keeps data of its own about people: docs/signals.md has their promises.

Receivers get ids and reasons, never tokens. This module is told, and asks nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from blinker import NamedSignal, Namespace
from flask import Flask

log = logging.getLogger(__name__)

_ours = Namespace()
signed_in = _ours.signal("signed_in", "user_id, twitter_id, session_id")
signed_out = _ours.signal("signed_out", "user_id, twitter_id, session_id, why")
grant_ended = _ours.signal("grant_ended", "user_id, twitter_id, why")
person_deleting = _ours.signal("person_deleting", "user_id, twitter_id, why")
person_exporting = _ours.signal("person_exporting", "user_id, twitter_id")


class Signals:
    """Sends the signals of one app, which is their sender.

    A receiver runs in the thread that sends, in an app context of its own: it may use `db.session`
    and `services()` in threads without a request as well. Its errors are logged, and stay here.
    """

    def __init__(self, app: Flask) -> None:
        """Send for `app`."""
        self._app = app

    def send(self, signal: NamedSignal, **data: object) -> None:
        """Call every receiver of `signal` with `data`. No transaction of the caller may be open."""
        for _ in self.ask(signal, **data):
            pass

    def ask(self, signal: NamedSignal, **data: object) -> Iterator[tuple[str, object]]:
        """Call every receiver as `send` does; yield its name and its answer, None if it failed."""
        if signal.is_muted:
            return
        for receiver in list(signal.receivers_for(self._app)):
            name = f"{receiver.__module__}.{getattr(receiver, '__qualname__', signal.name)}"
            yield name, self._answer(receiver, name, signal, data)

    def _answer(
        self,
        receiver: Callable[..., Any],
        name: str,
        signal: NamedSignal,
        data: Mapping[str, object],
    ) -> object:
        try:
            with self._app.app_context():
                return receiver(self._app, **data)
        except Exception:
            log.exception("%s failed as a receiver of %s", name, signal.name)
            return None
