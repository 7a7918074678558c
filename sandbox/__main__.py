"""`python -m sandbox`: Twitter on your desk, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence

from sandbox import create_app
from sandbox.errors import InvalidInput
from sandbox.oauth.registration import check_callback
from sandbox.seeds.birds import birds
from sandbox.seeds.file import read
from sandbox.server import Server
from sandbox.world.clock import moment
from sandbox.world.model import Seed
from sandbox.world.settings import Settings
from sandbox.world.state import World


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. The exit code is 0 for a clean stop, 1 for a bad start."""
    options = _parsed(arguments)
    try:
        settings = Settings().changed({"dialect": options.dialect, "plan": options.plan})
        now = None if options.now is None else moment(options.now)
        app = create_app(World(_beginning(options), settings, now))
        server = Server(app, options.host, options.port, chatty=not options.quiet)
    except InvalidInput as problem:
        return _failed(str(problem))
    except OSError as problem:
        reason = problem.strerror or str(problem)
        return _failed(f"Cannot listen on {options.host}:{options.port}: {reason}.")
    _serve(server)
    return 0


def _beginning(options: argparse.Namespace) -> Seed:
    """Return the birds, or the world of the seed file."""
    for callback in options.callback:
        check_callback(callback)
    beginning = birds() if options.seed is None else read(options.seed)
    return beginning.with_callbacks(*options.callback)


def _serve(server: Server) -> None:
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    print(f"Twitter sandbox: {server.url}", flush=True)  # noqa: T201 - this is what it prints
    stop.wait()
    server.stop()
    thread.join(5)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen (%(default)s)")
    parser.add_argument("--port", type=int, default=9000, help="0 takes a free one (%(default)s)")
    parser.add_argument("--dialect", default="live", help="live, beta or renamed (%(default)s)")
    parser.add_argument(
        "--plan",
        default="enterprise",
        help="enterprise, pay-per-use or legacy-free (%(default)s)",
    )
    parser.add_argument(
        "--callback",
        action="append",
        default=[],
        metavar="URL",
        help="one more callback of the clients that are there from the start; may be repeated",
    )
    parser.add_argument(
        "--seed", metavar="FILE", help="accounts, posts and follows of your own, as JSON"
    )
    parser.add_argument(
        "--now", metavar="TIME", help="begin at 2026-01-01T12:00:00Z, say, and not at today's time"
    )
    parser.add_argument("--quiet", action="store_true", help="no access log")
    return parser.parse_args(arguments)


def _failed(message: str) -> int:
    print(message, file=sys.stderr)  # noqa: T201 - for the person who started us
    return 1


if __name__ == "__main__":
    sys.exit(main())
