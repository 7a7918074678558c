"""Rules for settings that are no URLs: names, numbers, switches and keys.

A rule returns the value of a text, or raises `ValueError` in words that go after "NAME: ". It never
quotes the text, which may be secret.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Literal

_QUOTES = "\"'`“”„‘’‚«»"  # noqa: RUF001 - word processors write them
# A document, a shell or a template should have replaced these.
_PLACEHOLDER = re.compile(r"<.*>|\$\(.*\)|\$\{.*\}|\{\{.*\}\}|(?:python3? -|openssl rand ).*")
# RFC 6749 appendix A.1 and A.2; it goes through HTTP Basic and a form's body.
_CLIENT_TEXT = re.compile(r"[\x21-\x7e]+")
# RFC 6750 §2.1, b64token: what may stand behind "Bearer".
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_MOST_DIGITS = 10
_APP_NAME_CHARACTERS = 40
_SECRET_CHARACTERS = 32
_METRICS_TOKEN_CHARACTERS = 16
_TOKEN_KEY_BYTES = 32
_ON = frozenset({"1", "true", "on", "yes"})
_OFF = frozenset({"0", "false", "off", "no"})

# Random keys of 32 characters or bytes nearly always have more different ones than this.
_FEWEST_DIFFERENT = 8
GUESSABLE = (
    "a key of it can be guessed: it repeats itself, counts, or has few different characters. "
    "Take a random one, as .env.example says how."
)
GENERATE = {
    "SECRET_KEY": 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"',
    "TOKEN_KEYS": 'python3 -c "import base64, os; '
    'print(base64.urlsafe_b64encode(os.urandom(32)).decode())"',
}


class ConfigError(Exception):
    """All problems of the settings, a line each, with the cure. Holds no secret."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        count = "1 setting needs" if len(problems) == 1 else f"{len(problems)} settings need"
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"Cannot start: {count} attention (.env.example explains them).\n{lines}")


def as_meant(text: str) -> str:
    """Return `text`. Refuse invisible characters, quotes around it, and placeholders."""
    for place, character in enumerate(text):
        if not character.isprintable():
            raise ValueError(_unprintable(character, place, len(text)))
    if len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES:
        raise ValueError("stands in quotes that have become part of it. Take them away.")
    if _PLACEHOLDER.fullmatch(text):
        raise ValueError(
            "holds a placeholder or a command. Put the value itself there: .env runs no commands."
        )
    return text


def _unprintable(character: str, place: int, length: int) -> str:
    if "\ud800" <= character <= "\udfff":  # how Python shows a byte that does not decode
        return "holds bytes that are not UTF-8. Save it as UTF-8."
    where = {0: "at its start", length - 1: "at its end"}.get(place, f"as character {place + 1}")
    return (
        f"holds U+{ord(character):04X} {where}, which cannot be seen. "
        "Delete it, or type the value instead of pasting it."
    )


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return the rule for a whole number with these bounds."""

    def rule(text: str) -> int:
        digits = text if text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS else "-1"
        if not least <= int(digits) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}.")
        return int(digits)

    return rule


def client_text(text: str) -> str:
    """Return a client's id, secret or token. Only ASCII is safe in headers and forms."""
    if not _CLIENT_TEXT.fullmatch(text):
        raise ValueError(
            "must be visible ASCII characters without spaces. "
            "Copy it once more from your app's page in the X developer portal."
        )
    return text


def half_a_webhook(text: Callable[[str], str | None]) -> list[str]:
    """Return the problem of one secret of the webhook without the other, by the `text` of names."""
    names = ("TWITTER_BEARER_TOKEN", "TWITTER_CONSUMER_SECRET")
    for missing, given in (names, names[::-1]):
        if text(given) and not text(missing):
            problem = (
                f"{missing}: is not set although {given} is. The webhook needs both. "
                "Copy them from your app's page in the X developer portal, or unset both."
            )
            return [problem]
    return []


def client_id(text: str) -> str:
    """Return a client's id."""
    if ":" in text:  # RFC 7617 §2: the secret would begin at the first one
        raise ValueError("must not hold a colon.")
    return client_text(text)


def dialect(text: str) -> Literal["live", "beta"]:
    """Return the name of a dialect."""
    if text == "live":
        return "live"
    if text == "beta":
        return "beta"
    raise ValueError("must be live or beta.")


def app_name(text: str) -> str:
    """Return a short name that can be shown."""
    if len(text) > _APP_NAME_CHARACTERS or not text.isprintable():
        raise ValueError(f"must be {_APP_NAME_CHARACTERS} printable characters or fewer.")
    return text


def provider_name(text: str) -> Literal["Twitter", "X"]:
    """Return the name by which pages call Twitter."""
    if text == "Twitter":
        return "Twitter"
    if text == "X":
        return "X"
    raise ValueError("must be Twitter or X.")


def switch(text: str) -> bool:
    """Return whether something is on."""
    if text.lower() in _ON | _OFF:
        return text.lower() in _ON
    raise ValueError("must be 1, true, on or yes; or 0, false, off or no.")


def secret_key(text: str) -> str:
    """Return a key of SECRET_KEY."""
    if len(text) < _SECRET_CHARACTERS:
        raise ValueError(
            f"a key has {len(text)} characters and needs {_SECRET_CHARACTERS} or more. "
            f"Take the output of: {GENERATE['SECRET_KEY']}"
        )
    return text


def token_key(text: str) -> bytes:
    """Return a key of TOKEN_KEYS."""
    try:
        key = base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), b"-_", True)  # noqa: FBT003
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _TOKEN_KEY_BYTES:
        raise ValueError(
            f"each key must be {_TOKEN_KEY_BYTES} bytes in base64url. "
            f"Take the output of: {GENERATE['TOKEN_KEYS']}"
        )
    return key


def metrics_token(text: str) -> str:
    """Return a bearer token that is hard to guess."""
    if not _BEARER.fullmatch(text):
        raise ValueError("may hold letters, digits and -._~+/ only (RFC 6750 §2.1).")
    if len(text) < _METRICS_TOKEN_CHARACTERS:
        raise ValueError(
            f"has {len(text)} characters and needs {_METRICS_TOKEN_CHARACTERS} or more."
        )
    return text


def is_guessable(key: str | bytes) -> bool:
    """Tell whether a key repeats itself, counts, or is made of few different characters."""
    texts = [key, base64.urlsafe_b64encode(key).rstrip(b"=")] if isinstance(key, bytes) else [key]
    return any(_is_plain(list(text.encode() if isinstance(text, str) else text)) for text in texts)


def _is_plain(codes: list[int]) -> bool:
    half = len(codes) // 2
    [(_, most)] = Counter(after - before for before, after in pairwise(codes)).most_common(1)
    return (
        len(set(codes)) < _FEWEST_DIFFERENT
        or most > half
        or any(codes[length:] == codes[:-length] for length in range(1, half + 1))
    )


def new_secret() -> str:
    """Return a new key for SECRET_KEY."""
    return secrets.token_urlsafe(48)


def new_token_key() -> str:
    """Return a new key for TOKEN_KEYS."""
    return base64.urlsafe_b64encode(secrets.token_bytes(_TOKEN_KEY_BYTES)).decode()
