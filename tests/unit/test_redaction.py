"""Redaction: each rule takes out its example, and texts without a secret stay as they are."""

import re

import pytest

from app.observability import redaction
from app.observability.redaction import LOOK_RULES, NAMED_RULES, redacted

SECRET = "s3cr3t-v4lu3_~+/=="
# Random, as a state, a verifier or a token is; no name stands beside it.
OPAQUE = "dk3Xb8vT0qGm1YwR5cZs7uLhPa2NfJe9oViQ4tKxWyE"


# The table of rules


@pytest.mark.parametrize("rule", [*NAMED_RULES, *LOOK_RULES], ids=lambda rule: rule.name)
def test_each_rule_alone_redacts_its_example(rule, monkeypatch):
    text = rule.example.replace("«", "").replace("»", "")
    (secret,) = re.findall("«(.+)»", rule.example)

    assert redacted(text) == re.sub("«.+»", "[redacted]", rule.example)

    use(monkeypatch, [rule])
    assert redacted(text) == re.sub("«.+»", "[redacted]", rule.example)

    use(monkeypatch, [other for other in (*NAMED_RULES, *LOOK_RULES) if other != rule])
    assert secret in redacted(text)


def test_rules_have_names_of_their_own():
    names = [rule.name for rule in (*NAMED_RULES, *LOOK_RULES)]

    assert len(set(names)) == len(names)


def use(monkeypatch, rules):
    """Redact by these rules only."""
    named = [rule for rule in NAMED_RULES if rule in rules] or [NOTHING]
    looks = [rule for rule in LOOK_RULES if rule in rules]
    monkeypatch.setattr(redaction, "_NAMED", redaction._compiled(named, re.IGNORECASE))
    monkeypatch.setattr(redaction, "_LOOKS", [redaction._compiled([rule]) for rule in looks])


NOTHING = redaction.Rule("nothing", "", "(?!)", "")


# Texts with secrets


def test_secrets_are_taken_out_of_a_line():
    lines = [
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
        "Cookie: flow-8000-0123456789ab={0}",
        "Cookie: session-8000={0}; visit-8000={0}",
        "Cookie: __Host-session-8443={0}",
        "Cookie: __Host-flow-0123456789ab={0}",
        "csrf_token={0}",
        "TokenSet(access_token='{0}', scopes=())",
        "next=%2Fauth%2Fcallback%3fcode%3d{0}",
        r"{{\"refresh_token\": \"{0}\"}}",
        r"{{\\\"refresh_token\\\": \\\"{0}\\\"}}",
        "{{'code': ['{0}'], 'state': ['x']}}",
        "[('Authorization', 'OAuth {0}'), ('Accept', '*/*')]",
        "{{b'Cookie': b'{0}'}}",
        '("token", "{0}")',
        "ACCESS_TOKEN={0}",
        "refresh_token: {0}",
        "code = {0}",
        "state: {0}",
        "X-CSRFToken: {0}",
        "X-CSRF-Token: {0}",
        "oauth_token={0}",
        "oauth_verifier: {0}",
        'password: "{0} with spaces"',
        "METRICS_TOKEN = b'{0}'",
    ]

    assert [line for line in lines if SECRET in redacted(line.format(SECRET))] == []


def test_secrets_that_look_like_words_or_numbers_are_taken_out_too():
    lines = [
        ("refresh_token: abcdefghij", "abcdefghij"),
        ("code = abc123", "abc123"),
        ('{"refresh_token": 12345678}', "12345678"),
        (r"{\"access_token\": 12345678}", "12345678"),
        ('{"code": 12345678, "n": 3}', "12345678"),
        ("oauth_token=zzz", "zzz"),
        ("X-CSRFToken: IjQ2M.bird", "IjQ2M.bird"),
        ("GET /grants/0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"),
        ("grant_id=0123456789abcdef0123456789abcdef!", "0123456789abcdef0123456789abcdef"),
        ("digest 0123456789ABCDEF0123456789ABCDEF01234567", "0123456789ABCDEF0123456789ABCDEF"),
    ]

    assert [line for line, secret in lines if secret in redacted(line)] == []


def test_passwords_in_addresses_are_taken_out_too():
    lines = [
        "postgresql+psycopg://perch:{0}@db/perch",
        "redis://:{0}@cache:6379/0",
        "authorization: bearer {0}{0}",
    ]

    assert not any("hunter2" in redacted(line.format("hunter2hunter2")) for line in lines)


def test_lines_without_a_secret_stay():
    lines = [
        "Twitter refuses to revoke a token: invalid_request",
        "GrantEnded: the grant ended: refused",
        "HTTP 429 without an OAuth error",
        "signed in",
        "ClientRefused: unauthorized_client: Missing valid authorization header (check it)",
        "row 0123456789ab is parked",
        "logged_out grant=0123456789ab",
        "error code: 400",
        "exit code = 1",
        "status code: 503 Service Unavailable",
        '{"errors": [{"code": 88, "message": "Rate limit exceeded"}]}',
        "the state: closed",
        "token: invalid_request",
        '{"refresh_token": null, "client_secret": None}',
        "def refresh(self, refresh_token: str | None) -> TokenSet:",
        "token_type_hint=access_token",
        "3 tokens: 2 waiting",
        "barcode=12345678",
        "trace 550e8400-e29b-41d4-a716-446655440000",
        "====================================== 1 failed",
        "sqlalchemy.exc.OperationalError: no such table: revocations_of_long_ago_and_far_away",
        "https://developer.x.com/en/docs and mailto:wren@example.com",
        'File "/srv/perch/.venv/lib/python3.11/site-packages/flask/app.py", line 880',
    ]

    assert [redacted(line) for line in lines] == lines


@pytest.mark.parametrize(
    "line",
    ["\\" * 200_000 + "'token'", "'token':" + " " * 200_000],
    ids=["backslashes before a quote", "spaces behind a colon"],
)
def test_a_hostile_line_is_read_in_linear_time(line):
    """In quadratic time this takes minutes."""
    assert redacted(line) == line


def test_redacting_twice_changes_nothing():
    line = redacted(f"refresh_token='{SECRET}' ?code={SECRET} {OPAQUE} redis://:{SECRET}@host")

    assert redacted(line) == line
