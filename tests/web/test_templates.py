"""How templates are put together, and who answers with them."""

import inspect
import re
from pathlib import Path

from jinja2 import meta

from tests.tree import files

TEMPLATES = Path(__file__).parent.parent.parent / "templates"
WITHOUT_CONTEXT = re.compile(r'\{% from "([^"]+)" import (?![^%]*with context)')
NAMES = sorted(
    {
        name
        for file in files(TEMPLATES, "*.html")
        for name in WITHOUT_CONTEXT.findall(file.read_text())
    }
)


def test_a_template_imported_without_context_asks_for_none(app):
    """It is made once for all pages: a name of one page would be missing without any error."""
    asked_for = {
        name: meta.find_undeclared_variables(app.jinja_env.parse((TEMPLATES / name).read_text()))
        for name in NAMES
    }

    assert len(asked_for) >= 2
    assert {
        n: asked for n, asked in asked_for.items() if asked - app.jinja_env.globals.keys()
    } == {}


def test_addresses_are_remembered_for_each_root(app):
    url_for = app.jinja_env.globals["url_for"]

    def addresses(root):
        with app.test_request_context("/", base_url=f"http://localhost{root}"):
            return url_for("pages.account"), url_for("pages.person", username="wren")

    for _ in range(2):
        assert addresses("") == ("/account", "/people/wren")
        assert addresses("/birds") == ("/birds/account", "/birds/people/wren")


def test_everything_that_answers_is_a_plain_function(app):
    """Flask would run a coroutine; `tuning` would hand it out as if it were an answer."""
    hooks = [app.before_request_funcs, app.after_request_funcs, app.teardown_request_funcs]
    answering = [
        *app.view_functions.values(),
        *(handler for by_blueprint in hooks for each in by_blueprint.values() for handler in each),
        *(
            handler
            for by_code in app.error_handler_spec.values()
            for by_class in by_code.values()
            for handler in by_class.values()
        ),
    ]

    assert len(answering) > 30
    assert not [each for each in answering if inspect.iscoroutinefunction(each)]
