"""The endpoints that each page calls, compared with the document."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.twitter.dialect import LIVE, Permission
from app.twitter.endpoints import BY_ROUTE, ENDPOINTS
from tests.dialects import in_both_dialects
from tests.factories import TOKEN_PATH, token_answer
from tests.sections import table_of
from tests.unit.calls import THING

DOCUMENT = Path(__file__).parents[2] / "docs" / "twitter-api.md"
SIGN_IN = "sign-in"
ROBIN = "1002"  # everything else here has the id of the person themselves
# By the names that the document has for them.
OPENED = {
    "`/`": "/",
    "`/tweets`": "/tweets",
    "`/tweets/<id>`": "/tweets/10",
    "`/tweets/lookup?ids=`": "/tweets/lookup?ids=10",
    "`/people?who=`": f"/people?who={ROBIN},@robin",
    "`/people/<username>`": "/people/robin",
    "`/people/id/<id>`": f"/people/id/{ROBIN}",
    "`/follows`": "/follows",
    "`/follows/followers`": "/follows/followers",
    "`/account`": "/account",
    "`/account/sign-in`": "/account/sign-in",
    "`/account/export`": "/account/export",
    "`/account/disconnect`": "/account/disconnect",
    "`/how-it-works`": "/how-it-works",
    "`/privacy`": "/privacy",
    **table_of("OPENED"),
}
PRESSED = {
    "`POST /follows`": "/follows",
    "`POST /follows/<id>/delete`": f"/follows/{ROBIN}/delete",
    "`POST /account/browsers/end`": "/account/browsers/end",
    "`POST /account/browsers/end-others`": "/account/browsers/end-others",
    "`POST /account/disconnect`": "/account/disconnect",
}
BY_SIGN_IN = ("follow", "unfollow")


def endpoint_of(request):
    """Return the endpoint that was asked; nothing for those of the sign-in itself."""
    path = urlsplit(request.url).path.removeprefix("/2")
    # "/users/me" is no id.
    for endpoint in sorted(ENDPOINTS, key=lambda one: one.path.count(":")):
        pattern = re.sub(r":\w+", "[^/]+", endpoint.path)
        if endpoint.method == request.method and re.fullmatch(pattern, path):
            return endpoint
    return None


def anything(request):
    """Answer with one thing in which everything can be found, as a list where one is promised."""
    path = endpoint_of(request).path
    single = path.rsplit("/", 1)[-1] in {"me", ":id", ":username"}
    data = THING | {"following": True, "pending_follow": False}
    return 200, {}, json.dumps({"data": data if single or request.method != "GET" else [data]})


class Notes:
    """The requests of each page."""

    def __init__(self, twitter):
        self.twitter = twitter
        self.asked = {}
        self.seen = 0

    def note(self, page):
        new = [call.request for call in self.twitter.calls][self.seen :]
        self.seen += len(new)
        for endpoint in filter(None, map(endpoint_of, new)):
            self.asked.setdefault(endpoint.route, set()).add(page)


@pytest.fixture
def client(build_app):
    return build_app(CACHE_SECONDS="0").test_client()  # no page lives on what another has read


@pytest.fixture
def notes(client, twitter):
    """Sign in, do everything there is to do, and note what each page asked for."""
    dialect = twitter.dialect
    twitter.post(TOKEN_PATH, json=token_answer(scope=dialect.granted()))
    twitter.post(TOKEN_PATH, json=token_answer(scope=dialect.granted(dialect.follow)))
    twitter.post("/oauth2/revoke", json={"revoked": True})
    for method in ("GET", "POST", "DELETE"):
        twitter.add_callback(method, re.compile(r".*/2/(?!oauth2).*"), anything)
    noted = Notes(twitter)
    sign_in(client, noted)
    for page, address in OPENED.items():
        assert client.get(address).status_code in {200, 404}
        noted.note(page)
    press_all(client, noted, "follows")  # explains which permission it takes
    for action in BY_SIGN_IN:
        sign_in(client, noted, ask="write_follows", pending_action=f"{action}:{ROBIN}")
    press_all(client, noted, "follows")
    press_all(client, noted, "account")
    return noted


def sign_in(client, noted, **fields):
    started = client.press_sign_in(**fields)
    noted.note("`/`")  # where the button is
    client.come_back(state=started.state, code="c")
    noted.note(SIGN_IN)


def press_all(client, noted, room):
    for page, address in PRESSED.items():
        if address.startswith(f"/{room}"):
            form = {"csrf_token": client.csrf_token("/account"), "user_id": ROBIN}
            assert client.post(address, data=form | {"sure": "yes"}).status_code in {200, 303, 404}
            noted.note(page)


def written(dialect):
    """Return what the document says of a dialect: the pages of each endpoint that is in it."""
    lines = re.findall(r"^\| (`(?:GET|POST|DELETE) .*) \|$", DOCUMENT.read_text(), re.MULTILINE)
    rows = [line.split(" | ") for line in lines]
    return {
        route.strip("`"): pages_in(pages, dialect)
        for route, _, _, _, dialects, pages, _ in rows
        if dialect.name in dialects
    }


def pages_in(cell, dialect):
    """Read "`/a`, `/b`; `/c` in the beta"."""
    where = {" in `live`": "live", " in the beta": "beta"}
    found = set()
    for part in cell.split("; "):
        ending = next((words for words in where if part.endswith(words)), "")
        if where.get(ending, dialect.name) == dialect.name:
            found |= set(part.removesuffix(ending).split(", "))
    return found


@in_both_dialects
def test_the_document_names_every_page_of_every_endpoint(notes, dialect):
    known = {*OPENED, *PRESSED, SIGN_IN}

    # The document may still tell of a section that was taken out.
    assert notes.asked == {
        route: pages & known
        for route, pages in written(dialect).items()
        if route in notes.asked or pages <= known
    }


def test_a_sign_in_asks_for_what_the_pages_read_and_nothing_else(notes):
    asked = {BY_ROUTE[route] for route in notes.asked}
    read = {need for endpoint in asked if endpoint.method == "GET" for need in endpoint.needs}

    assert {*LIVE.at_sign_in} == read | {Permission.STAY_SIGNED_IN}


def test_no_page_is_left_out(app):
    routes = app.url_map.bind("127.0.0.1")
    visited = {routes.match(urlsplit(address).path)[0] for address in OPENED.values()}
    visited |= {routes.match(address, method="POST")[0] for address in PRESSED.values()}

    assert visited == {name for name in app.view_functions if name.startswith("pages.")}
