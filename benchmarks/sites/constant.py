"""The least that our home page can cost: its own template, rendered from constants.

At its start it signs in to Perch once and keeps what the template was given. From then on there is
Flask, Jinja and nothing else: no session, no database, no cache, no headers. Each view renders all
of it: the HTML that Perch keeps of Tweets and Spaces is thrown away.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask import Flask, render_template, template_rendered
from jinja2 import Template
from werkzeug.local import LocalProxy

from app import create_app
from app.pages.panels import Panel
from config import Config

TEMPLATE = "home.html"


def given_to_template() -> tuple[Flask, dict[str, Any]]:
    """Return Perch, and everything that its home page gave to the template."""
    config = Config.from_env()
    perch = create_app(config)
    browser = perch.test_client()
    page = browser.get("/", base_url=config.public_url).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None  # noqa: S101 - the sign-in form is on that page
    answer = browser.post(
        "/auth/login", base_url=config.public_url, data={"csrf_token": token[1], "next": "/"}
    )
    state = parse_qs(urlsplit(answer.location).query)["state"][0]
    query = {"state": state, "code": "code-1"}
    browser.get("/auth/callback", base_url=config.public_url, query_string=query)
    kept: dict[str, Any] = {}

    def keep(_: Flask, template: Template, context: dict[str, Any], **_rest: object) -> None:
        if template.name == TEMPLATE:
            kept.update({each: plain(value) for each, value in context.items()})

    with template_rendered.connected_to(keep, perch):
        browser.get("/", base_url=config.public_url)
    return perch, kept


def plain(value: object) -> object:
    """Return what a stand-in of the request stands for: there is no other request to ask later."""
    return value._get_current_object() if isinstance(value, LocalProxy) else value  # noqa: SLF001 - the only way to it


perch, CONSTANTS = given_to_template()
# Flask itself provides these anew for each request.
for name in ("g", "request", "session"):
    CONSTANTS.pop(name, None)
CONSTANTS.pop("csrf_token", None)

app = Flask(__name__)
app.jinja_env = perch.jinja_env
app.jinja_env.globals["get_flashed_messages"] = list
app.jinja_env.globals["csrf_token"] = lambda: "a-constant-in-place-of-a-token"
app.jinja_env.cache.clear()  # macros made for the other app remember what it gave them
app.url_map = perch.url_map
app.extensions = perch.extensions


def home() -> str:
    """Render the page."""
    for panel in CONSTANTS.values():
        if isinstance(panel, Panel):
            panel.page.rendered.clear()
    return render_template(TEMPLATE, **CONSTANTS)


app.view_functions["pages.home"] = home
