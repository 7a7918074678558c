"""Damaged cookies, hosts and addresses from strangers: never a 5xx, and no lasting harm."""

import io
from datetime import UTC, datetime

import pytest
from werkzeug.wrappers import Request

from tests.factories import PUBLIC_URL


def raw_get(app, path="/", **environ):
    """Send what no test client would: a WSGI environment with odd bytes in it."""
    said = {}

    def start_response(status, headers, _exc_info=None):
        said.update(status=int(status[:3]), headers=dict(headers))

    base = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "HTTP_HOST": "127.0.0.1:8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    answer = app.wsgi_app(base | environ, start_response)
    said["body"] = b"".join(answer).decode()
    answer.close()
    return said


def test_a_damaged_cookie_is_as_good_as_none(app):
    cookies = [
        "remember_token=a|\xff",
        "remember_token=1|x",
        "session-8000=\xff\xfe",
        "session-8000=a.b.c",
        "visit-8000=a.b.c",
        "flow-8000-000000000000=\xff\xfe",
        "flow-8000-2d711642b726=\xff\xfe",  # of the state "x"
        "\xff=\xff",
        ";;;===",
        "=",
        "a" * 4000,
    ]

    fronts = [raw_get(app, HTTP_COOKIE=cookie) for cookie in cookies]
    callbacks = [
        raw_get(app, "/auth/callback", QUERY_STRING="state=x", HTTP_COOKIE=cookie)
        for cookie in cookies
    ]

    assert {said["status"] for said in fronts} == {200}
    assert all("Sign in with Twitter" in said["body"] for said in fronts)
    assert {said["status"] for said in callbacks} == {400}
    assert all("cannot be finished" in said["body"] for said in callbacks)


def test_a_flow_cookie_with_odd_bytes_is_deleted_at_the_start(app):
    cookies = app.extensions["flow_cookies"]
    request = Request({"HTTP_COOKIE": "flow-8000-000000000000=\xff\xfe", "REQUEST_METHOD": "POST"})

    assert cookies._surplus(request, now=datetime.now(UTC)) == ["flow-8000-000000000000"]


@pytest.mark.parametrize("path", ["/", "/healthz"])
def test_an_impossible_host_is_refused_calmly(app, path, caplog):
    hosts = ["x" * 300, "..", "a b", "[::1", "127.0.0.1:port", "\xff", "", "127.0.0.1:8000,evil"]

    statuses = [raw_get(app, path, HTTP_HOST=host)["status"] for host in hosts]

    assert [status for status in statuses if status >= 500] == []
    assert "Traceback" not in caplog.text


def test_an_odd_path_by_another_name_leads_to_our_own(app):
    paths = ["/\r\nX-Evil: 1", "/\x00", "/a?b", "/%0d%0a", "/\xff\xfe"]

    answers = [raw_get(app, path, HTTP_HOST="localhost:8000", QUERY_STRING="c=1") for path in paths]

    locations = [answer["headers"]["Location"] for answer in answers]
    assert {answer["status"] for answer in answers} == {302}
    assert all(location.startswith(f"{PUBLIC_URL}/") for location in locations)
    assert [location for location in locations if "\r" in location] == []
    assert [location.count("?") for location in locations] == [1] * len(paths)


def test_too_large_a_form_gets_its_own_page(client, caplog):
    page = client.post("/auth/login", data={"next": "x" * 100_000})

    assert page.status_code == 413
    assert "That is too much" in page.text
    assert "cannot be drawn" not in caplog.text


@pytest.mark.parametrize(
    "wide",
    ["é" * 500, "a" * 511, "é" * 85, "%22" * 170],
    ids=["too wide", "plain", "encoded", "quoted"],
)
def test_five_pending_sign_ins_fit_into_one_header(client, wide):
    for _ in range(8):
        client.press_sign_in(next=f"/{wide}")

    cookies = [f"{cookie.key}={cookie.value}" for cookie in client._cookies.values()]
    assert max(len(cookie) for cookie in cookies) < 4096
    assert len("Cookie: " + "; ".join(cookies)) < 8190
    assert len(client.flow_cookies()) == 5
