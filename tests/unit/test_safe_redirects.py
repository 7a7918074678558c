"""Where a form may send a person afterwards."""

from app.web.safe_redirects import HOME, LONGEST, local

OURS = [
    "/",
    "/account",
    "/people?page=2&of=wren",
    "/tweets#top",
    "/people?next=https://evil.example",
    "/a//b",
    "/people/@wren:8080",
    "/authors",
    "/" + "a" * (LONGEST - 1),
]


ELSEWHERE = [
    None,
    "",
    "account",
    "?next=/account",
    "#top",
    # Other hosts, in the spellings that browsers forgive.
    "https://evil.example",
    "HTTPS://evil.example/",
    "https:evil.example",
    "http:/evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "/\\/evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "//user@evil.example/account",
    "//evil.example\\@127.0.0.1",
    "/account\\..\\..",
    " //evil.example",
    " /account",
    "javascript:alert(1)",
    "data:text/html,hello",
    # Browsers leave out tabs and line ends: the second slash follows the first.
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t/account",
    "/account\r\nSet-Cookie: a=b",
    "/account\x00",
    "/\x7f/evil.example",
    "/\u2028/evil.example",
    "/account\u202e",
    "/\ud800",
    # A sign-in does not end in another one.
    "/auth/login",
    "/auth/callback?code=c&state=s",
    "/auth/",
    # Measured as it will be sent: three characters for a byte.
    "/" + "a" * LONGEST,
    "/" + "\N{LATIN SMALL LETTER E WITH ACUTE}" * (LONGEST // 6 + 1),
]


def test_a_path_of_this_site_stays():
    assert [local(path) for path in OURS] == OURS


def test_anything_else_leads_home():
    assert [path for path in ELSEWHERE if local(path) != HOME] == []


def test_a_path_is_kept_as_it_will_be_sent():
    assert local("/people/gr\N{LATIN SMALL LETTER U WITH DIAERESIS}n?q=<b>") == (
        "/people/gr%C3%BCn?q=%3Cb%3E"
    )
