"""A full run with everybody talking: afterwards no secret lies around anywhere.

What is searched: all that the processes wrote, every page and its headers, every address that we
sent somebody to, the database's files, and the figures for Prometheus. What for: each code, state,
code verifier, token and cookie of the run, and the operator's own secrets, whole or in part. The
logs must not name a session or a grant either.

It is done twice: by http, where lines are plain, and by https behind nginx, where they are JSON.
"""

import base64
import contextlib
import re
import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
import requests
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from sandbox.control.faults import Fault
from tests.journey.front import standing
from tests.journey.sites import CLIENT_ID, CLIENT_SECRET, SECRET_KEY, wait_until
from tests.journey.visitor import Forms, Visitor, query_of
from tests.sandbox.birds import HERON
from tests.unit.test_webhook_events import SIGNATURE, event, signed

TOKEN = "/2/oauth2/token"
REVOKE = "/2/oauth2/revoke"
CALLBACK_SECRETS = ("code", "state")
FORM_SECRETS = ("code", "code_verifier", "refresh_token", "token")
# A piece this long is nobody's coincidence. What is shorter than that is not searched in pieces.
PIECE = 16
METRICS_TOKEN = "a-word-between-us-and-prometheus"
BEARER_TOKEN = "a-word-that-names-this-app-alone"
CONSUMER_SECRET = "a-word-that-signs-what-x-delivers"
SAID_AT_DEBUG = [
    ("DEBUG", "urllib3"),
    ("DEBUG", "sqlalchemy"),
    ("INFO", "sqlalchemy"),
    ("ERROR", "app"),
]
ROW_ID = "the id of a session or a grant"

# Everything that the token endpoint can do wrong: each setting of a fault is here.
ECHO = "code {code} state {state} secret {secret} code_verifier={code} token: {code}"
JSON = {"content_type": "application/json"}
HANG = {"hang": True}
MISCHIEF = [
    {"status": 503, "body": ECHO},
    {"status": 500, "when": "after"},
    {"status": 200, "content_type": "text/plain"},
    {"status": 401, "headers": {"WWW-Authenticate": "Bearer", "X-Note": "code={code} {secret}"}},
    {"body_bytes": 3 * 1024 * 1024, **JSON},
    {"body_bytes": 3 * 1024 * 1024, "gzip": True, **JSON},
    {"redirect": "https://evil.example/?code={code}&state={state}"},
    {"drop": "before"},
    {"drop": "after"},
    {"cut_bytes": 40},
    {"drip": "body", "drip_seconds": 0.001},
    {"drip": "headers", "drip_seconds": 0.001},
    {"delay_seconds": 0.1},
    HANG,
]
AROUND_A_FAULT = {"path", "method", "times", "for_seconds", "probability", "webhook"}

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(240)]


@pytest.fixture(scope="module", params=["http", "https"])
def front(request):
    """What stands before the site: nginx, if it is one of https."""
    with contextlib.ExitStack() as stack:
        yield stack.enter_context(standing()) if request.param == "https" else None


@pytest.fixture(scope="module")
def site(sites, twitter_server, tmp_path_factory, front):
    behind = {"PUBLIC_URL": front.url, "TRUSTED_PROXIES": "1"} if front else {}
    site = sites.start(
        twitter_server,
        gunicorn=("--log-level", "debug", "tests.journey.loud_wsgi:app"),
        WEB_CONCURRENCY="2",
        METRICS_TOKEN=METRICS_TOKEN,
        TWITTER_BEARER_TOKEN=BEARER_TOKEN,
        TWITTER_CONSUMER_SECRET=CONSUMER_SECRET,
        PROMETHEUS_MULTIPROC_DIR=str(tmp_path_factory.mktemp("figures")),
        **behind,
    )
    if front:
        front.start(site.address)
    return site


@pytest.fixture
def visit(site, front):
    """Make visitors of the site, by whatever stands before it."""
    with contextlib.ExitStack() as leaving:

        def make(*, twin_of=None):
            visitor = leaving.enter_context(front.visitor() if front else Visitor(site.url))
            if twin_of:
                visitor.session.cookies.update(twin_of.session.cookies)
            return visitor

        yield make


class Secrets:
    """Every secret of a run: what it is -> its values."""

    def __init__(self, site, twitter):
        self.site = site
        self.twitter = twitter
        self.values = {
            CLIENT_SECRET: "the client secret",
            SECRET_KEY: "SECRET_KEY",
            METRICS_TOKEN: "METRICS_TOKEN",
            BEARER_TOKEN: "TWITTER_BEARER_TOKEN",
            CONSUMER_SECRET: "TWITTER_CONSUMER_SECRET",
            site.environ["TOKEN_KEYS"]: "TOKEN_KEYS",
            base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode(): "Basic",
        }

    def add(self, **values):
        self.values |= {value: name for name, value in values.items()}

    def collect(self, visitors):
        """Ask the browsers and the sandbox what there was to keep secret."""
        for visitor in visitors:
            self.values |= visitor.cookies_seen
            for answer in visitor.answers:
                for url in (answer.url, answer.headers.get("Location", "")):
                    self._note(query_of(url), CALLBACK_SECRETS)
        for entry in self.twitter.journal():
            form = {name: value[0] for name, value in entry["form"].items()}
            self._note(form, FORM_SECRETS)
        self.values |= {token["token"]: token["kind"] for token in self.twitter.tokens()}
        with self.site.database() as database:
            ids = database.execute("SELECT id FROM sessions UNION SELECT id FROM grants")
            self.values |= {row[0]: ROW_ID for row in ids}

    def _note(self, given, names):
        self.values |= {given[name]: name for name in names if given.get(name)}

    def names(self):
        return set(self.values.values())

    def forms(self):
        """Whole, quoted for a URL, and in pieces: what two secrets share is no secret of either."""
        pieces = Counter(piece for value in self.values for piece in set(pieces_of(value)))
        forms = {}
        for value, name in self.values.items():
            forms |= dict.fromkeys([value, quote(value, safe="")], name)
            forms |= {piece: name for piece in pieces_of(value) if pieces[piece] == 1}
        return forms


def pieces_of(value):
    return [value[start : start + PIECE] for start in range(0, len(value) - PIECE + 1, PIECE)]


def left_behind(site, visitors, front):
    """Return everything that stays when the people are gone: where it lies -> its text."""
    places = {"log": site.logged(), "metrics": figures(site)}
    if front:
        places["nginx"] = front.written().decode("latin-1")
    database = site.environ["DATABASE_URL"].removeprefix("sqlite:///")
    for path in Path(database).parent.glob(f"{Path(database).name}*"):
        places[path.name.replace(Path(database).name, "database")] = path.read_bytes().decode(
            "latin-1"
        )
    ours = [a for v in visitors for a in v.answers if a.url.startswith(v.url)]
    for number, answer in enumerate(ours):
        headers = {k: v for k, v in answer.headers.items() if k != "Set-Cookie"}
        where = f"{number} {answer.request.method} {urlsplit(answer.url).path} {answer.status_code}"
        places[f"page {where}"] = but_for_the_state(answer, site, answer.text)
        places[f"headers {where}"] = but_for_the_state(answer, site, str(headers))
    return places


def figures(site):
    """Return what Prometheus sees, of both workers."""
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    answer = requests.get(f"{site.address}/metrics", headers=headers, timeout=10)
    assert answer.status_code == 200
    return answer.text


def but_for_the_state(answer, site, text):
    """Leave out the state where it belongs: in the address by which Twitter is told."""
    location = answer.headers.get("Location", "")
    if location.startswith(site.environ["TWITTER_AUTHORIZE_URL"]):
        return text.replace(query_of(location)["state"], "")
    return text


def search(secrets, places):
    forms = secrets.forms()
    found = {
        place: sorted({name for form, name in forms.items() if form in text})
        for place, text in places.items()
    }
    for place, names in found.items():
        if ROW_ID in names and not place.startswith("log"):
            names.remove(ROW_ID)  # in rows, and where a browser is told which other one to end
    return {place: names for place, names in found.items() if names}


@pytest.fixture
def secrets(site, twitter):
    return Secrets(site, twitter)


@pytest.fixture
def visitors(visit):
    """Make visitors by calling it; it remembers them all."""
    made = []

    def make(**options):
        made.append(visit(**options))
        return made[-1]

    make.all = made
    return make


@contextmanager
def without_table(site, table):
    """Break the database in the middle of a sign-in."""
    with site.database() as database:
        database.execute(f"ALTER TABLE {table} RENAME TO {table}_away")
    try:
        yield
    finally:
        with site.database() as database:
            database.execute(f"ALTER TABLE {table}_away RENAME TO {table}")


def came_back(visitor, twitter, **fault):
    """Go to Twitter and come back while the token endpoint is under this fault."""
    callback = visitor.consent(visitor.start())
    query = query_of(callback)
    known = {**query, "secret": CLIENT_SECRET}
    for name in {"body", "redirect"} & fault.keys():
        fault[name] = fault[name].format(**known)
    for name, text in fault.get("headers", {}).items():
        fault["headers"] = fault["headers"] | {name: text.format(**known)}
    twitter.fault(path=TOKEN, **fault)
    return visitor.come_back(callback).status_code


def send_raw(site, request):
    """Send what no browser would, and return gunicorn's own answer."""
    parts = urlsplit(site.address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as line:
        line.sendall(request.encode())
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b"")).decode()


# The run, one ending after another


def success(visitors, twitter):
    person = visitors()
    assert person.sign_in().status_code == 200
    assert [person.open(f"/{page}").status_code for page in ("tweets", "account")] == [200, 200]
    twitter.world.token_store.expire_access()
    assert person.open("/follows").status_code == 200
    assert person.log_out().status_code == 200
    wait_until(lambda: "living" not in {token["state"] for token in twitter.tokens()})


def denial(visitors):
    person = visitors()
    callback = person.consent(person.start(), label="Cancel")
    assert person.come_back(callback).status_code == 200


def replay(visitors):
    person = visitors()
    callback = person.consent(person.start())
    window = visitors(twin_of=person)
    assert person.come_back(callback).status_code == 303
    assert person.come_back(callback).status_code == 400
    assert window.come_back(callback + "x").status_code == 400
    assert visitors().come_back(callback).status_code == 400


def impossible_callbacks(visitors):
    person = visitors()
    callback = person.consent(person.start())
    assert person.send("HEAD", callback).status_code == 405
    assert person.send("POST", callback).status_code in {400, 405}
    assert person.come_back(f"{callback}&state=another").status_code == 400
    assert person.come_back(f"{callback}&iss=https%3A%2F%2Fevil.example").status_code == 400
    denied = person.consent(person.start(), label="Cancel")
    unknown = denied.replace("access_denied", query_of(denied)["state"])
    assert person.come_back(unknown).status_code == 424


def a_code_too_old(visitors, twitter):
    person = visitors()
    callback = person.consent(person.start())
    twitter.advance(31)
    assert person.come_back(callback).status_code == 400


def token_answers_that_echo(visitors, twitter):
    refused = '{{"error": "invalid_request", "error_description": "%s"}}'
    about_the_code = "Value passed for the authorization code was invalid. "
    for status, body in [
        (400, refused % (about_the_code + "{code}")),
        (400, refused % ("'{code}'(" + ECHO)),
        (400, '{{"error": "{code}"}}'),
        (401, '{{"error": "unauthorized_client", "error_description": "{secret}"}}'),
        (200, '{{"access_token": "{code} {state}", "token_type": "bearer"}}'),
        (200, '{{"access_token": "{code}", "token_type": "{code}"}}'),
        (200, '["{code}"]'),
        (200, "<p>" + ECHO),
    ]:
        came = came_back(visitors(), twitter, status=status, body=body, **JSON)
        assert came in {202, 400, 401, 424}, body


def every_mischief_that_ends(visitors, twitter):
    for fault in MISCHIEF:
        if fault != HANG:
            assert came_back(visitors(), twitter, **fault) in {303, 424}, fault


def hanging(visitors, twitter, hands):
    """Begin a callback that hangs until the site gives up; meanwhile, others go on."""
    answer = hands.submit(came_back, visitors(), twitter, **HANG)
    wait_until(lambda: any(entry["fault"] for entry in twitter.journal(TOKEN)))
    return answer


def twitter_refuses_our_client(visitors, twitter, site, sites):
    callback = f"{site.url}/auth/callback"
    twitter.register_client(callback, client_id=CLIENT_ID, client_secret="another-one-altogether")
    assert came_back(visitors(), twitter, delay_seconds=0) == 424
    sites.introduce(site, twitter)


def profile_refused(visitors, twitter):
    person = visitors()
    callback = person.consent(person.start())
    problem = {"title": query_of(callback)["code"], "detail": query_of(callback)["state"]}
    twitter.fault(path="/2/users/me", status=401, body=problem)
    assert person.come_back(callback).status_code == 202


def living_tokens(twitter):
    living = [token for token in twitter.tokens() if token["state"] == "living"]
    return {token["kind"]: token["token"] for token in living[-2:]}


def reads_and_refusals_that_echo_tokens(visitors, twitter):
    person = visitors()
    person.sign_in("heron")
    tokens = living_tokens(twitter)
    said = {"title": tokens["access_token"], "detail": str(tokens), "type": tokens["access_token"]}
    for status in (400, 403, 429):
        twitter.fault(path="/2/users/*/tweets", status=status, body=said)
        assert person.open("/tweets").status_code < 500
    refused = {"error": "invalid_request", "error_description": f"no {tokens}"}
    twitter.fault(path=REVOKE, times=2, status=400, body=refused)
    before = len(twitter.journal(REVOKE))
    person.log_out()
    wait_until(lambda: len(twitter.journal(REVOKE)) == before + 2)


def events_of_x(visitors, twitter, secrets):
    """Deliver a revocation as X does; then what is unreadable, and what X did not sign."""
    visitors().sign_in("heron")
    tokens = living_tokens(twitter)
    x = visitors()
    assert x.send("GET", "/webhooks/x?crc_token=a-challenge-of-x").status_code == 200
    for body, secret, status in [
        (event(payload={"user_id": HERON, "note": tokens}), CONSUMER_SECRET, 200),
        (event(event_uuid=str(tokens)), CONSUMER_SECRET, 400),
        (str(tokens).encode(), CONSUMER_SECRET, 400),
        (event(event_uuid=str(tokens)), "another-secret", 403),
    ]:
        signature = {SIGNATURE: signed(body, secret)}
        secrets.add(signature=signature[SIGNATURE])
        assert x.send("POST", "/webhooks/x", data=body, headers=signature).status_code == status


def refresh_refused(visitors, twitter):
    person = visitors()
    person.sign_in("jay")
    tokens = living_tokens(twitter)
    twitter.world.token_store.expire_access()
    spent = f"Value passed for the token was invalid. {tokens['refresh_token']}"
    refused = {"error": "invalid_request", "error_description": spent}
    twitter.fault(path=TOKEN, status=400, body=refused)
    person.open("/follows")
    assert not person.is_signed_in()


def other_browsers_ended(visitors):
    person, other = visitors(), visitors()
    for browser in (person, other):
        assert browser.sign_in("jay").status_code == 200
    page = person.open("/account")
    forms = [form for form in Forms(page.text).found if form.action.endswith("/end")]
    ended = [person.send("POST", form.action, data=form.fields).status_code for form in forms]
    assert set(ended) == {303}
    assert not other.is_signed_in()


def broken_database(visitors, site):
    for table in ("used_states", "sessions", "grants", "revocations", "endings", "users"):
        person = visitors()
        callback = person.consent(person.start())
        with without_table(site, table):
            status = person.come_back(callback).status_code
        assert status == 503, table


def unexpected_exceptions(visitors):
    person = visitors()
    callback = person.consent(person.start())
    broken = {"X-Break": "1"}
    assert person.send("GET", callback, headers=broken).status_code == 500
    assert person.come_back(callback).status_code == 303
    assert person.send("GET", "/account", headers=broken).status_code == 500


def malformed_requests(visitors, site):
    person = visitors()
    callback = person.consent(person.start())
    path = f"{urlsplit(callback).path}?{urlsplit(callback).query}"
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in person.session.cookies)
    for request in [
        f"GET {path} HTTP/9.9\r\n\r\n",
        f"get {path} HTTP/1.1\r\n\r\n",
        f"GET {path} HTTP/1.1\r\nHost: a b\r\nCookie : {cookies}\r\n\r\n",
        f"GET {path}{'a' * 5000} HTTP/1.1\r\n\r\n",
    ]:
        assert send_raw(site, request).startswith("HTTP/1.1 4")


def said_by(site, *, as_json):
    """Return who has written something, and at which level: of loggers the first part."""
    form = r'"level": "(\w+)", "logger": "(\w+)' if as_json else r"^\S+ ([A-Z]+) (\w+)"
    return set(re.findall(form, site.logged(), re.MULTILINE))


def test_every_kind_of_mischief_is_in_the_run():
    kinds = {name for fault in MISCHIEF for name in fault}

    assert kinds == {each.name for each in fields(Fault)} - AROUND_A_FAULT


def test_a_full_run_leaves_no_secret_behind(site, sites, twitter, visitors, secrets, front):
    success(visitors, twitter)
    with ThreadPoolExecutor(1) as hands:
        late = hanging(visitors, twitter, hands)
        denial(visitors)
        replay(visitors)
        impossible_callbacks(visitors)
        token_answers_that_echo(visitors, twitter)
        every_mischief_that_ends(visitors, twitter)
        twitter_refuses_our_client(visitors, twitter, site, sites)
        profile_refused(visitors, twitter)
        reads_and_refusals_that_echo_tokens(visitors, twitter)
        events_of_x(visitors, twitter, secrets)
        refresh_refused(visitors, twitter)
        other_browsers_ended(visitors)
        unexpected_exceptions(visitors)
        malformed_requests(visitors, site)
        assert late.result() == 424
    broken_database(visitors, site)
    a_code_too_old(visitors, twitter)

    assert twitter.journal()[0]["number"] == 1  # nothing has fallen out of it yet
    secrets.collect(visitors.all)
    places = left_behind(site, visitors.all, front)
    session = f"{'__Host-' if front else ''}session-{urlsplit(site.url).port}"
    assert {"code", "state", "code_verifier", session, "access_token", ROW_ID} <= secrets.names()
    assert len(secrets.values) > 100
    assert [said for said in SAID_AT_DEBUG if said not in said_by(site, as_json=bool(front))] == []
    assert "RuntimeError" in places["log"]
    assert search(secrets, places) == {}
    assert 'perch_sign_ins_total{outcome="failed"}' in places["metrics"]
    told = set(re.findall(r"\w+", " ".join(re.findall(r"{.*}", places["metrics"]))))
    accounts = twitter.world.accounts.values()
    assert told & {text for account in accounts for text in (account.id, account.username)} == set()


def test_a_header_without_a_colon_is_not_quoted_in_the_log(site, twitter, visitors, secrets, front):
    person = visitors()
    person.start()
    flow = next(cookie for cookie in person.session.cookies if "flow-" in cookie.name)

    header = f"Cookie {flow.name}={flow.value}"
    answer = send_raw(site, f"GET / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n")

    assert answer.startswith("HTTP/1.1 400")
    assert search(*collected(site, visitors, secrets, front)) == {}


# Would the search find one?


def leak_into_the_log(visitor, site, secret):
    # The last handler knows a state by its looks, unless it comes in parts.
    visitor.send("GET", f"/{secret[:PIECE]}.{secret[PIECE:]}")


def leak_into_a_page(visitor, site, secret):
    visitor.send("GET", f"/?next=/{secret}")


def leak_into_an_address(visitor, site, secret):
    visitor.send("GET", f"/tweets?{secret}")


def leak_into_the_database(visitor, site, secret):
    with site.database() as database:
        database.execute(
            "INSERT INTO used_states (state_hash, code_hash, used_at) VALUES (?, '', '')", [secret]
        )


def leak_into_the_figures(visitor, site, secret):
    (folder,) = Path(site.environ["PROMETHEUS_MULTIPROC_DIR"]).iterdir()
    file = MmapedDict(str(folder / f"counter_{secret[:5]}.db"))
    key = mmap_key("perch_leak", "perch_leak_total", ["of"], [secret], "A leak.")
    file.write_value(key, 1.0, 0.0)
    file.close()


@pytest.mark.parametrize("cut", [slice(None), slice(PIECE, 2 * PIECE)], ids=["whole", "piece"])
@pytest.mark.parametrize("front", ["http"], indirect=True, scope="module")
def test_the_search_finds_secrets_that_were_planted(site, visitors, secrets, cut):
    leaks = {
        "metrics": leak_into_the_figures,
        "log": leak_into_the_log,
        "page": leak_into_a_page,
        "headers": leak_into_an_address,
        "database": leak_into_the_database,
    }
    for place, leak in leaks.items():
        visitor = visitors()
        secrets.values = {query_of(visitor.start())["state"]: "state"}
        state = next(iter(secrets.values))
        assert search(secrets, left_behind(site, [visitor], None)) == {}

        leak(visitor, site, state[cut])

        found = search(secrets, left_behind(site, [visitor], None))
        assert [where for where in found if where.startswith(place)]


def collected(site, visitors, secrets, front):
    secrets.collect(visitors.all)
    return secrets, left_behind(site, visitors.all, front)
