"""Whom to tell of a hole."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.web import security_txt

EXAMPLE = Path(__file__).parents[2] / "deploy" / "security.txt"


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(security_txt, "FILE", tmp_path / "security.txt")
    return tmp_path / "security.txt"


def test_what_the_operator_wrote_is_answered(client, file):
    file.write_bytes(EXAMPLE.read_bytes())

    answer = client.get("/.well-known/security.txt")

    assert answer.status_code == 200
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.data == EXAMPLE.read_bytes()
    assert "Set-Cookie" not in answer.headers


def test_without_one_nothing_is_made_up(client, file):
    assert client.get("/.well-known/security.txt").status_code == 404


@pytest.fixture
def operated(build_app):
    """A site on https with a contact."""
    app = build_app(PUBLIC_URL="https://birds.example", CONTACT_EMAIL="wren@birds.example")
    return app.test_client()


def get(client):
    return client.get(security_txt.PATH, base_url="https://birds.example")


def test_a_site_with_a_contact_names_it_for_the_next_month(operated, file, clock):
    answer = get(operated)

    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text == (
        "Contact: mailto:wren@birds.example\n"
        f"Expires: {clock() + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}\n"
        "Canonical: https://birds.example/.well-known/security.txt\n"
    )
    assert "Set-Cookie" not in answer.headers


def test_the_operators_own_file_counts_more(operated, file):
    file.write_bytes(EXAMPLE.read_bytes())
    assert get(operated).data == EXAMPLE.read_bytes()

    file.write_bytes(b"Contact: mailto:v\xf6gel@perch.example\n")
    assert get(operated).status_code == 404


def test_rfc_9116_is_for_https_only(build_app, file):
    client = build_app(CONTACT_EMAIL="wren@birds.example").test_client()

    assert client.get(security_txt.PATH).status_code == 404


def test_one_that_cannot_be_read_is_no_error_of_the_site(client, file, caplog):
    file.write_bytes(b"Contact: mailto:v\xf6gel@perch.example\n")

    assert client.get("/.well-known/security.txt").status_code == 404
    assert "instance/security.txt cannot be shown: UnicodeDecodeError" in caplog.text


def test_the_example_has_what_rfc_9116_demands():
    """§2.5.3 and §2.5.5: at least one contact, and exactly one day on which it expires."""
    lines = [line for line in EXAMPLE.read_text().splitlines() if not line.startswith("#")]
    fields = [tuple(line.split(": ", 1)) for line in lines]
    names = [name for name, _ in fields]

    assert re.fullmatch(r"(mailto:|https://|tel:)\S+", dict(fields)["Contact"])
    assert names.count("Expires") == 1
    expires = datetime.strptime(dict(fields)["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert expires > datetime(2026, 1, 1, tzinfo=UTC)
    assert dict(fields)["Canonical"].endswith(security_txt.PATH)
