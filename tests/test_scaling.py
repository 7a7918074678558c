"""docs/scaling.md: the model is what its constants make of it, and those of the code are."""

import math
import re
from pathlib import Path

import pytest

from app.accounts import used_states
from app.gateway import usage
from app.pages import queries, tweets
from app.storage.database import engine_options
from app.twitter import api, endpoints
from config import Config

pytestmark = pytest.mark.servers

DOCUMENT = (Path(__file__).parent.parent / "docs" / "scaling.md").read_text()
CONSTANT = re.compile(r"^\| `(\w+)` \| ([\d.]+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
FIGURE = re.compile(r"^\| `(\w+)` \| ([^|]+) \| `([^`|]+)` \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
SIZES = (1_000, 1_000_000)


def constants():
    return {name: float(value) for name, value, _ in CONSTANT.findall(DOCUMENT)}


def computed(people):
    """Return every figure of the model for so many people a day, in the order of the table."""
    known = constants() | {"people": people, "ceil": math.ceil}
    for name, _, formula, _, _ in FIGURE.findall(DOCUMENT):
        known[name] = eval(formula, {"__builtins__": {"max": max}}, known)
    return known


def shown(value):
    """Return a figure with three digits that count."""
    if value >= 1000:
        digits = 3 - len(f"{value:.0f}")
        return f"{round(value, digits):,.0f}"
    return f"{float(f'{value:.3g}'):g}"


def test_every_figure_is_what_its_formula_makes_of_the_constants():
    few, many = (computed(people) for people in SIZES)

    rows = list(FIGURE.finditer(DOCUMENT))
    written = [row[0] for row in rows]
    right = [
        f"| `{name}` | {what} | `{formula}` | {shown(few[name])} | {shown(many[name])} |"
        for name, what, formula, *_ in (row.groups() for row in rows)
    ]

    assert len(rows) > 15
    assert "\n".join(written) == "\n".join(right), "these are the rows that have to stand there"


def test_every_constant_is_used():
    formulas = " ".join(formula for _, _, formula, _, _ in FIGURE.findall(DOCUMENT))

    assert [name for name in constants() if not re.search(rf"\b{name}\b", formulas)] == []


def test_no_constant_stands_there_twice():
    names = [name for name, _, _ in CONSTANT.findall(DOCUMENT)]

    assert len(names) == len(set(names)) > 30


def test_constants_of_the_code_are_the_codes(tmp_path):
    config = Config.from_env({}, root=tmp_path)
    options = engine_options("postgresql+psycopg://h/d", threads=config.threads)
    code = {
        "slots": config.twitter_slots,
        "connections": options["pool_size"] + options["max_overflow"],
        "used_state_hours": used_states.KEPT.total_seconds() / 3600,
        "usage_days": usage.KEPT.days,
        "home_users": api.MOST_ASKED,
        "home_tweets": tweets.ON_HOME,
        "page_tweets": queries.ON_A_PAGE,
        "user_price": float(endpoints.USER_READ),
        "tweet_price": float(endpoints.TWEET_READ),
        "space_price": float(endpoints.SPACE_READ),
    }

    assert {name: constants()[name] for name in code} == pytest.approx(code)
    of_the_code = {"the code", "the price list", "the most it asks for"}
    assert {name for name, _, source in CONSTANT.findall(DOCUMENT) if source in of_the_code} == {
        *code
    }
