"""The last handler redacts, whoever wrote the line."""

import io
import logging

import pytest

from app.logs import redacted

SECRET = "s3cr3t-v4lu3_~+/=="


@pytest.mark.parametrize(
    "line",
    [
        "GET /auth/callback?state={0}&code=abc HTTP/1.1",
        "GET /auth/callback?code={0}",
        "code_verifier={0}&grant_type=authorization_code",
        "refresh_token={0}",
        "token={0}&token_type_hint=access_token",
        '{{"access_token": "{0}", "expires_in": 7200}}',
        "{{'client_secret': '{0}'}}",
        "Authorization: Bearer {0}",
        "Authorization: Basic {0}",
        "Cookie: session={0}; other=1",
        "Set-Cookie: __Host-session={0}; Path=/",
        "Cookie: flow-0123456789ab={0}",
        "Cookie: __Host-flow-0123456789ab={0}",
        "csrf_token={0}",
    ],
)
def test_secrets_are_taken_out_of_a_line(line):
    assert SECRET not in redacted(line.format(SECRET))


@pytest.mark.parametrize(
    "line",
    [
        "Twitter refuses to revoke a token: invalid_request",
        "GrantEnded: the grant ended: refused",
        "HTTP 429 without an OAuth error",
        "signed in",
        "ClientRefused: unauthorized_client: Missing valid authorization header (check it)",
    ],
)
def test_what_is_no_secret_stays(line):
    assert redacted(line) == line


def test_tracebacks_are_redacted_too(app):
    handler = next(h for h in logging.getLogger().handlers if h.get_name() == "perch")
    stream, handler.stream = handler.stream, io.StringIO()
    error = RuntimeError(f"refresh_token={SECRET}")
    logging.getLogger("app").error("unexpected", exc_info=error)
    written, handler.stream = handler.stream.getvalue(), stream

    assert "RuntimeError" in written
    assert SECRET not in written


def test_a_second_app_does_not_log_twice(build_app):
    build_app()
    build_app()

    handlers = [h for h in logging.getLogger().handlers if h.get_name() == "perch"]
    assert len(handlers) == 1
