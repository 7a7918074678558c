"""A provider that answers at once, always the same, and counts: `python -m benchmarks.stub`.

Unlike the sandbox it checks nothing, so that a measurement is of the site and not of it. It listens
on three ports of its own choosing and prints them as JSON: http, https and control. Requests
to control change the latency and read the counters; they are not counted.

Person number 7 signs in with the code `code-7`. Their id is 1000000007.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import ssl
import sys
from collections import Counter
from urllib.parse import parse_qs

FIRST_ID = 1_000_000_000
REQUEST = re.compile(rb"(GET|POST|DELETE) (\S+) HTTP/1\.1\r\n")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
BEARER = re.compile(rb"\r\nauthorization: *bearer access-(\d+)-", re.IGNORECASE)
NUMBER = re.compile(r"-(\d+)")
MOST_RESULTS = re.compile(r"max_results=(\d+)")
# Counted as the documents write them: ids do not make another endpoint.
ID = re.compile(r"(?<=/)[0-9][0-9A-Za-z]+(?=/|$)")
# Twitter's tokens are about so long.
TOKEN_CHARACTERS = 90
NOT_FOUND = b'{"errors":[{"title":"Not Found Error","detail":"No such address here."}]}'
# Seconds between two looks at whether the process that started this one is alive.
ORPHANED_EVERY_SECONDS = 1.0


def user(number: int) -> dict[str, object]:
    """Return a user object with everything that is asked for."""
    user_id = FIRST_ID + number
    return {
        "id": str(user_id),
        "username": f"bird_{number}",
        "name": f"Bird number {number}",
        "description": "Small, loud, usually in the hedge. Sings at dawn &amp; at dusk.",
        "location": "A hedge",
        "created_at": "2013-12-14T04:35:55.000Z",
        "profile_image_url": f"https://pbs.twimg.com/profile_images/{user_id}/a_normal.png",
        "protected": False,
        "verified": False,
        "public_metrics": {
            "followers_count": 321,
            "following_count": 123,
            "tweet_count": 4567,
            "listed_count": 8,
        },
    }


def tweet(number: int, author: int) -> dict[str, object]:
    """Return a Tweet of person `author`."""
    return {
        "id": str(1_700_000_000_000_000_000 + number),
        "text": f"Song number {number}: the light is back, so are the flies, and so am I. "
        "Whoever wants this hedge may come and sing for it #dawn",
        "author_id": str(FIRST_ID + author),
        "created_at": "2024-05-04T03:21:00.000Z",
        "entities": {"hashtags": [{"start": 117, "end": 122, "tag": "dawn"}]},
        "edit_history_tweet_ids": [str(1_700_000_000_000_000_000 + number)],
        "public_metrics": {
            "retweet_count": 2,
            "reply_count": 3,
            "like_count": 17,
            "quote_count": 1,
        },
    }


def space(number: int, creator: int) -> dict[str, object]:
    """Return a live Space."""
    return {
        "id": f"1SpaceNumber{number % 10}",
        "state": "live",
        "title": f"Dawn chorus {number}",
        "creator_id": str(FIRST_ID + creator),
        "host_ids": [str(FIRST_ID + creator)],
        "speaker_ids": [str(FIRST_ID + creator)],
        "participant_count": 12,
        "started_at": "2024-05-04T03:00:00.000Z",
    }


class Provider:
    """The answers, and the counters."""

    def __init__(self) -> None:
        self.latency_seconds = 0.0
        self.connections: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._serial = itertools.count(1)
        people = [user(number) for number in range(1, 101)]
        self._people = {
            count: _json({"data": people[:count], "meta": {"result_count": count}})
            for count in (12, 20, 100)
        }
        spaces = {"data": [space(n, n) for n in (1, 2, 3)], "includes": {"users": people[:3]}}
        writer = {"users": people[:1]}
        self._always = {
            "GET /2/spaces/by/creator_ids": _json({**spaces, "meta": {"result_count": 3}}),
            "GET /2/tweets/:id": _json({"data": tweet(1, 1), "includes": writer}),
            "GET /2/spaces/:id": _json({"data": space(1, 1), "includes": writer}),
        }

    def answer(self, method: str, target: str, head: bytes, body: bytes) -> bytes:
        """Return the JSON that answers one request."""
        path, _, query = target.partition("?")
        route = f"{method} {ID.sub(':id', path)}"
        self.calls[route] += 1
        if route == "POST /2/oauth2/token":
            return self._token(body)
        if route == "POST /2/oauth2/revoke":
            return b'{"revoked":true}'
        bearer = BEARER.search(head)
        return self._read(route, path, query, int(bearer[1]) if bearer else 0)

    def _token(self, body: bytes) -> bytes:
        form = parse_qs(body.decode())
        spent = (form.get("code") or form.get("refresh_token") or [""])[0]
        found = NUMBER.search(spent)
        ending = f"{found[1] if found else 0}-{next(self._serial):08d}-"
        return _json(
            {
                "token_type": "bearer",
                "expires_in": 7200,
                "access_token": f"access-{ending}".ljust(TOKEN_CHARACTERS, "a"),
                "refresh_token": f"refresh-{ending}".ljust(TOKEN_CHARACTERS, "r"),
                "scope": "tweet.read users.read follows.read space.read offline.access",
            }
        )

    def _read(self, route: str, path: str, query: str, reader: int) -> bytes:
        if route == "GET /2/users/me":
            return _json({"data": user(reader)})
        found = MOST_RESULTS.search(query)
        count = int(found[1]) if found else 1
        if route == "GET /2/users/:id/tweets":
            author = int(path.split("/")[3]) - FIRST_ID
            tweets = [tweet(number, author) for number in range(count)]
            meta = {"result_count": count}
            return _json({"data": tweets, "includes": {"users": [user(author)]}, "meta": meta})
        if route in {"GET /2/users/:id/following", "GET /2/users/:id/followers"}:
            return self._people[count]
        return self._always.get(route, NOT_FOUND)

    def control(self, target: str) -> bytes:
        """Change the latency (`/latency?150` milliseconds), or just read the counters."""
        path, _, query = target.partition("?")
        if path == "/latency":
            self.latency_seconds = float(query) / 1000
        return _json({"connections": self.connections, "calls": self.calls})


class Conversation(asyncio.Protocol):
    """One connection: requests come one after the other, each answered after the latency."""

    def __init__(self, provider: Provider, door: str) -> None:
        self._provider = provider
        self._door = door
        self._received = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count the connection; over https it comes here when the handshake is done."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - only streams come here
        self._transport = transport
        self._provider.connections[self._door] += 1
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            kind = "resumed" if tls.session_reused else "full"
            self._provider.connections[f"{self._door} {kind}"] += 1

    def data_received(self, data: bytes) -> None:
        """Answer every request that has come completely."""
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end]
            length = LENGTH.search(head)
            total = end + 4 + (int(length[1]) if length else 0)
            if len(self._received) < total:
                return
            body, self._received = self._received[end + 4 : total], self._received[total:]
            self._respond(head, body)

    def _respond(self, head: bytes, body: bytes) -> None:
        line = REQUEST.match(head)
        if line is None or self._transport is None:
            return
        method, target = line[1].decode(), line[2].decode()
        if self._door == "control":
            self._send(self._provider.control(target))
            return
        answer = self._provider.answer(method, target, head, body)
        if self._provider.latency_seconds:
            later = asyncio.get_running_loop().call_later
            later(self._provider.latency_seconds, self._send, answer)
        else:
            self._send(answer)

    def _send(self, body: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(head % len(body) + body)


def _json(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


async def serve(chain: str, key: str) -> None:
    """Listen on three ports, say which, and answer until the process that started us is gone."""
    provider = Provider()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)
    loop = asyncio.get_running_loop()
    ports = {}
    for door, tls in (("http", None), ("https", context), ("control", None)):

        def conversation(door: str = door) -> Conversation:
            return Conversation(provider, door)

        server = await loop.create_server(conversation, "127.0.0.1", 0, ssl=tls, backlog=512)
        ports[door] = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - no event tells of a parent's death
        await asyncio.sleep(ORPHANED_EVERY_SECONDS)


def main() -> None:
    """Serve with the certificate that is named on the command line."""
    parser = argparse.ArgumentParser(description="A provider that answers at once.")
    parser.add_argument("chain")
    parser.add_argument("key")
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.chain, arguments.key))


if __name__ == "__main__":
    main()
