"""Spaces on the pages, for the tests of all pages."""

from tests.dialects import LIVE
from tests.hostile import PAYLOADS
from tests.web.answers import ME, ROBIN

SPACE_ID = "1DXxyRYNejbKM"
LIVE_SPACE = {
    "id": SPACE_ID,
    "state": "live",
    "title": "Dawn chorus",
    "host_ids": ["1002"],
    "participant_count": 7,
}
PLANNED_SPACE = {
    "id": "1DXxyRYNejbKN",
    "state": "scheduled",
    "title": "Keeping acorns",
    "scheduled_start": "2030-09-01T18:00:00.000Z",
}


def answers(dialect):
    """Return path and body of what Twitter answers to the reads of lists, by their panels."""
    spaces = {"data": [PLANNED_SPACE, LIVE_SPACE], "includes": {"users": [ROBIN]}}
    return {"spaces": (dialect.spaces, spaces)}


def shown_at(moment):
    """Return the same with one Space that is planned for a moment, for `stand`."""
    planned = PLANNED_SPACE | {"scheduled_start": moment}
    return {"spaces": {"json": {"data": [planned, LIVE_SPACE], "includes": {"users": [ROBIN]}}}}


# The macro of partials whose HTML is kept.
REMEMBERED = ["spaces.space"]

# The pages, by the names that docs/twitter-api.md has for them.
OPENED = {
    "`/spaces`": "/spaces",
    "`/spaces/<id>`": "/spaces/10",
    "`/spaces/lookup?ids=`": "/spaces/lookup?ids=10",
    "`/spaces/lookup?creators=`": "/spaces/lookup?creators=1002,@robin",
}
# Those about one thing, or about what was asked for, by endpoint.
ADDRESSES = {
    "pages.space": [f"/spaces/{SPACE_ID}"],
    "pages.spaces_lookup": [f"/spaces/lookup?ids={SPACE_ID},2", "/spaces/lookup?creators=1002,11"],
}
# The panels that a failing Twitter leaves on each page.
ON_HOME = ["spaces"]
COLD = {
    "/spaces": {"spaces"},
    f"/spaces/{SPACE_ID}": {"space"},
    f"/spaces/lookup?ids={SPACE_ID}": {"spaces"},
}

LOOK_UPS = [("/spaces/lookup", "ids"), ("/spaces/lookup", "creators")]
LISTS_WITH_LOOK_UPS = [("/spaces", {"ids", "creators"})]

FEATURES = {
    "look_up_spaces": {
        "page": "/spaces/lookup",
        "looks": 'name="ids"',
        "asks": ("GET", "/spaces"),
        "tried": f"/spaces/lookup?ids={SPACE_ID}",
        "account": "Spaces by id",
    },
    "look_up_spaces_of_people": {
        "page": "/spaces/lookup",
        "looks": 'name="creators"',
        "asks": ("GET", LIVE.spaces),
        "tried": "/spaces/lookup?creators=1002",
        "account": "Spaces by host",
    },
    "spaces": {
        "page": "/account",
        "looks": 'href="/spaces"',
        "asks": ("GET", LIVE.spaces),
        "tried": "/spaces",
        "account": "Spaces by host",
    },
}
READS = {"/spaces": [LIVE_SPACE], f"/spaces/{SPACE_ID}": LIVE_SPACE, LIVE.spaces: [LIVE_SPACE]}

# In a browser, on what the sandbox has

HEADINGS = ["Spaces"]
LISTS = ["/spaces"]
IN_THE_BETA_ALONE = ["/2/users/:id/following/spaces"]
PAYLOAD_PAGES = ["/spaces", "/spaces/1Payload000", "/spaces/lookup?creators=MANY"]


def pages_of(world):
    """Return every page, with the states that an address can bring about."""
    states = {space.state: space.id for space in world.spaces.values()}
    live, planned = states["live"], states["scheduled"]
    return [
        *LISTS,
        f"/spaces/{live}",
        f"/spaces/{planned}",
        f"/spaces/lookup?ids={live},{SPACE_ID}",
    ]


def shown_in(world):
    """Return pages, each with words that must stand there."""
    space = next(space for space in world.spaces.values() if space.state == "live")
    paths = [
        "/",
        "/spaces",
        f"/spaces/{space.id}",
        f"/spaces/lookup?ids={space.id}",
        f"/spaces/lookup?creators={space.creator_id}",
        "/spaces/lookup?creators=@robin",
    ]
    return dict.fromkeys(paths, space.title)


# Hostile content

HOSTILE_PAGES = [
    "/spaces",
    f"/spaces/{SPACE_ID}",
    f"/spaces/lookup?ids={SPACE_ID},2",
    "/spaces/lookup?creators="
    + ",".join([*(str(1002 + number) for number in range(len(PAYLOADS))), "11"]),
]
HOSTILE_FIELDS = {"/spaces/lookup": "creators"}


def fill(twitter, each, all_texts, several):
    """Let Spaces carry the texts: `each` has a text, an address and the id of its host."""
    spaces = [
        _hostile(text, ("live", "scheduled")[number % 2], f"{SPACE_ID[:11]}{number:02}", user_id)
        for number, (text, _, user_id) in enumerate(each)
    ]
    one = _hostile(all_texts, "ended", SPACE_ID, ME)
    twitter.get("/spaces/by/creator_ids", json={"data": spaces, **several})
    twitter.get(f"/spaces/{SPACE_ID}", json={"data": one, "includes": several["includes"]})
    twitter.get("/spaces", json={"data": [one], **several})


def _hostile(payload, state, space_id, user_id):
    return {
        "id": space_id,
        "state": state,
        "title": payload,
        "host_ids": [user_id],
        "speaker_ids": [ME],
        "scheduled_start": payload,
        "ended_at": payload,
    }
