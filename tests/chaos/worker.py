"""The site with a clock that can be moved and points at which it dies, for gunicorn.

`CHAOS_FOLDER` names a folder. Its file `clock` holds seconds to add to the time. Its file `kill`
names a point, such as "after TokenRefresher._take": the first thread that gets there takes the file
away and kills its process, the hard way. Points lie around each call to the authorization server,
and around each commit ("before" is when everything is written and nothing is committed).
A file `lose` names a commit in the same way, whose good news the database cannot deliver any more.
"""

import contextlib
import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import OperationalError

from app import create_app
from config import Config

FOLDER = Path(os.environ["CHAOS_FOLDER"])
CLOCK = FOLDER / "clock"
KILL = FOLDER / "kill"
LOSE = FOLDER / "lose"


def now():
    return datetime.now(UTC) + timedelta(seconds=float(CLOCK.read_text()))


def pass_point(name):
    """Die here if this is the point, and if nobody else has died of it."""
    if is_asked(KILL, name):
        os.kill(os.getpid(), signal.SIGKILL)


def is_asked(file, name):
    """Tell whether `file` names this point, and take it away: only one thread is told so."""
    with contextlib.suppress(FileNotFoundError):
        if file.read_text() == name:
            file.unlink()
            return True
    return False


def watch_calls(server):
    for verb in ("exchange", "refresh", "revoke"):
        setattr(server, verb, watched(getattr(server, verb)))


def watched(call):
    name = call.__qualname__

    def around(*args, **kwargs):
        pass_point(f"before {name}")
        answer = call(*args, **kwargs)
        pass_point(f"after {name}")
        return answer

    return around


def watch_commits(database):
    writing = database.writing

    @contextlib.contextmanager
    def around():
        name = sys._getframe(2).f_code.co_qualname  # whoever says `with ...writing()`
        with writing() as connection:
            yield connection
            pass_point(f"before {name}")
        pass_point(f"after {name}")
        if is_asked(LOSE, name):
            raise OperationalError("COMMIT", None, ConnectionError("the line went dead"))

    database.writing = around


app = create_app(Config.from_env(), now=now)
watch_calls(app.extensions["perch"].server)
watch_commits(app.extensions["perch"].database)
