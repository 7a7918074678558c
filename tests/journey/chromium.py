"""A real browser, and what it complains about."""

import contextlib
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from tests.needs import need

PROGRAMS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
PLACES = [
    "/usr/lib/chromium/chromium",
    "/snap/bin/chromium",
    "/opt/google/chrome/chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MILLISECONDS_TO_HAPPEN = 30_000  # on a busy machine; usually it is a few milliseconds

WIDTHS = {360: 740, 1280: 800}
SCHEMES = ["light", "dark"]


def chromium_program():
    found = (shutil.which(program) for program in PROGRAMS)
    return next(filter(None, [*found, *(p for p in PLACES if Path(p).exists())]), None)


@contextlib.contextmanager
def running_chromium():
    program = need(chromium_program(), "Chromium", "Try: apt-get install chromium")
    with sync_playwright() as playwright:
        # Playwright adds a hundred flags of its own; these are the ones we mean.
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()


class Reader:
    """A person at a browser, with a list of everything that the browser complained about."""

    def __init__(self, context, url):
        self.context = context
        self.url = url
        self.complaints = []
        context.set_default_timeout(MILLISECONDS_TO_HAPPEN)
        context.on("console", self._note_message)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        context.on("requestfailed", self._note_failure)
        context.on("response", self._note_answer)
        self.page = context.new_page()

    def open(self, path="/"):
        return self.page.goto(self.url + path)

    def press(self, label):
        self.follow(self.page.get_by_role("button", name=label, exact=True).first)

    def go_to(self, name):
        main = self.page.get_by_role("navigation", name="Main")
        self.follow(main.get_by_role("link", name=name))

    def follow(self, control):
        """Click, and wait until the page that it leads to is whole.

        A click is done before its request is: to go on at once would cancel that.
        """
        with self.page.expect_navigation():
            control.click()

    def pick(self, name):
        self.page.get_by_role("radio", name=re.compile(name)).check()

    def sign_in(self, name="Robin Redbreast"):
        self.press("Sign in with Twitter")
        self.pick(name)
        self.press("Authorize app")
        self.page.wait_for_url(f"{self.url}/**")

    def path(self):
        assert self.page.url.startswith(self.url), self.page.url
        return urlsplit(self.page.url).path

    def heading(self):
        return self.page.locator("h1").inner_text().strip()

    def text(self):
        return self.page.locator("body").inner_text()

    def has_room_for_all(self):
        """Whether nothing is wider than the window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        )

    def _note_message(self, message):
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console: {message.text}")

    def _note_failure(self, request):
        if (
            request.failure == "net::ERR_ABORTED"
        ):  # the person went on before all pictures were there
            return
        self.complaints.append(f"failed: {request.method} {request.url} {request.failure}")

    def _note_answer(self, response):
        if response.status >= 400:
            self.complaints.append(f"{response.status}: {response.request.method} {response.url}")
