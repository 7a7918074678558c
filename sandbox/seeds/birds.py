"""The beginning of the world: the birds, an egg, and who follows whom.

Everything here is made up, always the same, and free of chance.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from sandbox.seeds.seed_birds import (
    ACCOUNTS,
    CUCKOO,
    GANNET,
    HERON,
    JAY,
    KINGFISHER,
    LAPWING,
    MAGPIE,
    MOCKINGBIRD,
    NIGHTJAR,
    OWL,
    PUFFIN,
    ROBIN,
    STARLING,
    WREN,
)
from sandbox.seeds.seed_tweets import MEDIA, POLLS, TWEETS
from sandbox.world.model import Account, Client, Seed, Space

_FLOCK_IDS = 1_550_000_000_000_000_000
_FLOCK = 2400  # the starlings of one murmuration: a list that takes several pages

# Each row: who, and whom they follow, the oldest first.
_WHO_FOLLOWS_WHOM = (
    (WREN, (ROBIN, JAY, HERON, OWL, KINGFISHER, MAGPIE, PUFFIN, CUCKOO, STARLING, MOCKINGBIRD)),
    (ROBIN, (WREN, JAY, PUFFIN, NIGHTJAR, STARLING)),
    (JAY, (WREN, MAGPIE, OWL)),
    (MAGPIE, (JAY, KINGFISHER, STARLING, WREN)),
    (HERON, (KINGFISHER, PUFFIN)),
    (OWL, (NIGHTJAR, WREN, HERON)),
    (KINGFISHER, (HERON, WREN)),
    (PUFFIN, (HERON, ROBIN, STARLING, WREN)),
    (NIGHTJAR, (OWL, ROBIN)),
    (STARLING, (WREN, ROBIN, MAGPIE, PUFFIN)),
    (LAPWING, (GANNET,)),
    (GANNET, (LAPWING,)),
    (MOCKINGBIRD, (WREN, ROBIN, JAY, MAGPIE, HERON, OWL, KINGFISHER, PUFFIN, STARLING)),
)

_TOPICS = (
    ("10000000001", "Birds", "Anything with feathers"),
    ("10000000002", "Gardening", "Worms, and what grows above them"),
)

SPACES = (
    Space(
        id="1DawnChorus1a",
        state="live",
        title="Dawn chorus, live from the hedge",
        creator_id=ROBIN,
        host_ids=(ROBIN, JAY),
        speaker_ids=(ROBIN, JAY, KINGFISHER),
        topic_ids=("10000000001",),
        participant_count=212,
        subscriber_count=40,
        created_minutes=-90,
        started_minutes=-42,
    ),
    Space(
        id="1StandStill2b",
        state="scheduled",
        title="How to stand still: questions & answers",
        creator_id=HERON,
        host_ids=(HERON,),
        invited_user_ids=(KINGFISHER, PUFFIN),
        topic_ids=("10000000001",),
        subscriber_count=17,
        created_minutes=-2880,
        scheduled_minutes=1500,
    ),
    Space(
        id="1Murmurat1on3",
        state="scheduled",
        title="Murmuration planning <tonight> 🌆",
        creator_id=STARLING,
        host_ids=(STARLING,),
        subscriber_count=2391,
        created_minutes=-300,
        scheduled_minutes=240,
    ),
    Space(
        id="1N1ghtShift4d",
        state="live",
        title="Night shift: rustling noises, explained",
        creator_id=OWL,
        host_ids=(OWL,),
        speaker_ids=(OWL, NIGHTJAR),
        participant_count=31,
        created_minutes=-20,
        started_minutes=-15,
    ),
    Space(
        id="1AcornsLast5e",
        state="ended",
        title="Where did I put them? An acorn retrospective",
        creator_id=JAY,
        host_ids=(JAY,),
        speaker_ids=(JAY, MAGPIE),
        topic_ids=("10000000002",),
        participant_count=88,
        created_minutes=-11_000,
        started_minutes=-10_900,
        ended_minutes=-10_810,
    ),
    Space(
        id="1HedgeNews6f",
        state="scheduled",
        title="Hedge news, in three minutes",
        creator_id=WREN,
        host_ids=(WREN,),
        invited_user_ids=(ROBIN,),
        topic_ids=("10000000002",),
        subscriber_count=5,
        created_minutes=-600,
        scheduled_minutes=4320,
    ),
    Space(
        id="1Rehearsal7g",
        state="canceled",
        title="Rehearsal, called off: hawk",
        creator_id=STARLING,
        host_ids=(STARLING,),
        created_minutes=-4000,
        scheduled_minutes=-1500,
    ),
)

CALLBACK = "http://127.0.0.1:8000/auth/callback"
CLIENTS = (
    Client(
        client_id="sandbox-client",
        client_secret="sandbox-secret",  # noqa: S106 - printed in the documentation
        name="Perch",
        callbacks=(CALLBACK,),
    ),
    Client(client_id="sandbox-public", name="Perch (public)", callbacks=(CALLBACK,)),
)


def is_flock(account: Account) -> bool:
    """Say whether an account is one of the many in the murmuration."""
    return 0 < int(account.id) - _FLOCK_IDS <= _FLOCK


@cache
def birds(*more_callbacks: str) -> Seed:
    """Give the beginning. It is frozen, so all worlds share it.

    `more_callbacks` are registered for both clients, beside the usual one.
    """
    clients = (replace(one, callbacks=(*one.callbacks, *more_callbacks)) for one in CLIENTS)
    flock = tuple(_one_of_the_flock(number) for number in range(1, _FLOCK + 1))
    pairs = [(follower, who) for follower, many in _WHO_FOLLOWS_WHOM for who in many]
    return Seed(
        accounts=(*ACCOUNTS, *flock),
        tweets=TWEETS,
        spaces=SPACES,
        media=MEDIA,
        polls=POLLS,
        topics=_TOPICS,
        follows=(
            *((bird.id, STARLING) for bird in flock),
            *((GANNET, bird.id) for bird in flock),
            *pairs,
        ),
        clients=tuple(clients),
    )


def _one_of_the_flock(number: int) -> Account:
    return Account(
        id=str(_FLOCK_IDS + number),
        username=f"starling_{number:04d}",
        name=f"Starling {number}",
        days_old=30 + number % 300,
    )
