"""Hostile names, texts and addresses on every page, in a real browser: nothing happens.

The world is made for it: for each payload there is somebody who is called so, writes so, and talks
in a Space of that title.
"""

import pytest

from sandbox.model import Account, Link, Media, Seed, Space, Tweet
from sandbox.seed import CLIENTS
from sandbox.testing import Sandbox
from tests.hostile import ADDRESSES, OUR_TAGS, PAYLOADS

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("nothing_remembered"),
]

# Half a character cannot be sent in a page; that is tested where answers of Twitter are made up.
# Names are cut when they are longer.
TEXTS = [payload.replace("\ud83d", "").replace("\x00", "")[:200] for payload in PAYLOADS]
ME = "1500000000000000001"
FIRST = 1_600_000_000_000_000_000
OURS = OUR_TAGS | {"script", "ol", "dl", "dt", "dd", "code", "em"}
LONGEST = 280
LOOK = """() => {
    const all = [...document.querySelectorAll("*")];
    return {
        names: [...new Set(all.map((it) => it.localName))],
        handlers: all.flatMap((it) => it.getAttributeNames().filter((n) => /^on|^style$/.test(n))),
        scripts: [...document.scripts].map((it) => it.src),
        leads: all.flatMap((it) => [it.action, it.src, it.href]
            .filter((to) => typeof to === "string" && to && !/^https?:/.test(to))),
        title: document.title,
    };
}"""


def person(number):
    text = TEXTS[number % len(TEXTS)]
    return Account(
        id=str(FIRST + number),
        username=text,
        name=text,
        description=f"{text} @{text} #{text} https://t.co/x",
        location=text,
        url=ADDRESSES[number % len(ADDRESSES)],
    )


def tweet(number):
    text, short = TEXTS[number], f"https://t.co/payload{number:03}"
    whole = f"{text} @{text} #{text} {short}"
    return Tweet(
        id=str(FIRST + number),
        author_id=ME,
        text=whole if len(whole) <= LONGEST else short,
        note=whole if len(whole) > LONGEST else "",
        minutes_ago=10 + number,
        media_keys=(f"3_{number}",),
        links=(
            Link(short=short, expanded=ADDRESSES[number % len(ADDRESSES)], display=text),
            Link(short=short, expanded="https://x.com/a/status/1/photo/1", display=text),
        ),
        metrics=(1, 2, 3, 4, 5, 6),
    )


def space(number):
    return Space(
        id=f"1Payload{number:03}",
        state=("live", "scheduled", "ended")[number % 3],
        title=TEXTS[number],
        creator_id=str(FIRST + number),
        host_ids=(str(FIRST + number),),
        speaker_ids=(ME,),
        started_minutes=-5,
        scheduled_minutes=60,
    )


NUMBERS = range(len(TEXTS))
WORLD = Seed(
    accounts=(
        Account(id=ME, username="duck", name=TEXTS[0], description=TEXTS[3], plumage=("red",) * 3),
        *map(person, NUMBERS),
    ),
    tweets=tuple(map(tweet, NUMBERS)),
    spaces=tuple(map(space, NUMBERS)),
    media=tuple(Media(media_key=f"3_{n}", alt_text=TEXTS[n], scene="sea") for n in NUMBERS),
    polls=(),
    topics=(),
    follows=(
        *((ME, str(FIRST + number)) for number in NUMBERS),
        *((str(FIRST + number), ME) for number in NUMBERS),
    ),
    clients=CLIENTS,
)
PATHS = [
    "/",
    "/tweets",
    *(f"/tweets/{FIRST + number}" for number in NUMBERS),
    "/tweets/lookup?ids=" + ",".join(str(FIRST + number) for number in NUMBERS),
    "/follows",
    "/follows/followers",
    "/people?who=" + ",".join(str(FIRST + number) for number in NUMBERS),
    "/people/duck",
    *(f"/people/id/{FIRST + number}" for number in NUMBERS),
    "/spaces",
    *(f"/spaces/1Payload{number:03}" for number in NUMBERS),
    "/spaces/lookup?creators=" + ",".join(str(FIRST + number) for number in NUMBERS),
    "/account",
    "/account/sign-in",
    "/account/disconnect",
]


@pytest.fixture(scope="module")
def twitter_server():
    with Sandbox(seed=WORLD) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(twitter_server)


@pytest.fixture
def duck(read, twitter):
    """Somebody who follows them all, and whose browser tells of everything that it minds."""
    reader = read()
    reader.alarms = []
    reader.context.on("console", lambda message: reader.alarms.append(message.text))
    reader.context.on("dialog", lambda dialog: reader.alarms.append(dialog.message))
    reader.context.on("page", lambda page: reader.alarms.append(f"opened {page.url}"))
    reader.open("/")
    reader.press("Sign in with Twitter")
    reader.page.locator('input[value="duck"]').check()
    reader.press("Authorize app")
    reader.page.wait_for_url(f"{reader.url}/**")
    return reader


def seen(reader, path):
    """Open a page, move over all of it, and return what a stranger may not have put there."""
    assert reader.open(path).status == 200, path
    reader.page.locator("main").hover()
    there = reader.page.evaluate(LOOK)
    return {
        "elements": sorted(set(there["names"]) - OURS),
        "handlers": there["handlers"],
        "scripts": [s for s in there["scripts"] if not s.startswith(f"{reader.url}/static/")],
        "leads": there["leads"],
        "path": [] if reader.page.url == reader.url + path else [reader.page.url],
        "title": [] if there["title"].endswith(" · Perch") else [there["title"]],
        "frames": reader.page.frames[1:],
    }


def test_no_payload_does_anything_on_any_page(duck):
    found = {path: {k: v for k, v in seen(duck, path).items() if v} for path in PATHS}

    assert {path: what for path, what in found.items() if what} == {}
    assert duck.alarms == []
    assert duck.complaints == []


def test_every_payload_is_read_as_it_was_written(duck):
    duck.open("/follows")

    names = duck.page.locator("#people-list .name").all_text_contents()

    assert {" ".join(name.split()) for name in names} == {" ".join(t.split()) for t in TEXTS}


def test_no_address_of_a_picture_leads_anywhere(duck, twitter):
    people = [
        {
            "id": str(number),
            "username": f"cuckoo{number}",
            "name": "C",
            "profile_image_url": address,
        }
        for number, address in enumerate(ADDRESSES, 1)
    ]
    twitter.fault(path="/2/users/*/followers", body={"data": people}, times=None)

    found = seen(duck, "/follows/followers")

    assert duck.page.locator("#people-list .avatar").count() == len(ADDRESSES)
    assert {key: value for key, value in found.items() if value} == {}
    assert duck.alarms == []
