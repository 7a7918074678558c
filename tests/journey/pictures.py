"""The pictures of the README and the documents. By hand, when the pages look different:

python -m tests.journey.pictures
"""

import re
import sys
from dataclasses import replace

from tests.journey.by_hand import running_site
from tests.journey.chromium import Reader, running_chromium
from tests.journey.sites import ROOT

PICTURES = ROOT / "docs" / "images"
WIDE = {"width": 1280, "height": 860}
NARROW = {"width": 360, "height": 740}
# Many machines that draw pages have no typeface for these.
EMOJI = re.compile("[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f]+ ?")


def main():
    PICTURES.mkdir(parents=True, exist_ok=True)
    with running_site(use=without_emoji) as url, running_chromium() as chromium:
        context = chromium.new_context(viewport=WIDE, color_scheme="light", locale="en-GB")
        reader = Reader(context, url)
        reader.page.set_viewport_size(NARROW)
        reader.open("/auth/callback?state=of-another-browser&code=none")
        take(reader, "another-browser-narrow")
        reader.page.set_viewport_size(WIDE)
        reader.open("/")
        take(reader, "signed-out")
        reader.press("Sign in with Twitter")
        reader.pick("^Wren")
        take(reader, "consent")
        reader.press("Authorize app")
        take(reader, "home")
        reader.go_to("Tweets")
        take(reader, "tweets")
        reader.go_to("Account")
        take(reader, "account")
        reader.open("/account/sign-in")
        reader.page.locator("section", has_text="Step by step").evaluate(
            "it => it.scrollIntoView()"
        )
        take(reader, "sign-in")
        reader.page.emulate_media(color_scheme="dark")
        reader.page.set_viewport_size(NARROW)
        reader.go_to("Home")
        take(reader, "home-dark-narrow")
        reader.go_to("Follows")
        take(reader, "follows-dark-narrow")
        context.close()


def take(reader, name):
    reader.page.wait_for_load_state("networkidle")
    file = PICTURES / f"{name}.png"
    reader.page.screenshot(path=file)
    sys.stdout.write(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1000} KB\n")


def without_emoji(twitter):
    world = twitter.world
    for tweet in list(world.tweets.values()):
        text, note = EMOJI.sub("", tweet.text), EMOJI.sub("", tweet.note)
        world.tweets[tweet.id] = replace(tweet, text=text, note=note)
    for account in list(world.accounts.values()):
        world.accounts[account.id] = replace(account, name=EMOJI.sub("", account.name).strip())
    for space in list(world.spaces.values()):
        world.spaces[space.id] = replace(space, title=EMOJI.sub("", space.title).strip())


if __name__ == "__main__":
    main()
