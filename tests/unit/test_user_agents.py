"""Browsers in words."""

from app.accounts.user_agents import described

KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"Mozilla/5.0 (Windows NT 10.0) {KHTML} Chrome/140.0.0.0 Safari/537.36"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15"
ANDROID = f"Mozilla/5.0 (Linux; Android 15) {KHTML} Chrome/140.0.0.0 Mobile Safari/537.36"
WORDS = {
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox on Linux",
    CHROME: "Chrome on Windows",
    f"{CHROME} Edg/140.0": "Edge on Windows",
    MAC: "Safari on Mac",
    ANDROID: "Chrome on Android",
    "curl/8.0": "A browser",
    "": "A browser",
    "<script>alert(1)</script>": "A browser",
}


def test_a_browser_is_described_in_our_words():
    assert {user_agent: described(user_agent) for user_agent in WORDS} == WORDS
