"""PRIVACY_URL, TERMS_URL, CONTACT_EMAIL: links on every page, so they are read strictly."""

import pytest

from config import Config, ConfigError
from tests.factories import build_environ

URLS = ("PRIVACY_URL", "TERMS_URL")
OURS = "https://perch.example"


def read(root, **settings):
    return Config.from_env(build_environ(**settings), root=root)


def refused(root, name, text):
    with pytest.raises(ConfigError) as caught:
        read(root, **{name: text})
    [problem] = caught.value.problems
    assert problem.startswith(f"{name}: ")
    return problem


def test_without_them_nothing_is_made_up(tmp_path):
    config = read(tmp_path)

    assert (config.privacy_url, config.terms_url, config.contact_email) == (None, None, None)


@pytest.mark.parametrize("name", URLS)
def test_an_address_for_people_may_have_all_that_such_addresses_have(tmp_path, name):
    urls = {
        "https://Perch.Example": "https://perch.example",
        "https://perch.example/privacy": "https://perch.example/privacy",
        "https://perch.example//privacy": "https://perch.example//privacy",
        "http://perch.example:8080/a/": "http://perch.example:8080/a/",
        "https://perch.example:443/legal?lang=en&v=2#data": (
            "https://perch.example/legal?lang=en&v=2#data"
        ),
        "https://xn--prch-bpa.example/datenschutzerkl%C3%A4rung": (
            "https://xn--prch-bpa.example/datenschutzerkl%C3%A4rung"
        ),
    }

    assert {url: getattr(read(tmp_path, **{name: url}), name.lower()) for url in urls} == urls


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)//https://perch.example",
        "java\tscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "ftp://perch.example/privacy",
        "mailto:wren@perch.example",
        "blob:https://perch.example/1",
        "//perch.example/privacy",
        "/privacy",
        "perch.example/privacy",
        "https:privacy",
        "https:///privacy",
        "https://?",
        "https://[::1",
        "https://perch.example:port/",
        "https://perch.example:0/",
        "https://my_app.example/privacy",
        "https://pérch.example/privacy",
        "https://perch.example/erklärung",
        "https://perch.example/a b",
        "https://perch.example\\@evil.example/",
        'https://perch.example/"onclick=alert(1)',
        "https://perch.example/<script>",
        "https://perch.example/\r\nSet-Cookie: a=b",
    ],
)
def test_everything_else_is_refused_in_words(tmp_path, name, text):
    problem = refused(tmp_path, name, text)

    assert text not in problem
    assert "alert" not in problem


@pytest.mark.parametrize("name", URLS)
@pytest.mark.parametrize(
    "text",
    [
        "https://wren:hunter2@perch.example/",
        "https://hunter2@perch.example/",
        "https://:hunter2@perch.example/",
        "https://perch.example/?password=hunter2",
        "https://perch.example/?a=b&access_token=hunter2",
        "https://perch.example/?client_secret=hunter2",
        "https://perch.example/#Token=hunter2",
    ],
)
def test_an_address_with_a_secret_in_it_is_refused_and_not_quoted(tmp_path, name, text):
    assert "hunter2" not in refused(tmp_path, name, text)


@pytest.mark.parametrize(
    "text", [f"{OURS}/privacy", f"{OURS.upper()}:443/%70rivacy?lang=en#top", f"{OURS}/privacy#a"]
)
def test_a_privacy_page_that_leads_to_itself_is_refused(tmp_path, text):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, PUBLIC_URL=OURS, PRIVACY_URL=text)

    [problem] = caught.value.problems
    assert problem.startswith("PRIVACY_URL: is this site's own page")


def test_a_privacy_page_elsewhere_on_the_same_host_is_fine(tmp_path):
    config = read(tmp_path, PUBLIC_URL=OURS, PRIVACY_URL=f"{OURS}/legal/privacy")

    assert config.privacy_url == f"{OURS}/legal/privacy"


def test_a_mail_address_is_taken_as_it_is_written(tmp_path):
    addresses = {
        "privacy@perch.example": "privacy@perch.example",
        "Wren.of-the_hedge+p@Perch.Example": "Wren.of-the_hedge+p@perch.example",
        "1@xn--prch-bpa.example": "1@xn--prch-bpa.example",
        f"{'w' * 64}@perch.example": f"{'w' * 64}@perch.example",
    }

    assert {a: read(tmp_path, CONTACT_EMAIL=a).contact_email for a in addresses} == addresses


@pytest.mark.parametrize(
    "text",
    [
        "wren",
        "@perch.example",
        "wren@",
        "wren@@perch.example",
        "wren@perch",
        "wren@localhost",
        "wren@127.0.0.1",
        "wren@[127.0.0.1]",
        "wren@[IPv6:::1]",
        "wren@::1",
        "wren@perch..example",
        "wren@.perch.example",
        "wren@perch.example.",
        "wren@-perch.example",
        "wren@my_app.example",
        "wren@pérch.example",
        "wrén@perch.example",
        ".wren@perch.example",
        "wren.@perch.example",
        "wr..en@perch.example",
        "wren @perch.example",
        "wren@perch.example, robin@perch.example",
        "wren@perch.example;robin@perch.example",
        "Wren <wren@perch.example>",
        '"w ren"@perch.example',
        "wren(hedge)@perch.example",
        "mailto:wren@perch.example",
        "wren@perch.example?bcc=evil@evil.example",
        "wren?bcc=evil@evil.example",
        "wren&cc=evil@evil.example",
        "wren%0d%0aBcc:evil@evil.example",
        "wren#x@perch.example",
        "wren@perch.example\r\nBcc: evil@evil.example",
        "wren\nBcc: evil@perch.example",
        "wren\u2028@perch.example",
        "javascript:alert(1)@perch.example",
        f"{'w' * 65}@perch.example",
        f"wren@{'p.' * 124}example",
    ],
)
def test_an_odd_mail_address_is_refused_in_words(tmp_path, text):
    problem = refused(tmp_path, "CONTACT_EMAIL", text)

    assert text not in problem
    assert "evil" not in problem


def test_all_of_them_are_named_at_once(tmp_path):
    wrong = {"PRIVACY_URL": "x:", "TERMS_URL": "y:", "CONTACT_EMAIL": "z"}

    with pytest.raises(ConfigError) as caught:
        read(tmp_path, **wrong)

    assert [problem.partition(":")[0] for problem in caught.value.problems] == list(wrong)
