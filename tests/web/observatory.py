"""Marks as the HTTP Observatory gives them, by the rules that MDN publishes ("Tests & Scoring").

Written down from its page of 2024, for what an answer's own headers decide. What is left out: the
redirect from http, which is nginx's here, and the preload list. Bonuses count from 90 points on.
"""

import re
from urllib.parse import urlsplit

BONUS_FROM = 90
SIX_MONTHS = 15768000
PRIVATE = {
    "no-referrer",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
}
GRADES = [(100, "A+"), (90, "A"), (85, "A-"), (80, "B+"), (70, "B"), (65, "B-")]


def grade(answer):
    """Return the grade of an answer, and the marks that made it."""
    marks = {rule.__name__: rule(answer) for rule in RULES}
    score = 100 + sum(mark for mark in marks.values() if mark < 0)
    if score >= BONUS_FROM:
        score += sum(mark for mark in marks.values() if mark > 0)
    return next((name for points, name in GRADES if score >= points), "C or worse"), marks


def policy(answer):
    parts = answer.headers.get("Content-Security-Policy", "").split(";")
    return {name: values for name, *values in map(str.split, filter(str.strip, parts))}


def content_security_policy(answer):
    directives = policy(answer)
    if not directives:
        return -25
    scripts = directives.get("script-src", directives.get("default-src", ["*"]))
    styles = directives.get("style-src", directives.get("default-src", ["*"]))
    if "'unsafe-inline'" in scripts or {"*", "https:", "data:"} & {*scripts}:
        return -20
    if any(
        value.startswith(("http:", "ftp:")) for values in directives.values() for value in values
    ):
        return -20
    if "'unsafe-eval'" in scripts + styles:
        return -10
    if "'unsafe-inline'" in styles:
        return 0
    return 10 if directives.get("default-src") == ["'none'"] else 5


def cookies(answer):
    marks = [cookie(text) for text in answer.headers.getlist("Set-Cookie")]
    return min(marks, default=0)


def cookie(text):
    name, *rest = text.split(";")
    flags = {flag.strip().partition("=")[0].lower(): flag.partition("=")[2] for flag in rest}
    is_session = re.search(r"login|sess", name.partition("=")[0], re.IGNORECASE)
    if "secure" not in flags:
        return -40 if is_session else -20
    if is_session and "httponly" not in flags:
        return -30
    if flags.get("samesite", "").lower() not in {"strict", "lax", ""}:
        return -20
    return 5 if "samesite" in flags else 0


def cross_origin_resource_sharing(answer):
    return -50 if answer.headers.get("Access-Control-Allow-Origin") else 0


def cross_origin_resource_policy(answer):
    marks = {"same-origin": 10, "same-site": 10, "cross-origin": 0, "": 0}
    return marks.get(answer.headers.get("Cross-Origin-Resource-Policy", ""), -5)


def referrer_policy(answer):
    told = answer.headers.get("Referrer-Policy", "")
    if not told:
        return 0
    return 5 if told in PRIVATE else -5


def strict_transport_security(answer):
    told = re.search(r"max-age=(\d+)", answer.headers.get("Strict-Transport-Security", ""))
    if not told:
        return -20
    return 0 if int(told[1]) >= SIX_MONTHS else -10


def subresource_integrity(answer):
    if "html" not in answer.headers.get("Content-Type", ""):
        return 0
    sources = re.findall(r"<script[^>]+src=\"([^\"]+)\"", answer.text)
    elsewhere = [source for source in sources if urlsplit(source).netloc]
    return -50 if elsewhere else 0


def x_content_type_options(answer):
    return 0 if answer.headers.get("X-Content-Type-Options") == "nosniff" else -5


def framing(answer):
    if policy(answer).get("frame-ancestors") == ["'none'"]:
        return 5
    return 5 if answer.headers.get("X-Frame-Options") in {"DENY", "SAMEORIGIN"} else -20


RULES = [
    content_security_policy,
    cookies,
    cross_origin_resource_sharing,
    cross_origin_resource_policy,
    referrer_policy,
    strict_transport_security,
    subresource_integrity,
    x_content_type_options,
    framing,
]
