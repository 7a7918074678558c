"""Headers, cookies, forms and host names: what holds for every answer."""

import re
import time

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature, TimestampSigner

from tests.factories import PUBLIC_URL
from tests.site import Browser
from tests.web import observatory

pytestmark = pytest.mark.core

HTTPS = {"PUBLIC_URL": "https://birds.example"}
# A page, an error, a refused callback, one for machines, one that redirects, and a file.
EVERY_KIND = ["/", "/nowhere", "/auth/callback", "/healthz", "/tweets", "/static/css/base.css"]
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "credentialless",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class HttpsBrowser(Browser):
    """Comes by https, and says where it comes from."""

    def open(self, *args, headers=None, **kwargs):
        address = HTTPS["PUBLIC_URL"]
        headers = {"Referer": f"{address}/", **(headers or {})}
        return super().open(*args, base_url=address, headers=headers, **kwargs)


@pytest.fixture
def https(build_app):
    app = build_app(**HTTPS)
    app.test_client_class = HttpsBrowser
    return app.test_client()


def session_reader(key):
    app = Flask("reader")
    app.secret_key = key
    return SecureCookieSessionInterface().get_signing_serializer(app)


def policy(answer):
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


# Headers


@pytest.mark.parametrize("path", EVERY_KIND)
def test_every_answer_carries_the_headers(client, path):
    with client.get(path, headers={"Origin": "https://evil.example"}) as answer:
        names = [name for name, _ in answer.headers if name != "Set-Cookie"]

    assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
    assert sorted(names) == sorted(set(names))
    assert "Strict-Transport-Security" not in names
    assert (answer.headers.get("Cache-Control") == "no-store") == ("static" not in path)


@pytest.mark.parametrize("path", ["nope.css", "nope.css?v=12345678", "css/", "../wsgi.py"])
def test_what_is_no_file_below_static_is_a_page_and_not_kept(signed_in, path):
    answer = signed_in.get(f"/static/{path}")

    assert answer.status_code == 404
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Cookie" in answer.headers["Vary"]


@pytest.mark.parametrize("method", ["OPTIONS", "POST", "GET"])
def test_answers_about_a_file_that_are_not_the_file_are_not_kept(client, method):
    elsewhere = {"base_url": "http://localhost:8000"} if method == "GET" else {}

    answer = client.open("/static/css/base.css", method=method, **elsewhere)

    assert answer.headers["Cache-Control"] == "no-store"


def test_the_policy_lets_in_our_own_files_and_twitters_pictures(client):
    said = policy(client.get("/"))

    assert said.pop("img-src").startswith("'self' https://pbs.twimg.com")
    assert said.pop("form-action") == "'self' https://x.com https://twitter.com"
    assert said == {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


def test_form_action_names_the_configured_authorization_server(build_app):
    app = build_app(TWITTER_AUTHORIZE_URL="https://login.example:8443/authorize")

    answer = app.test_client().get("/")

    assert policy(answer)["form-action"] == "'self' https://login.example:8443"


def test_no_other_site_may_read_our_answers(signed_in):
    for path in ("/", "/account/export", "/healthz"):
        answer = signed_in.get(path, headers={"Origin": "https://evil.example"})

        assert "Access-Control-Allow-Origin" not in answer.headers


def test_https_promises_https_for_good(https):
    assert https.get("/").headers["Strict-Transport-Security"] == "max-age=63072000"


# Cookies


def test_cookies_are_http_only_and_lax(client):
    client.press_sign_in()

    cookies = list(client._cookies.values())
    assert len(cookies) == 2
    assert all(cookie.http_only for cookie in cookies)
    assert {cookie.same_site for cookie in cookies} == {"Lax"}


def test_https_cookies_are_secure_and_bound_to_the_host(https):
    page = https.get("/")
    answer = https.post("/auth/login", data={"csrf_token": https.csrf_token()})

    cookies = page.headers.getlist("Set-Cookie") + answer.headers.getlist("Set-Cookie")
    assert (answer.status_code, len(cookies)) == (303, 2)
    assert all(cookie.startswith("__Host-") for cookie in cookies)
    assert all("Secure" in cookie and "Path=/" in cookie for cookie in cookies)
    assert not any("Domain" in cookie for cookie in cookies)


def test_a_session_that_was_changed_is_ignored(signed_in):
    payload, rest = signed_in.session_cookie().split(".", 1)
    signed_in.set_cookie("session-8000", f"{payload[:-2]}AA.{rest}", domain="127.0.0.1")

    assert not signed_in.is_signed_in()


def test_a_rotated_secret_key_keeps_sessions_and_pending_sign_ins(build_app, kind_twitter):
    old, new = "o" * 40, "n" * 40
    before = build_app(SECRET_KEY=old).test_client()
    before.sign_in()
    started = before.press_sign_in()

    after = build_app(SECRET_KEY=f"{new},{old}").test_client().with_cookies_of(before)

    assert after.is_signed_in()
    assert after.come_back(state=started.state, code="c").status_code == 303


@pytest.mark.parametrize("kept", ["", "a hash, in cookies of earlier releases"])
def test_a_session_survives_a_change_of_address(signed_in, kept):
    with signed_in.session_transaction(base_url=PUBLIC_URL) as session:
        session["_id"] = kept
    elsewhere = {"REMOTE_ADDR": "203.0.113.9", "HTTP_USER_AGENT": "another"}

    page = signed_in.get("/account", environ_overrides=elsewhere)

    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers


def test_sessions_are_signed_with_a_key_of_their_own(app, signed_in):
    key = app.extensions["perch"].config.secret_key[0]
    value = signed_in.session_cookie()

    assert session_reader(app.secret_key).loads(value)
    with pytest.raises(BadSignature):
        session_reader(key).loads(value)


# Marks


def everything_answered(client):
    """Return an answer of each kind, those to a signed-in person among them."""
    front = client.get("/")
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', front.text)
    assert {path.partition("?")[0].rpartition(".")[2] for path in files} >= {"css", "js"}
    login = client.post("/auth/login", data={"csrf_token": client.csrf_token()})
    callback = client.sign_in()
    pages = ("/", "/account", "/tweets", "/nowhere", "/healthz", "/metrics", "/auth/login")
    return [front, login, callback, *map(client.get, (*pages, *files)), client.post("/auth/logout")]


def test_every_answer_earns_the_best_grade_of_the_observatory(https, kind_twitter):
    marks = {}
    for answer in everything_answered(https):
        with answer:
            name = f"{answer.request.method} {answer.request.path} {answer.status_code}"
            marks[name] = observatory.grade(answer)

    assert len(marks) > 15
    assert {name: why for name, (grade, why) in marks.items() if grade != "A+"} == {}


def test_the_marks_notice_what_is_missing(https):
    flawed = [
        ("Content-Security-Policy", "default-src 'self' 'unsafe-inline'", "B+"),
        ("Content-Security-Policy", None, "B"),
        ("Strict-Transport-Security", "max-age=86400", "A+"),
        ("Strict-Transport-Security", None, "B+"),
        ("Set-Cookie", "session=x; HttpOnly; SameSite=Lax", "C or worse"),
        ("Set-Cookie", "session=x; Secure; SameSite=Lax", "B"),
        ("Access-Control-Allow-Origin", "*", "C or worse"),
    ]

    def graded(header, value):
        answer = https.get("/")
        answer.headers.pop(header, None)
        if value is not None:
            answer.headers[header] = value
        return observatory.grade(answer)[0]

    assert [graded(header, value) for header, value, _ in flawed] == [best for *_, best in flawed]


# Forms


@pytest.mark.parametrize("path", ["/auth/login", "/auth/logout"])
def test_a_form_without_a_token_is_offered_again(client, path):
    page = client.post(path, data={"next": "/follows"})

    assert page.status_code == 400
    assert "Please press once more" in page.text
    assert f'action="{path}"' in page.text


def test_a_token_of_another_browser_is_refused(app, client):
    token = app.test_client().csrf_token()
    client.csrf_token()

    page = client.post("/auth/login", data={"csrf_token": token})

    assert page.status_code == 400


def test_a_form_lives_as_long_as_its_session(client, monkeypatch):
    token = client.csrf_token()
    later = int(time.time()) + 20 * 24 * 3600
    monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _self: later)

    assert client.post("/auth/login", data={"csrf_token": token}).status_code == 303


OURS, EVIL = HTTPS["PUBLIC_URL"], "https://evil.example"


@pytest.mark.parametrize(
    "headers, refused",
    [
        ({"Origin": OURS}, ""),
        ({"Sec-Fetch-Site": "same-origin"}, ""),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, ""),
        ({"Referer": f"{OURS}/"}, ""),
        ({"Referer": f"{OURS}/", "Origin": "null", "Sec-Fetch-Site": "none"}, ""),
        ({}, "hides which site"),
        ({"Origin": "null"}, "hides which site"),
        ({"Origin": EVIL}, "from another site"),
        ({"Origin": f"{OURS}.evil.example"}, "from another site"),
        ({"Origin": "http://birds.example"}, "from another site"),
        ({"Sec-Fetch-Site": "cross-site"}, "from another site"),
        ({"Sec-Fetch-Site": "same-site"}, "from another site"),
        ({"Origin": EVIL, "Referer": f"{OURS}/"}, "from another site"),
        ({"Referer": f"{EVIL}/"}, "from another site"),
        ({"Referer": f"{OURS}.evil.example/"}, "from another site"),
        ({"Referer": "https://["}, "from another site"),
    ],
)
def test_a_form_on_https_comes_from_our_own_pages(https, headers, refused):
    token = https.csrf_token()

    answer = https.post(
        "/auth/login", data={"csrf_token": token}, headers={"Referer": ""} | headers
    )

    assert answer.status_code == (400 if refused else 303)
    assert refused in answer.text


def test_a_form_of_ours_needs_its_token_all_the_same(https):
    headers = {"Origin": OURS, "Sec-Fetch-Site": "same-origin"}

    assert https.post("/auth/login", headers=headers).status_code == 400


def test_a_refused_form_says_which_check_it_failed(app, client):
    token = client.csrf_token()
    foreign = app.test_client().csrf_token()

    pages = [
        app.test_client().post("/auth/login", data={"csrf_token": token}),
        client.post("/auth/login"),
        client.post("/auth/login", data={"csrf_token": foreign}),
    ]

    assert [page.status_code for page in pages] == [400] * 3
    assert "sent no cookie of ours" in pages[0].text
    assert "without the token" in pages[1].text
    assert "from before you last signed in or out" in pages[2].text


def test_login_cannot_be_started_by_get(client):
    assert client.get("/auth/login").status_code == 405


def test_signed_out_people_are_asked_to_sign_in_and_come_back(client):
    answer = client.get("/follows?page=2")

    assert (answer.status_code, answer.location) == (303, "/?next=/follows?page%3D2")
    assert 'value="/follows?page=2"' in client.get(answer.location).text


def test_a_button_pressed_while_signed_out_leads_back_to_its_page(client):
    elsewhere, here = [
        client.press("/follows", page="/", user_id="1002", next=path)
        for path in ("//evil.example", "/people/robin")
    ]

    assert (elsewhere.status_code, elsewhere.location) == (303, "/?next=/")
    assert (here.status_code, here.location) == (303, "/?next=/people/robin")


# Names


def test_another_host_name_is_sent_to_ours(client):
    answer = client.get("/tweets?page=2", base_url="http://localhost:8000")

    assert answer.status_code == 302
    assert answer.location == f"{PUBLIC_URL}/tweets?page=2"


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "//evil.example/%2f.."])
def test_the_redirect_to_our_name_leads_nowhere_else(client, path):
    answer = client.get(path, base_url="http://localhost:8000")

    assert answer.location is None or answer.location.startswith(f"{PUBLIC_URL}/")


def test_a_form_sent_to_another_host_name_is_refused(client):
    assert client.post("/auth/login", base_url="http://evil.example").status_code == 400


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_answers_by_any_name(client, path):
    assert client.get(path, base_url="http://10.0.0.7:8000").status_code == 200


def test_forwarded_hosts_are_believed_only_behind_a_proxy(build_app):
    headers = {"X-Forwarded-Host": "birds.example", "X-Forwarded-Proto": "https"}
    alone = build_app(**HTTPS).test_client()
    behind = build_app(**HTTPS, TRUSTED_PROXIES="1").test_client()

    answers = [
        client.get("/", base_url="http://127.0.0.1:8000", headers=headers)
        for client in (alone, behind)
    ]

    assert [answer.status_code for answer in answers] == [302, 200]
