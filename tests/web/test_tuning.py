"""The tuning changes no page."""

import itertools
import os
import re

import pytest
from flask import Flask

from app.web import static_files, tuning

PAGES = ("/", "/account", "/account/sign-in", "/how-it-works", "/privacy", "/none")
CHANGES = re.compile(r'(?<=name="csrf_token" value=")[^"]+|[0-9a-f]{8}-?[0-9a-f]{4}[0-9a-f-]*')


@pytest.fixture
def untuned(build_app, monkeypatch):
    monkeypatch.setattr(tuning, "init_app", lambda app: None)
    return build_app().test_client()


def test_the_site_is_the_same_without_it(untuned, client, kind_twitter):
    assert untuned.sign_in().status_code == 303
    client.with_cookies_of(untuned)
    for path in PAGES:
        slow, fast = untuned.get(path), client.get(path)

        assert slow.status_code == fast.status_code
        assert CHANGES.sub("", slow.text) == CHANGES.sub("", fast.text)
    assert untuned.press_log_out().status_code == 303


def tuned(folder, clock):
    app = Flask(__name__, static_folder=str(folder))
    static_files.init_app(app)
    tuning.remember_files(app, clock)
    return app.jinja_env.globals


@pytest.mark.parametrize("function, name", [("static", "css/base.css"), ("stylesheets", "base")])
def test_a_changed_file_gets_another_address_within_a_second(tmp_path, function, name):
    seconds = itertools.count()
    names = tuned(tmp_path, lambda: next(seconds))
    file = tmp_path / "css" / "base.css"
    file.parent.mkdir()
    file.write_text("a {}")
    before = names[function](name)

    file.write_text("b {}")
    os.utime(file, (1, 1))

    assert before != names[function](name)


def test_within_a_second_no_file_is_looked_at_twice(tmp_path):
    names = tuned(tmp_path, lambda: 7.0)
    (tmp_path / "base.css").write_text("a {}")
    before = names["static"]("base.css")

    (tmp_path / "base.css").unlink()

    assert names["static"]("base.css") == before
