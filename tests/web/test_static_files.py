"""Styles and scripts: small on the wire, kept by the browser, and all of them ours."""

import gzip
import itertools
import os
import re
from pathlib import Path

import pytest
from flask import Flask

from app.web import static_files
from tests.tree import files

ROOT = Path(__file__).parent.parent.parent
STATIC = ROOT / "static"
TEMPLATES = ROOT / "templates"
[SCRIPT] = files(STATIC / "js")
FOR_GOOD = "public, max-age=31536000, immutable"


def addresses(client, path="/"):
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get(path).text)


def test_every_address_names_its_version_and_is_kept_for_good(client):
    found = addresses(client)

    assert len(found) > 10
    for address in found:
        with client.get(address) as answer:
            assert re.search(r"\?v=[0-9a-f]{8}$", address)
            assert answer.headers["Cache-Control"] == FOR_GOOD


def test_an_address_without_a_version_is_not_kept_for_good(client):
    with client.get("/static/css/base.css") as answer:
        assert answer.headers["Cache-Control"] != FOR_GOOD


@pytest.mark.parametrize("function, name", [("static", "css/base.css"), ("stylesheets", "base")])
def test_a_changed_file_gets_another_address_within_a_second(tmp_path, function, name):
    app = Flask(__name__, static_folder=str(tmp_path))
    seconds = itertools.count()
    static_files.init_app(app, clock=lambda: next(seconds))
    file = tmp_path / "css" / "base.css"
    file.parent.mkdir()
    file.write_text("a {}")
    before = app.jinja_env.globals[function](name)

    file.write_text("b {}")
    os.utime(file, (1, 1))

    assert before != app.jinja_env.globals[function](name)


def test_within_a_second_no_file_is_looked_at_twice(tmp_path):
    app = Flask(__name__, static_folder=str(tmp_path))
    static_files.init_app(app, clock=lambda: 7.0)
    (tmp_path / "base.css").write_text("a {}")
    before = app.jinja_env.globals["static"]("base.css")

    (tmp_path / "base.css").unlink()

    assert app.jinja_env.globals["static"]("base.css") == before


def test_a_page_is_shown_even_while_a_file_of_it_is_being_exchanged(app):
    assert app.jinja_env.globals["static"]("none.css") == "/static/none.css?v="


def test_pages_name_files_in_the_fast_way_alone():
    assert [
        file for file in files(TEMPLATES, "*.html") if "url_for('static'" in file.read_text()
    ] == []


@pytest.mark.parametrize("file", [STATIC / "css" / "base.css", SCRIPT], ids=["style", "script"])
def test_text_is_compressed_for_browsers_that_read_it(client, file):
    address = f"/static/{file.relative_to(STATIC)}"
    with client.get(address, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert gzip.decompress(answer.data) == file.read_bytes()
        assert int(answer.headers["Content-Length"]) == len(answer.data)


def test_text_is_sent_as_it_is_to_other_browsers(client):
    with client.get("/static/css/base.css") as answer:
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.data == (STATIC / "css" / "base.css").read_bytes()


def test_a_browser_that_has_the_text_is_not_sent_it_again(client):
    gzipped = {"Accept-Encoding": "gzip"}
    with client.get("/static/css/base.css", headers=gzipped) as answer:
        etag = answer.headers["ETag"]

    with client.get("/static/css/base.css", headers=gzipped | {"If-None-Match": etag}) as answer:
        assert (answer.status_code, answer.data) == (304, b"")


def test_files_do_not_vary_by_cookie(client, kind_twitter):
    client.sign_in()

    with client.get("/static/css/base.css") as answer:
        assert "Cookie" not in answer.headers["Vary"]


def test_pictures_and_pages_are_not_compressed(client):
    picture = files(STATIC / "img")[0]
    for path in (f"/static/img/{picture.name}", "/"):
        with client.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
            assert "Content-Encoding" not in answer.headers


def test_the_style_sheets_stay_small():
    assert sum(file.stat().st_size for file in STATIC.glob("css/*.css")) <= 20 * 1024


def test_our_one_script_stays_small():
    assert SCRIPT.stat().st_size <= 2 * 1024


def test_what_others_wrote_comes_with_its_licence():
    theirs = {path.relative_to(STATIC / "vendor").parts[0] for path in files(STATIC / "vendor")}

    assert theirs
    for folder in theirs:
        assert (STATIC / "vendor" / folder / "LICENSE").is_file()


def test_an_older_machine_does_not_pass_its_file_off_as_the_newer_version(client):
    """While machines change over: what is kept under a version's name is that version."""
    with client.get("/static/css/base.css?v=another") as answer:
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] != FOR_GOOD
