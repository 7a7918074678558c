"""What strangers send: damaged cookies, hosts and addresses. Never a 5xx, and nobody locked out."""

import io
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from werkzeug.wrappers import Request

from tests.factories import PUBLIC_URL


def raw_get(app, path="/", **environ):
    """Send what no test client would: a WSGI environment with odd bytes in it."""
    said = {}

    def start_response(status, headers, _exc_info=None):
        said.update(status=int(status[:3]), headers=headers)

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


@pytest.mark.parametrize("path", ["/", "/tweets", "/account", "/nowhere", "/auth/callback?state=x"])
@pytest.mark.parametrize(
    "cookie",
    [
        "remember_token=a|\xff",
        "remember_token=1|x",
        "session=\xff\xfe",
        "session=a.b.c",
        "flow-000000000000=\xff\xfe",
        "flow-2d711642b726=\xff\xfe",  # of the state "x"
        "\xff=\xff",
        ";;;===",
        "=",
        "a" * 4000,
    ],
)
def test_a_damaged_cookie_harms_nobody(app, path, cookie):
    path, _, query = path.partition("?")

    said = raw_get(app, path, QUERY_STRING=query, HTTP_COOKIE=cookie)

    assert said["status"] < 500
    assert "Perch" in said["body"] or said["status"] == 303


def test_a_planted_flow_cookie_is_swept_away_and_does_not_block_the_sign_in(app):
    cookies = app.extensions["flow_cookies"]
    request = Request({"HTTP_COOKIE": "flow-000000000000=\xff\xfe", "REQUEST_METHOD": "POST"})

    assert cookies._surplus(request, now=datetime.now(UTC)) == ["flow-000000000000"]


@pytest.mark.parametrize(
    "host", ["x" * 300, "..", "a b", "[::1", "127.0.0.1:port", "\xff", "", "127.0.0.1:8000,evil"]
)
@pytest.mark.parametrize("path", ["/", "/healthz"])
def test_an_impossible_host_is_refused_calmly(app, host, path, caplog):
    said = raw_get(app, path, HTTP_HOST=host)

    assert said["status"] < 500
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("path", ["/\r\nX-Evil: 1", "/\x00", "/a?b", "/%0d%0a", "/\xff\xfe"])
def test_an_odd_path_by_another_name_breaks_nothing(app, path):
    said = raw_get(app, path, HTTP_HOST="localhost:8000", QUERY_STRING="c=1")

    headers = dict(said["headers"])
    assert said["status"] == 302
    assert headers["Location"].startswith(f"{PUBLIC_URL}/")
    assert "\r" not in headers["Location"]
    assert headers["Location"].count("?") == 1


def test_too_large_a_form_gets_its_own_page(client, caplog):
    page = client.post("/auth/login", data={"next": "x" * 100_000})

    assert page.status_code == 413
    assert "Perch" in page.text
    assert "cannot be drawn" not in caplog.text


WIDE = ["é" * 512, "\N{BIRD}" * 512, '"' * 511, "'" * 511, "a" * 511, "é" * 85, "%22" * 170]


@pytest.mark.parametrize("wide", WIDE, ids=lambda text: f"{text[:3]} x {len(text)}")
def test_five_pending_sign_ins_fit_into_one_header(client, wide):
    for _ in range(8):
        client.press_sign_in(next=f"/{wide}")

    cookies = [f"{cookie.key}={cookie.value}" for cookie in client._cookies.values()]
    assert max(len(cookie) for cookie in cookies) < 4096
    assert len("Cookie: " + "; ".join(cookies)) < 8190
    assert len([cookie for cookie in cookies if cookie.startswith("flow-")]) == 5


def test_a_path_of_ours_in_other_letters_is_kept(client, kind_twitter):
    answer = client.sign_in(next="/f/é?q=ü")

    assert answer.location == f"/f/{quote('é')}?q={quote('ü')}"
