"""The provider's words on pages: its name, and what it calls its posts (`PROVIDER_NAME`).

Every text is written in Twitter's words. For X, templates are translated when they are compiled,
and sentences of Python by `worded` before anything is filled in. Content never comes here: the
names and Tweets of people, and what the operator has written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import Flask
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream

from app.services import services
from config import Config

# Whole words. "tweet" and "tweets" are missing: identifiers and addresses are spelled so.
_WORDS_OF_X = {
    "Twitter": "X",
    "Tweet": "Post",
    "Tweets": "Posts",
    "tweeted": "posted",
    "Retweet": "Repost",
    "Retweets": "Reposts",
    "Retweeted": "Reposted",
    "retweet": "repost",
    "retweets": "reposts",
    "retweeted": "reposted",
}
_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS_OF_X)})\b")
# A template's text, and the literals in its expressions.
_TEXTS = {"data", "string"}


class _InWordsOfX(Extension):
    """Translates a template once, before it is compiled."""

    def filter_stream(self, stream: TokenStream) -> Iterator[Token]:
        """Return the tokens of a template, its texts translated; names stay as they are."""
        for token in stream:
            text = token.type in _TEXTS
            yield Token(token.lineno, token.type, _of_x(token.value)) if text else token


def init_app(app: Flask, config: Config) -> None:
    """Let templates speak in the provider's words. No template may be compiled before."""
    of_x = config.provider_name == "X"
    app.add_template_filter(_of_x if of_x else str, "worded")
    if of_x:
        app.jinja_env.add_extension(_InWordsOfX)


def worded(text: str) -> str:
    """Return a sentence of ours in the provider's words, as the filter of templates does."""
    return _of_x(text) if services().config.provider_name == "X" else text


def _of_x(text: str) -> str:
    return _WORD.sub(lambda found: _WORDS_OF_X[found[0]], text)
