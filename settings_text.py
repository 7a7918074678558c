"""What the text of a setting may be, whatever it means: visible, complete, and not easily guessed.

The rules raise `ValueError` in words that go after "NAME: ". They quote no text: it may be secret.
"""

from __future__ import annotations

import base64
import ipaddress
import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

QUOTES = "\"'`“”„‘’‚«»"  # noqa: RUF001 - word processors write them
# What a document, a shell or a template would have put something else in the place of.
_PLACEHOLDER = re.compile(r"<.*>|\$\(.*\)|\$\{.*\}|\{\{.*\}\}|(?:python3? -|openssl rand ).*")
# RFC 6749 appendix A.1 and A.2, as everything that goes through HTTP Basic and a form's body.
_CLIENT_TEXT = re.compile(r"[\x21-\x7e]+")
# RFC 6750 §2.1, b64token: what may stand behind "Bearer".
BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*")
# RFC 1123 §2.1. An underscore is a DNS name, and no host: browsers send it, werkzeug drops it.
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")
# WHATWG URL, "ends in a number": browsers read such a host as an IPv4 address, and rewrite it.
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_HOST_CHARACTERS = 253
_MOST_DIGITS = 10

# Random text or bytes of 32 and more have more different ones than this, nearly always.
_FEWEST_DIFFERENT = 8


class ConfigError(Exception):
    """Everything that is wrong with the settings, one line each, with the cure. No secret in it."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        count = "1 setting needs" if len(problems) == 1 else f"{len(problems)} settings need"
        lines = "\n".join(f"  - {problem}" for problem in problems)
        super().__init__(f"Cannot start: {count} attention (.env.example explains them).\n{lines}")


def as_meant(text: str) -> str:
    """Return a pasted text, unless something came along with it or it was never filled in."""
    for place, character in enumerate(text):
        if not character.isprintable():
            raise ValueError(_unprintable(character, place, len(text)))
    if len(text) > 1 and text[0] in QUOTES and text[-1] in QUOTES:
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
    """Return what reads a whole number with these bounds."""

    def read(text: str) -> int:
        digits = text if text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS else "-1"
        if not least <= int(digits) <= most:
            raise ValueError(f"must be a whole number from {least} to {most}.")
        return int(digits)

    return read


def client_text(text: str) -> str:
    """Return a client's id or secret; it goes into headers and forms, where only ASCII is safe."""
    if not _CLIENT_TEXT.fullmatch(text):
        raise ValueError(
            "must be visible ASCII characters without spaces. "
            "Copy it once more from your app's page in the X developer portal."
        )
    return text


def host_name(host: str) -> str:
    """Return a host as browsers write it in `Host`, which is what requests are compared with.

    Raises `ValueError` for every name that a browser would write in another way or not at all.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        labels = host.split(".")
        if (
            len(host) > _HOST_CHARACTERS
            or not all(_LABEL.fullmatch(label) for label in labels)
            or NUMBER.fullmatch(labels[-1])
        ):
            raise ValueError(
                "its host may hold letters, digits and hyphens, with dots between them: "
                "no underscore, no dot at the end; an international name as xn--..."
            ) from None
        return host
    if isinstance(address, ipaddress.IPv6Address) and (address.scope_id or address.ipv4_mapped):
        raise ValueError("must not be an IPv6 address with a zone or with IPv4 in it.")
    return str(address)


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
