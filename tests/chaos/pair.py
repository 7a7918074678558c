"""Two processes of one site before one database, and people who come to either of them."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import requests

from tests.chaos.flock import usernames
from tests.chaos.scale import PEOPLE
from tests.journey.sites import wait_until
from tests.journey.visitor import Route, Visitor

TOKEN = "/2/oauth2/token"
REVOKE = "/2/oauth2/revoke"
# An access token lives two hours; a little later it is over by every clock.
TOKEN_LIFE = 7200 + 60
IN_EACH_PROCESS = 16
WORKER = ("--preload", "tests.chaos.worker:app")


@dataclass(frozen=True)
class View:
    """One page view: how it ended, and how long it took."""

    status: int  # 0: the connection was lost
    text: str
    seconds: float
    retry_after: str | None = None

    @property
    def is_whole(self):
        return self.status == 200 and "<article" in self.text


class Process:
    """One gunicorn with one worker, the clock it goes by, and the point at which it dies."""

    def __init__(self, site, folder):
        self.site = site
        self.folder = folder
        self.offset = 0.0

    def set_clock(self, seconds):
        self.offset = seconds
        draft = self.folder / "clock.draft"
        draft.write_text(str(seconds))
        draft.replace(self.folder / "clock")

    def kill_at(self, point):
        (self.folder / "kill").write_text(point)

    def lose_the_answer_to(self, commit):
        (self.folder / "lose").write_text(commit)

    def is_marked(self):
        return (self.folder / "kill").exists()

    def route(self):
        return Route(self.site.address)


class Pair:
    """The two processes, the sandbox they talk to, and the database they share."""

    def __init__(self, sites, twitter, store, folder, **settings):
        self.twitter = twitter
        self.store = store
        self.folder = folder
        self.processes = []
        self.visitors = []
        settings |= {"DATABASE_URL": store.url, "CACHE_SECONDS": "0", "WEB_CONCURRENCY": "1"}
        for name in ("first", "second"):
            own = folder / name
            own.mkdir(parents=True)
            (own / "clock").write_text("0")
            settings["CHAOS_FOLDER"] = str(own)
            beside = self.first.site if self.processes else None
            site = sites.start(twitter, gunicorn=WORKER, beside=beside, **settings)
            self.processes.append(Process(site, own))

    @property
    def first(self):
        return self.processes[0]

    @property
    def second(self):
        return self.processes[1]

    @property
    def url(self):
        return self.first.site.url

    def pass_time(self, seconds):
        """Let time pass for Twitter and for both processes."""
        self.twitter.advance(seconds)
        for process in self.processes:
            process.set_clock(process.offset + seconds)

    def visitor(self, process=None, *, twin_of=None):
        """Return somebody who comes to this process (else to the second)."""
        route = (process or self.second).route()
        visitor = twin_of.twin(route) if twin_of else Visitor(self.url, route)
        self.visitors.append(visitor)
        return visitor

    def person(self, process=None, account="wren"):
        """Return somebody who has signed in."""
        visitor = self.visitor(process)
        assert visitor.sign_in(account).status_code == 200
        return visitor

    def newcomer(self, process=None):
        """Return somebody else than all before who has signed in."""
        return self.person(process, next(self.names))

    def crowd(self, person):
        """Return many windows of a person's browser, half of them at each process."""
        return [
            self.visitor(process, twin_of=person)
            for process in self.processes
            for _ in range(IN_EACH_PROCESS)
        ]

    def sent(self, **form):
        """List what was sent to the token endpoint with these fields."""
        wanted = {name: [value] for name, value in form.items()}.items()
        return [entry for entry in self.twitter.journal(TOKEN) if wanted <= entry["form"].items()]

    def forget_what_was_sent(self):
        self.twitter.world.journal.clear()

    def begin(self):
        """Begin without people, and count from here what goes wrong."""
        self.twitter.clear_faults()
        self.forget_what_was_sent()
        self.store.empty()
        self.names = iter(usernames(PEOPLE))
        for process in self.processes:
            process.set_clock(self.twitter.world.clock.ahead())
        self._known = set()
        self._known = {grant.id for grant in self.reused()}

    def reused(self):
        """List the grants that Twitter ended because a code or a token came twice."""
        grants = self.twitter.world.token_store.grants
        return [g for g in grants if "twice" in g.ended and g.id not in self._known]

    def signed_out(self):
        """List the sessions that ended although nobody wanted it."""
        return self.store.lost_sessions()

    def wait_for_an_empty_outbox(self, seconds, log):
        """Wait until nothing is left to be delivered; return how long that took."""
        started = time.monotonic()
        wait_until(
            lambda: self.store.outbox() == [],
            seconds,
            lambda: f"{self.store.outbox()}\n{log.read_text()}\n{self.first.site.logged()[-5000:]}",
        )
        return time.monotonic() - started

    def damage(self):
        return self.store.damage(self.first.site.environ)

    def close(self):
        for visitor in self.visitors:
            visitor.session.close()
        self.visitors.clear()


def look(visitor, page="/tweets"):
    """View a page, whatever comes of it."""
    started = time.monotonic()
    try:
        answer = visitor.send("GET", page)
    except requests.ConnectionError:
        return View(0, "", time.monotonic() - started)
    seconds = time.monotonic() - started
    return View(answer.status_code, answer.text, seconds, answer.headers.get("Retry-After"))


def at_once(work, things):
    """Do `work` with each of the things, all at the same moment; return what came of each."""
    barrier = Barrier(len(things))

    def one(thing):
        barrier.wait(timeout=20)
        return work(thing)

    with ThreadPoolExecutor(len(things)) as hands:
        return list(hands.map(one, things))
