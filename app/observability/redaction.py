"""Redaction: takes secrets out of texts, and out of data made of texts.

A secret is recognised by the name in front of it, by its place, by its looks, or by its value if it
is the operator's own. The table of rules below has an example for each.

gunicorn.conf.py loads this file by its path: it imports nothing of ours.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from config import Config

_REDACTED = "[redacted]"
_UNREDACTED = r"(?!\[redacted)"

# Names of secrets. The short ones are everyday words too, so they count only in certain places.
_NAME = (
    r"(?:(?<=[_-])token|csrftoken|(?<![a-z0-9])(?:password|secret)"
    r"|client_assertion|code_challenge|code_verifier|oauth_verifier)"
)
_SHORT_NAME = "(?:code|state|token)"
_HEADER = "(?:authorization|cookie|proxy-authorization|set-cookie)"
# A key is one whole name, such as `x-csrf-token`. Bounded: a hostile line is read in linear time.
_PREFIX = r"[\w-]{0,40}?"
_KEY = rf"(?:{_PREFIX}{_NAME}|{_SHORT_NAME}|{_HEADER})"

# JSON inside JSON and reprs of reprs put backslashes before each quote. Bounded, as above.
_QUOTE = r"\\{0,31}['\"]"
_VALUE = rf"{_UNREDACTED}[^&\s'\"\\,;)}}\]]+"
_QUOTED_VALUE = rf"{_UNREDACTED}[^'\"\\]+"
# In source code and JSON a colon is also followed by types and constants.
_NO_LITERAL = r"(?!(?:bool|bytes|false|float|int|none|null|str|true)\b)(?![\[({])"
# "error code: 400" and "token: invalid_request" are sentences; letters and digits together are not.
_MIXED_VALUE = r"(?=[a-z._~+/=-]*\d)(?=[\d._~+/=-]*[a-z])[\w.~+/=-]{6,}"


class Rule(NamedTuple):
    """A kind of secret: the pattern `kept` in front of it, and the `secret` that is taken out."""

    name: str
    example: str  # the secret in it stands between « and »
    kept: str
    secret: str


# By name and place, ignoring case. Where several match at one place, the first one is applied.
NAMED_RULES = (
    Rule(
        "quoted_assignment",
        "password: '«two words»'",
        rf"{_NAME}\s*[:=]\s*b?{_QUOTE}",
        _QUOTED_VALUE,
    ),
    Rule(
        "form_field",
        "GET /auth/callback?code=«abc»&lang=en",
        rf"(?:{_NAME}|(?:\b|%[0-9A-F]{{2}}){_SHORT_NAME})(?:=|%3D)(?:b?{_QUOTE})?",
        _VALUE,
    ),
    Rule(
        "item_with_a_text",
        "{'Cookie': ['«a=b; c=d»']}",
        rf"{_QUOTE}{_KEY}{_QUOTE}\s*[:,]\s*(?:[\[(]\s*)?b?{_QUOTE}",
        _QUOTED_VALUE,
    ),
    Rule(
        "item_without_quotes",
        '{"refresh_token": «1234»}',
        rf"{_QUOTE}{_PREFIX}{_NAME}{_QUOTE}\s*:\s*{_NO_LITERAL}",
        _VALUE,
    ),
    Rule(
        "item_with_a_number",
        '{"code": «12345678»}',
        rf"{_QUOTE}{_SHORT_NAME}{_QUOTE}\s*:\s*",
        r"\d{6,}",
    ),
    Rule(
        "assignment",
        "X-CSRF-Token: «abc»",
        rf"{_NAME}\s*[:=]\s*{_NO_LITERAL}",
        _VALUE,
    ),
    Rule(
        "short_assignment",
        "code = «abc123»",
        rf"\b{_SHORT_NAME}\s*[:=]\s*",
        _MIXED_VALUE,
    ),
    Rule(
        "authorization",
        "-H 'Authorization: Bearer «abc»'",
        r"(?-i:\b(?:Bearer|Basic)\s+)",
        r"[A-Za-z0-9._~+/=-]+",
    ),
    Rule(
        "authorization_in_lower_case",
        "authorization: bearer «abcdefghijklmnop»",
        r"\b(?:bearer|basic)\s+",
        r"[A-Za-z0-9._~+/=-]{16,}",
    ),
    Rule(
        "our_cookie",
        "Cookie: lang=en; __Host-session-8443=«abc»; a=b",
        r"(?:__Host-)?(?:session|visit|flow)(?:-[0-9a-f]+)*=",
        rf"{_UNREDACTED}[^;\s'\"\\]+",
    ),
    Rule(
        "password_in_a_url",
        "redis://perch:«hunter2»@cache:6379/0",
        r"://[^\s/:@'\"]*:",
        rf"{_UNREDACTED}[^\s/@'\"]+(?=@)",
    ),
)

# By looks, minding case; one after the other.
LOOK_RULES = (
    # Ids of grants and sessions, and other random bytes in hex. All digits is a number.
    Rule(
        "hex",
        "GET /grants/«0123456789abcdef0123456789abcdef»",
        r"(?<![A-Za-z0-9])",
        r"(?:(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{32,}|(?=[A-F]*[0-9])(?=[0-9]*[A-F])[0-9A-F]{32,})"
        r"(?![A-Za-z0-9])",
    ),
    # States, verifiers, tokens and sealed cookies: a digit, a small and a capital letter.
    Rule(
        "opaque_word",
        "sent «dk3Xb8vT0qGm1YwR5cZs7uLhPa2NfJe9oViQ4tKxWyE» back",
        r"(?<![A-Za-z0-9_=~-])(?=[A-Za-z_=~-]*[0-9])(?=[A-Z0-9_=~-]*[a-z])(?=[a-z0-9_=~-]*[A-Z])",
        r"[A-Za-z0-9_=~-]{32,}",
    ),
)

# A text without one of these has no secret by name: most lines need no closer look.
_HINTS = (
    *("token", "code", "state", "secret", "assertion", "verifier", "password", "bearer", "basic"),
    *("session-", "session=", "visit-", "visit=", "flow-", "authorization", "cookie", "://"),
)
# A text without this has no secret by its looks.
_LONG_WORD = re.compile(r"[A-Za-z0-9_=~-]{32}")
_SECRET_KEY = re.compile(_KEY, re.IGNORECASE)
# A shorter setting could be part of any word.
_SHORTEST_SETTING = 8
_MAX_DEPTH = 6


def _compiled(rules: Iterable[Rule], flags: int = 0) -> re.Pattern[str]:
    """Return one expression for all `rules`, which reads a text once."""
    return re.compile("|".join(f"(?P<{r.name}>{r.kept}){r.secret}" for r in rules), flags)


_NAMED = _compiled(NAMED_RULES, re.IGNORECASE)
_LOOKS = [_compiled([rule]) for rule in LOOK_RULES]


def redacted(text: str) -> str:
    """Return `text` without its secrets, as far as the rules find them."""
    lower = text.lower()
    if any(hint in lower for hint in _HINTS):
        text = _NAMED.sub(_without_secret, text)
    if _LONG_WORD.search(text) is not None:
        for look in _LOOKS:
            text = look.sub(_without_secret, text)
    return text


def _without_secret(found: re.Match[str]) -> str:
    return found[str(found.lastgroup)] + _REDACTED


class Redactor:
    """Takes secrets out of texts and data; it also knows the operator's secrets by their value."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = sorted(
            {re.escape(value) for value in secrets if len(value) >= _SHORTEST_SETTING}, reverse=True
        )
        self._values = re.compile("|".join(values)) if values else None

    @classmethod
    def of(cls, config: Config) -> Redactor:
        """Return a redactor that knows the secrets in the settings."""
        return cls(secrets_of(config))

    def text(self, text: str) -> str:
        """Return `text` without its secrets."""
        if self._values is not None:
            text = self._values.sub(_REDACTED, text)
        return redacted(text)

    def value(self, value: object, *, depth: int = 0) -> Any:  # noqa: ANN401 - as it came
        """Return `value` as plain data without its secrets, whatever it is made of."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth == _MAX_DEPTH:
            return "..."
        if isinstance(value, Mapping):
            return {self.text(str(k)): self._item(k, v, depth) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(each, depth=depth + 1) for each in value]
        return self.text(repr(value))

    def _item(self, key: object, value: object, depth: int) -> Any:  # noqa: ANN401
        if value and _SECRET_KEY.fullmatch(str(key)):
            return _REDACTED
        return self.value(value, depth=depth + 1)


def secrets_of(config: Config) -> list[str]:
    """Return the secrets in the settings, in each form in which a text may contain them."""
    basic = f"{config.twitter_client_id}:{config.twitter_client_secret}".encode()
    texts = [
        config.twitter_client_secret,
        config.twitter_bearer_token,
        config.twitter_consumer_secret,
        config.metrics_token,
        *config.secret_key,
        *(base64.urlsafe_b64encode(key).decode().rstrip("=") for key in config.token_keys),
        *config.store_secrets,
        *config.proxy_secrets,
        base64.b64encode(basic).decode(),
    ]
    return [text for text in texts if text]
