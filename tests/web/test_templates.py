"""How templates are put together."""

import re
from pathlib import Path

import pytest
from jinja2 import meta

TEMPLATES = Path(__file__).parent.parent.parent / "templates"
WITHOUT_CONTEXT = re.compile(r'\{% from "([^"]+)" import (?![^%]*with context)')
NAMES = sorted(
    {
        name
        for file in TEMPLATES.rglob("*.html")
        for name in WITHOUT_CONTEXT.findall(file.read_text())
    }
)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_imported_without_context_asks_for_none(app, name):
    """It is made once for all pages: a name of one page would be missing, and nobody told."""
    asked_for = meta.find_undeclared_variables(app.jinja_env.parse((TEMPLATES / name).read_text()))

    assert asked_for <= app.jinja_env.globals.keys()
