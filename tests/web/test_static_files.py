"""Styles and scripts: small, kept by the browser, and all of them ours."""

import re
from pathlib import Path

import pytest

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


def test_a_page_is_shown_even_while_a_file_of_it_is_being_exchanged(app):
    assert app.jinja_env.globals["static"]("none.css") == "/static/none.css?v="


def test_pages_name_files_with_their_version_alone():
    assert [
        file for file in files(TEMPLATES, "*.html") if "url_for('static'" in file.read_text()
    ] == []


def test_a_browser_that_has_the_text_is_not_sent_it_again(client):
    with client.get("/static/css/base.css") as answer:
        etag = answer.headers["ETag"]

    with client.get("/static/css/base.css", headers={"If-None-Match": etag}) as answer:
        assert (answer.status_code, answer.data) == (304, b"")


def test_files_do_not_vary_by_cookie(client, kind_twitter):
    client.sign_in()

    with client.get("/static/css/base.css") as answer:
        assert "Cookie" not in answer.headers.get("Vary", "")


@pytest.mark.parametrize("path", ["/", "/static/css/base.css", "/static/js/perch.js"])
def test_compressing_is_left_to_nginx(client, path):
    """It compresses styles and scripts alone: the size of a page would tell its secrets."""
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
