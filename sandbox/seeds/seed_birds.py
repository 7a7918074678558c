"""Who lives here: a dozen birds and an egg. All of them are made up."""

from __future__ import annotations

from sandbox.world.model import Account

HOUR, DAY = 60, 24 * 60


def at(minutes_ago: int) -> str:
    """Give the id of a post of that age. Like Twitter's, later ids are larger."""
    return str(1_990_000_000_000_000_000 - minutes_ago * (60_000 << 22))


# Ids are texts that no 64-bit float can hold, so that a client that counts with them is caught.
WREN = "1540000000000000001"
ROBIN = "1540000000000000002"
JAY = "1540000000000000003"
MAGPIE = "1540000000000000004"
HERON = "1540000000000000005"
OWL = "1540000000000000006"
KINGFISHER = "1540000000000000007"
PUFFIN = "1540000000000000008"
NIGHTJAR = "1540000000000000009"
CUCKOO = "1540000000000000010"
STARLING = "1540000000000000011"
MOCKINGBIRD = "1540000000000000012"
EGG = "1540000000000000013"
LAPWING = "1540000000000000014"
GANNET = "1540000000000000015"

ACCOUNTS = (
    Account(
        id=WREN,
        username="wren",
        name="Wren",
        description="Small, brown, and louder than you would think. Hedges & ivy.",
        location="The hedge behind the shed",
        url="https://wren.example/",
        days_old=3210,
        plumage=("#7a5230", "#d9b48f", "#3b2a1a"),
        banner=True,
        pinned_tweet_id=at(4 * HOUR),
        listed_count=14,
        email="wren@birds.example",
    ),
    Account(
        id=ROBIN,
        username="robin",
        name="Robin Redbreast",
        description=(
            "I was here first. Worms > bread, spades & Christmas cards <3 🪱 Also @wren's "
            "neighbour."
        ),
        location="On the handle of your spade",
        url="https://robin.example/garden",
        days_old=4015,
        verified_type="blue",
        plumage=("#6b5b4b", "#d9542b", "#2d2420"),
        banner=True,
        listed_count=52,
        email="robin@birds.example",
    ),
    Account(
        id=JAY,
        username="jay",
        name="Jay",
        description="Planting oaks since the ice age. Forgot where.",
        location="An oak wood, or what will be one",
        days_old=2750,
        plumage=("#c79a84", "#3f7fc4", "#2b2b2b"),
        listed_count=9,
        email="jay@birds.example",
    ),
    Account(
        id=MAGPIE,
        username="magpie",
        name="Magpie ✨",
        description="One for sorrow, two for joy, seven for a secret never to be told.",
        location="Up here",
        days_old=1888,
        verified_type="blue",
        plumage=("#14202b", "#f4f6f8", "#0c1116"),
        banner=True,
        listed_count=31,
        email="magpie@birds.example",
    ),
    Account(
        id=HERON,
        username="heron",
        name="Heron",
        description="Standing still, professionally.",
        location="51.5° N, knee-deep",
        days_old=4400,
        verified_type="business",
        plumage=("#8796a5", "#e8edf2", "#d9a441"),
        listed_count=77,
        email="heron@birds.example",
    ),
    Account(
        id=OWL,
        username="barn_owl",
        name="Barn Owl",
        description="Night shift. Please do not ask what I had for dinner.",
        location="The beam above the hay",
        days_old=2100,
        plumage=("#c9a36b", "#fbf4e6", "#6d5433"),
        listed_count=40,
        email="owl@birds.example",
    ),
    Account(
        id=KINGFISHER,
        username="kingfisher",
        name="Kingfisher",
        description="Blink and you missed me.",
        location="A branch over the brook",
        url="https://kingfisher.example/blue",
        days_old=1300,
        plumage=("#0f7ba8", "#e0793a", "#1d1d1f"),
        banner=True,
        listed_count=22,
        email="kingfisher@birds.example",
    ),
    Account(
        id=PUFFIN,
        username="puffin",
        name="Puffin",
        description="Half clown, half submarine. Twelve sand eels is not even my record.",
        location="A burrow with a sea view",
        days_old=900,
        verified_type="government",
        plumage=("#20242b", "#f7f7f2", "#e8622c"),
        listed_count=63,
        email="puffin@birds.example",
    ),
    Account(
        id=NIGHTJAR,
        username="nightjar",
        name="Nightjar",
        description="You are looking straight at me. You cannot see me.",
        location="Somewhere on the heath",
        days_old=1500,
        protected=True,
        plumage=("#6a5c4d", "#9a8870", "#2e2822"),
        email="nightjar@birds.example",
    ),
    Account(
        id=CUCKOO,
        username="cuckoo",
        name="Definitely A Reed Warbler",
        description="Suspended for impersonation.",
        days_old=400,
        suspended=True,
        plumage=("#7f8a93", "#dfe3e6", "#c9a227"),
        email="cuckoo@birds.example",
    ),
    Account(
        id=STARLING,
        username="starling",
        name="Starling",
        description="We are many. Tonight: the pier, at dusk. Bring everyone.",
        location="The sky over the pier",
        days_old=2222,
        plumage=("#23212f", "#4b5f4e", "#e3b23c"),
        banner=True,
        listed_count=120,
        email="starling@birds.example",
    ),
    Account(
        id=MOCKINGBIRD,
        username="mockingbird",
        name='<script>alert("tweet")</script>',
        description=(
            "'\"><img src=x onerror=alert(1)> {{ 7*7 }} \u202egnikcom\u202c & 'copying' \u200b"
            "everything I hear"
        ),
        location='"><b>here</b>',
        url="https://mockingbird.example/?a=1&b=<2>",
        days_old=666,
        plumage=("#8a8f94", "#e6e4df", "#30343a"),
        listed_count=3,
        email="mockingbird@birds.example",
    ),
    Account(
        id=EGG,
        username="egg",
        name="Egg",
        days_old=1,
        email="egg@birds.example",
    ),
    Account(
        id=LAPWING,
        username="lapwing",
        name="Lapwing",
        description="Known as @peewit until last spring. Same crest, new name.",
        location="The wet end of the meadow",
        days_old=1700,
        plumage=("#2f4a45", "#f2f0ea", "#5a2d3f"),
        email="lapwing@birds.example",
        former_usernames=("peewit",),
    ),
    Account(
        id=GANNET,
        username="gannet",
        name="Gannet",
        description="I follow everybody. It is nothing personal.",
        location="Far out, and falling",
        days_old=2600,
        plumage=("#f3f1e7", "#f0c869", "#8fa3b5"),
        listed_count=6,
        email="gannet@birds.example",
    ),
)
