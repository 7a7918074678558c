"""Headers, cookies, forms and host names: what holds for every answer."""

import re

import pytest

from tests.factories import PUBLIC_URL
from tests.site import Browser
from tests.web import observatory

HTTPS = {"PUBLIC_URL": "https://perch.example"}


def policy(answer):
    parts = answer.headers["Content-Security-Policy"].split("; ")
    return dict(part.split(" ", 1) for part in parts)


@pytest.mark.parametrize("path", ["/", "/nowhere", "/auth/callback", "/healthz", "/tweets"])
def test_every_answer_carries_the_headers(client, path):
    answer = client.get(path)

    assert policy(answer)["default-src"] == "'none'"
    assert policy(answer)["frame-ancestors"] == "'none'"
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "credentialless"
    assert "camera=()" in answer.headers["Permissions-Policy"]
    assert policy(answer)["object-src"] == policy(answer)["base-uri"] == "'none'"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/nowhere", "/healthz", "/tweets", "/static/css/base.css"])
def test_no_header_comes_twice(client, path):
    with client.get(path) as answer:
        names = [name for name, _ in answer.headers if name != "Set-Cookie"]

    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", ["/", "/account/copy", "/healthz", "/static/css/base.css"])
def test_no_other_site_may_read_our_answers(client, path):
    with client.get(path, headers={"Origin": "https://evil.example"}) as answer:
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_form_action_lets_the_sign_in_button_reach_twitter(client):
    assert "https://x.com" in policy(client.get("/"))["form-action"].split()


def test_form_action_names_the_configured_authorization_server(build_app):
    app = build_app(TWITTER_AUTHORIZE_URL="https://login.example:8443/authorize")

    answer = app.test_client().get("/")

    assert policy(answer)["form-action"] == "'self' https://login.example:8443"


def test_static_files_may_be_cached(client):
    path = re.search(r'href="(/static/[^"]+\.css[^"]*)"', client.get("/").text)[1]

    with client.get(path) as answer:
        assert answer.status_code == 200
        assert answer.headers.get("Cache-Control") != "no-store"


def test_cookies_are_http_only_and_lax(client):
    client.press_sign_in()

    cookies = list(client._cookies.values())
    assert len(cookies) == 2
    assert all(cookie.http_only for cookie in cookies)
    assert {cookie.same_site for cookie in cookies} == {"Lax"}


def test_https_cookies_are_secure_and_bound_to_the_host(build_app):
    client = build_app(**HTTPS).test_client()
    page = client.get("/", base_url="https://perch.example")
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)[1]

    answer = client.post(
        "/auth/login",
        data={"csrf_token": token},
        base_url="https://perch.example",
        headers={"Referer": "https://perch.example/"},
    )

    cookies = page.headers.getlist("Set-Cookie") + answer.headers.getlist("Set-Cookie")
    assert answer.status_code == 303
    assert all(cookie.startswith("__Host-") for cookie in cookies)
    assert all("Secure" in cookie and "Path=/" in cookie for cookie in cookies)
    assert not any("Domain" in cookie for cookie in cookies)


def test_https_promises_https_for_good(build_app):
    client = build_app(**HTTPS).test_client()

    answer = client.get("/", base_url="https://perch.example")

    assert "max-age=63072000" in answer.headers["Strict-Transport-Security"]


def test_http_on_loopback_does_not_promise_https(client):
    assert "Strict-Transport-Security" not in client.get("/").headers


# Marks


class HttpsBrowser(Browser):
    """Comes by https, and says where it comes from."""

    def open(self, *args, headers=None, **kwargs):
        address = HTTPS["PUBLIC_URL"]
        headers = {"Referer": f"{address}/", **(headers or {})}
        return super().open(*args, base_url=address, headers=headers, **kwargs)


def everything_answered(client):
    """Return an answer of each kind, those to somebody who is signed in among them."""
    front = client.get("/")
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', front.text)
    assert {path.partition("?")[0].rpartition(".")[2] for path in files} == {"css", "js", "svg"}
    login = client.post("/auth/login", data={"csrf_token": client.csrf_token()})
    callback = client.sign_in()
    pages = ("/", "/account", "/tweets", "/nowhere", "/healthz", "/metrics", "/auth/login")
    return [front, login, callback, *map(client.get, (*pages, *files)), client.post("/auth/logout")]


def test_every_answer_earns_the_best_grade_of_the_observatory(build_app, kind_twitter):
    app = build_app(**HTTPS)
    app.test_client_class = HttpsBrowser

    marks = {}
    for answer in everything_answered(app.test_client()):
        with answer:
            name = f"{answer.request.method} {answer.request.path} {answer.status_code}"
            marks[name] = observatory.grade(answer)

    assert len(marks) > 15
    assert {name: why for name, (grade, why) in marks.items() if grade != "A+"} == {}


@pytest.mark.parametrize(
    "header, value, best",
    [
        ("Content-Security-Policy", "default-src 'self' 'unsafe-inline'", "B+"),
        ("Content-Security-Policy", None, "B"),
        ("Strict-Transport-Security", "max-age=86400", "A+"),
        ("Strict-Transport-Security", None, "B+"),
        ("Set-Cookie", "session=x; HttpOnly; SameSite=Lax", "C or worse"),
        ("Set-Cookie", "session=x; Secure; SameSite=Lax", "B"),
        ("Access-Control-Allow-Origin", "*", "C or worse"),
    ],
)
def test_the_marks_notice_what_is_missing(build_app, header, value, best):
    client = build_app(**HTTPS).test_client()
    answer = client.get("/", base_url=HTTPS["PUBLIC_URL"])

    answer.headers.pop(header, None)
    if value is not None:
        answer.headers[header] = value

    assert observatory.grade(answer)[0] == best


@pytest.mark.parametrize("path", ["/auth/login", "/auth/logout"])
def test_a_form_without_a_token_is_offered_again(client, path):
    page = client.post(path, data={"next": "/spaces"})

    assert page.status_code == 400
    assert "Please press once more" in page.text
    assert f'action="{path}"' in page.text


def test_a_stale_login_form_keeps_where_the_person_wanted_to_go(client, kind_twitter):
    page = client.post("/auth/login", data={"next": "/spaces", "csrf_token": "stale"})
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page.text))

    answer = client.post("/auth/login", data=fields)

    assert fields["next"] == "/spaces"
    assert answer.status_code == 303


def test_a_token_of_another_browser_is_refused(app, client):
    token = app.test_client().csrf_token()
    client.csrf_token()

    page = client.post("/auth/login", data={"csrf_token": token})

    assert page.status_code == 400


def test_login_cannot_be_started_by_get(client):
    assert client.get("/auth/login").status_code == 405


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
    headers = {"X-Forwarded-Host": "perch.example", "X-Forwarded-Proto": "https"}
    alone = build_app(**HTTPS).test_client()
    behind = build_app(**HTTPS, TRUSTED_PROXIES="1").test_client()

    answers = [
        client.get("/", base_url="http://127.0.0.1:8000", headers=headers)
        for client in (alone, behind)
    ]

    assert [answer.status_code for answer in answers] == [302, 200]


def test_too_many_sign_ins_are_asked_to_wait(build_app):
    client = build_app(RATELIMIT_ENABLED="on").test_client()
    token = client.csrf_token()

    answers = [client.post("/auth/login", data={"csrf_token": token}) for _ in range(31)]

    assert [answer.status_code for answer in answers] == [303] * 30 + [429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 61
    assert "Too many tries" in answers[-1].text


def test_rate_limits_can_be_switched_off(build_app):
    client = build_app(RATELIMIT_ENABLED="0").test_client()
    token = client.csrf_token()

    answers = [client.post("/auth/login", data={"csrf_token": token}) for _ in range(40)]

    assert {answer.status_code for answer in answers} == {303}


def test_a_huge_form_is_refused(client):
    page = client.post("/auth/login", data={"next": "x" * 100_000})

    assert page.status_code == 413


def test_signed_out_people_are_asked_to_sign_in_and_come_back(client):
    answer = client.get("/follows?page=2")

    assert (answer.status_code, answer.location) == (303, "/?next=/follows?page%3D2")
    assert 'value="/follows?page=2"' in client.get(answer.location).text


def test_a_session_that_was_changed_is_ignored(client, kind_twitter):
    client.sign_in()
    cookie = client.get_cookie("session", domain="127.0.0.1")
    payload, rest = cookie.value.split(".", 1)
    client.set_cookie("session", f"{payload[:-2]}AA.{rest}", domain="127.0.0.1")

    assert not client.is_signed_in()


def test_a_rotated_secret_key_signs_nobody_out(build_app, kind_twitter):
    old, new = "o" * 40, "n" * 40
    before = build_app(SECRET_KEY=old).test_client()
    before.sign_in()
    started = before.press_sign_in()

    after = build_app(SECRET_KEY=f"{new},{old}").test_client()
    after._cookies.update(before._cookies)

    assert after.is_signed_in()
    assert after.come_back(state=started.state, code="c").status_code == 303
