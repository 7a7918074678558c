"""Hostile names, texts and addresses in a real browser: nothing happens, pages keep their shape.

Two worlds are made: in one, for each payload there is a person who is called so, writes so, and
talks in a Space of that title; in the other they say the same without what could be markup.
"""

import pytest

from sandbox.seeds.birds import CLIENTS
from sandbox.testing import Sandbox
from sandbox.world.model import Account, Link, Media, Seed, Space, Tweet
from tests.hostile import ADDRESSES, PAYLOADS, harmless
from tests.journey.chromium import Reader
from tests.sections import rows_of

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
LONGEST = 280
LOOK = """() => {
    const all = [...document.querySelectorAll("*")];
    return {
        structure: all.map((it) => [it.localName, ...it.getAttributeNames()].join(" ")),
        scripts: [...document.scripts].map((it) => it.src),
        leads: all.flatMap((it) => [it.action, it.src, it.href]
            .filter((to) => typeof to === "string" && to && !/^https?:/.test(to))),
    };
}"""


def person(text, number):
    return Account(
        id=str(FIRST + number),
        username=text,
        name=text,
        description=f"{text} @{text} #{text} https://t.co/x",
        location=text,
        url=ADDRESSES[number % len(ADDRESSES)],
    )


def tweet(text, number):
    short = f"https://t.co/payload{number:03}"
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


def space(text, number):
    return Space(
        id=f"1Payload{number:03}",
        state=("live", "scheduled", "ended")[number % 3],
        title=text,
        creator_id=str(FIRST + number),
        host_ids=(str(FIRST + number),),
        speaker_ids=(ME,),
        started_minutes=-5,
        scheduled_minutes=60,
    )


def world(texts):
    duck = {"username": "duck", "name": texts[0], "description": texts[3]}
    numbered = [(text, number) for number, text in enumerate(texts)]
    ids = [str(FIRST + number) for number in range(len(texts))]
    return Seed(
        accounts=(
            Account(id=ME, plumage=("red",) * 3, **duck),
            *(person(*one) for one in numbered),
        ),
        tweets=tuple(tweet(*one) for one in numbered),
        spaces=tuple(space(*one) for one in numbered),
        media=tuple(
            Media(media_key=f"3_{number}", alt_text=text, scene="sea") for text, number in numbered
        ),
        polls=(),
        topics=(),
        follows=(*((ME, one) for one in ids), *((one, ME) for one in ids)),
        clients=CLIENTS,
    )


MANY = ",".join(str(FIRST + number) for number in range(len(TEXTS)))
PATHS = [
    "/",
    "/tweets",
    f"/tweets/{FIRST}",
    f"/tweets/lookup?ids={MANY}",
    "/follows",
    "/follows/followers",
    f"/people?who={MANY}",
    "/people/duck",
    f"/people/id/{FIRST}",
    *(path.replace("MANY", MANY) for path in rows_of("PAYLOAD_PAGES")),
    "/account/sign-in",
    "/account/disconnect",
]


@pytest.fixture(scope="module")
def twitter_server():
    with Sandbox(seed=world(TEXTS)) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(twitter_server)


@pytest.fixture
def harmless_site(sites):
    with Sandbox(seed=world([harmless(text) for text in TEXTS])) as sandbox:
        started = sites.start(sandbox)
        yield started
        sites.running.remove(started)  # the other sandbox must not know it
        started.stop()


@pytest.fixture
def sign_in_duck(chromium, twitter):
    """Sign the follower of them all in; alarms note everything that the browser minds."""
    contexts = []

    def sign_in(site):
        contexts.append(chromium.new_context())
        reader = Reader(contexts[-1], site.url)
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

    yield sign_in
    for context in contexts:
        context.close()


def seen(reader, path):
    """Open a page, move over all of it, and return its structure and what may not be there."""
    assert reader.open(path).status == 200, path
    reader.page.locator("main").hover()
    there = reader.page.evaluate(LOOK)
    wrong = [s for s in there["scripts"] if not s.startswith(f"{reader.url}/static/")]
    wrong += there["leads"] + reader.page.frames[1:]
    wrong += [reader.page.url] * (reader.page.url != reader.url + path)
    return there["structure"], wrong


def test_no_payload_does_anything_on_any_page(sign_in_duck, site, harmless_site):
    duck, other = sign_in_duck(site), sign_in_duck(harmless_site)

    for path in PATHS:
        structure, wrong = seen(duck, path)

        assert structure == seen(other, path)[0], path
        assert wrong == [], path
    assert duck.alarms == []
    assert duck.complaints == []


def test_every_payload_is_read_as_it_was_written(sign_in_duck, site):
    duck = sign_in_duck(site)
    duck.open("/follows")

    names = duck.page.locator("#people-list .name").all_text_contents()

    assert {" ".join(name.split()) for name in names} == {" ".join(t.split()) for t in TEXTS}


def test_no_address_of_a_picture_leads_anywhere(sign_in_duck, site, twitter):
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
    duck = sign_in_duck(site)

    _, wrong = seen(duck, "/follows/followers")

    assert duck.page.locator("#people-list img.avatar").count() == len(ADDRESSES)
    assert wrong == []
    assert duck.alarms == []
