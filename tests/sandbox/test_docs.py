"""docs/sandbox.md says what is true: its example runs, and its tables leave nothing out."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from sandbox.endpoints import ENDPOINTS
from sandbox.faults import Fault
from sandbox.seed_birds import ACCOUNTS
from sandbox.settings import Settings
from sandbox.testing import Sandbox

TEXT = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


@pytest.mark.loopback
@pytest.mark.parametrize("example", re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
def test_the_example_runs(example):
    exec(compile(example, "docs/sandbox.md", "exec"), {})


@pytest.mark.parametrize("kind", [Settings, Fault])
def test_every_key_is_in_its_table(kind):
    missing = [field.name for field in fields(kind) if f"| `{field.name}` |" not in TEXT]

    assert missing == []


def test_every_json_twin_is_in_the_table(app):
    twins = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/sandbox/")}

    assert [twin for twin in sorted(twins) if twin not in TEXT] == []


def test_every_button_has_its_twin_in_the_table(steps):
    steps.sign_in()
    labels = set(re.findall(r"<button[^>]*>(.*?)</button>", steps.browser.get("/").text))
    table = TEXT[TEXT.index("| button |") : TEXT.index("A token has `kind`")]
    known = {label.removesuffix(" for @wren") for label in labels}

    assert [label for label in sorted(known) if label.removesuffix(" (public)") not in table] == []


def test_every_account_is_introduced():
    assert [a.username for a in ACCOUNTS if f"`{a.username}`" not in TEXT] == []


def test_every_endpoint_is_listed():
    names = {"target_id": "target", "username": "username"}
    paths = {
        re.sub(r"<(\w+)>", lambda found: ":" + names.get(found[1], "id"), endpoint.rule)
        for endpoint in ENDPOINTS
    }

    assert [path for path in sorted(paths) if path not in TEXT] == []


def test_every_method_for_tests_is_explained():
    public = [name for name in vars(Sandbox) if not name.startswith("_")]

    assert [name for name in public if f"`{name}" not in TEXT] == []
