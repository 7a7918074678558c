"""The site with everybody talking, for gunicorn: `tests.journey.loud_wsgi:app`.

Each logger is at DEBUG, and a request with an X-Break header meets a bug: an exception whose text
holds the whole address, as those of libraries do.
"""

import logging

from flask import request

logging.getLogger().setLevel(logging.DEBUG)
for name in ("sqlalchemy", "sqlalchemy.engine", "sqlalchemy.pool"):  # made quiet by the library
    logging.getLogger(name).setLevel(logging.DEBUG)

from wsgi import app  # noqa: E402 - some libraries look at the level when they are set up

for name in [*logging.root.manager.loggerDict]:
    logging.getLogger(name).setLevel(logging.DEBUG)


@app.before_request
def break_if_asked():
    if "X-Break" in request.headers:
        raise RuntimeError(f"cannot make sense of {request!r} with {request.headers}")


__all__ = ["app"]
