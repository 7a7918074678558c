"""What the birds have said. Times are minutes before the world began."""

from __future__ import annotations

from sandbox.seeds.seed_birds import (
    CUCKOO,
    DAY,
    GANNET,
    HERON,
    HOUR,
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
    at,
)
from sandbox.world.model import Link, Media, Poll, Tweet

_NOTE = (
    "People ask how something that weighs as much as a pound coin can be that loud. "
    "Three things.\n\n"
    "First, breathe with the whole bird. The song is not in the throat, it starts at the tail, "
    "which is why the tail points up.\n\n"
    "Second, choose your stage. A hole in a dry stone wall beats any treetop: it has the better "
    "acoustics & nobody expects it.\n\n"
    "Third, mean it. A hundred notes in five seconds are a hundred decisions. If you have to ask "
    "whether the neighbours mind, you are not singing yet.\n\n"
    "Rehearsal tomorrow at 04:40, by the ivy. #DawnChorus"
)

MEDIA = (
    Media(
        media_key="3_1990000000000000001",
        alt_text="A brook in morning light, and one very blue streak where a bird was",
        scene="brook",
    ),
    Media(
        media_key="3_1990000000000000002",
        alt_text="Thousands of starlings at dusk, folding the sky like a sheet",
        scene="murmuration",
    ),
    Media(
        media_key="3_1990000000000000003",
        alt_text="The sea from the mouth of a burrow, framed by thrift",
        scene="sea",
    ),
    Media(
        media_key="3_1990000000000000004",
        alt_text="A heron at dawn, on one leg, in a pond",
        scene="pond-dawn",
    ),
    Media(
        media_key="3_1990000000000000005",
        alt_text="The same heron at noon, on the same leg",
        scene="pond-noon",
    ),
    Media(
        media_key="3_1990000000000000006",
        alt_text="The same heron at dusk, on the other leg",
        scene="pond-dusk",
    ),
    Media(
        media_key="7_1990000000000000007",
        alt_text="A dive into the brook, a hundred times slower than it was",
        scene="brook",
        type="video",
        duration_ms=21_000,
    ),
    Media(
        media_key="3_1990000000000000008",
        alt_text="What an owl leaves of a vole, laid out in order of size",
        scene="brook",
    ),
)

_POND = tuple(media.media_key for media in MEDIA if media.scene.startswith("pond"))

POLLS = (
    Poll(
        id="1990000000000000101",
        options=(
            ("Under the third oak", 41),
            ("Under the fourth oak", 38),
            ("In the flower pot", 12),
            ("You ate it", 209),
        ),
    ),
)


def _link(word: str, where: str, title: str = "") -> Link:
    return Link(
        short=f"https://t.co/{word}",
        expanded=f"https://{where}",
        display=where if len(where) <= 26 else where[:25] + "…",
        title=title,
    )


def _picture(word: str, author: str, minutes_ago: int, media_key: str, kind: str = "photo") -> Link:
    return Link(
        short=f"https://t.co/{word}",
        expanded=f"https://x.com/{author}/status/{at(minutes_ago)}/{kind}/1",
        display=f"pic.x.com/{word}",
        media_key=media_key,
    )


def _said(
    minutes_ago: int, author_id: str, text: str, counts: tuple[int, ...] = (0,), **more: object
) -> Tweet:
    """Make a post. `counts`: likes, reposts, replies, quotes, bookmarks, as far as there are."""
    likes, reposts, replies, quotes, bookmarks = (*counts, 0, 0, 0, 0)[:5]
    return Tweet(
        id=at(minutes_ago),
        author_id=author_id,
        text=text,
        minutes_ago=minutes_ago,
        metrics=(reposts, replies, likes, quotes, bookmarks, likes * 23),
        **more,  # type: ignore[arg-type]  # the fields of Tweet
    )


TWEETS = (
    # Wren
    _said(12, WREN, "Good morning to everybody except the cat.", (64, 3, 5)),
    _said(
        95,
        WREN,
        "🐛🐛🐛 Breakfast report: three. Thank you @robin for looking the other way. #hedgelife",
        (41, 2, 1),
    ),
    _said(4 * HOUR, WREN, "", (380, 57, 22, 9, 31), note=_NOTE),
    _said(
        9 * HOUR,
        WREN,
        "Nest 4 of 6 is finished. Moss & lichen, facing south, low ceiling. Will she like it? <3",
        (87, 4, 12),
        earlier_versions=(at(9 * HOUR + 4), at(9 * HOUR + 2)),
    ),
    # What the one above said before it was edited, twice
    _said(
        9 * HOUR + 2,
        WREN,
        "Nest 4 of 6 is finished. Moss & lichen, facing south, low celling. Will she like it? <3",
        earlier_versions=(at(9 * HOUR + 4),),
        later_versions=(at(9 * HOUR),),
    ),
    _said(
        9 * HOUR + 4,
        WREN,
        "Nest 4 of 5 is finished. Moss & lichen, facing south, low celling. Will she like it? <3",
        later_versions=(at(9 * HOUR + 2), at(9 * HOUR)),
    ),
    _said(
        1 * DAY,
        WREN,
        "This. Eleven seconds into it you can hear me correct him.",
        (29, 1, 2),
        references=(("quoted", at(1 * DAY + 3 * HOUR)),),
    ),
    _said(1 * DAY + 40, WREN, "", references=(("retweeted", at(2 * DAY)),)),
    _said(
        2 * DAY + 30,
        WREN,
        "@kingfisher I saw you. Everybody saw you. You are bright blue.",
        (133, 8, 3),
        references=(("replied_to", at(2 * DAY + 45)),),
    ),
    _said(
        3 * DAY,
        WREN,
        "I have written down where the good spiders are, so that nobody has to ask again: "
        "https://t.co/hedgemap01",
        (52, 11, 4, 0, 40),
        links=(_link("hedgemap01", "wren.example/spiders/north-side", "Spiders, north side"),),
    ),
    _said(5 * DAY, WREN, "If a < b and b < c, then somebody has moved my twigs again.", (18,)),
    _said(
        8 * DAY,
        WREN,
        "Ten grams. TEN. I have been weighed. I do not wish to discuss it.",
        (210, 14),
    ),
    _said(
        13 * DAY,
        WREN,
        "Does anybody else sing at their reflection, or is that more a robin thing",
        (96,),
    ),
    _said(
        21 * DAY, WREN, "Moved in. It is a coconut shell with a hole. It is perfect.", (154, 6, 9)
    ),
    # Robin
    _said(
        25, ROBIN, "Dawn chorus is on, come and listen. I open, obviously. #DawnChorus", (71, 9, 3)
    ),
    _said(
        1 * DAY + 3 * HOUR,
        ROBIN,
        "Took my solo up a third this morning. The fence post has never heard anything like it.",
        (118, 7, 6, 2),
    ),
    _said(
        2 * DAY + 4 * HOUR,
        ROBIN,
        "Somebody is digging. I repeat: somebody is DIGGING 🪱",
        (340, 29, 11),
    ),
    _said(
        6 * DAY,
        ROBIN,
        "Every December I am on ten million cards. I have not seen a penny.",
        (902, 143, 38),
    ),
    _said(
        80,
        ROBIN,
        '@wren that is not "looking the other way", that is called manners',
        (44,),
        references=(("replied_to", at(95)),),
    ),
    # Jay
    _said(
        50,
        JAY,
        "Where did I put the one from last Tuesday?",
        (77, 5, 19),
        poll_id="1990000000000000101",
    ),
    _said(
        2 * DAY,
        JAY,
        "Planted 4,000 acorns this autumn. Found 1,300 again. You are welcome, future forest. "
        "That is not forgetting, that is a reforestation programme with very low overheads and a "
        "blue wing.",
        (640, 88, 20, 12, 9),
    ),
    _said(
        9 * DAY,
        JAY,
        "If you hear a cat, a buzzard and a car alarm in a row: that was me.",
        (205, 17),
    ),
    # Magpie
    _said(3 * HOUR, MAGPIE, "Is it shiny, y/n", (59, 2, 31)),
    _said(
        4 * DAY,
        MAGPIE,
        "Market news: $SHINY up 4%, buttons steady, tinfoil mixed. Not advice. https://t.co/magpiemkt1",
        (160, 21, 8),
        links=(_link("magpiemkt1", "magpie.example/market/tinfoil-and-buttons"),),
    ),
    _said(11 * DAY, MAGPIE, "I did not steal it. I gave it a home.", (333, 40, 12)),
    # Heron
    _said(7 * HOUR, HERON, "Still standing.", (512, 66, 7)),
    _said(1 * DAY + 7 * HOUR, HERON, "Still standing.", (498, 61, 5)),
    _said(2 * DAY + 7 * HOUR, HERON, "Fish.", (1204, 205, 44)),
    _said(
        3 * DAY + 2 * HOUR,
        HERON,
        "A day in three pictures. https://t.co/ponds00001",
        (688, 92, 18),
        media_keys=_POND,
        # Several pictures share one link, and each has an entity of its own.
        links=tuple(_picture("ponds00001", "heron", 3 * DAY + 2 * HOUR, key) for key in _POND),
    ),
    _said(
        12 * DAY,
        HERON,
        "https://t.co/standstill",
        (934, 120, 51),
        article="On standing still: what the water taught me",
        links=(_link("standstill", "x.com/i/article/1990000000000000201"),),
    ),
    # Barn Owl
    _said(6 * HOUR, OWL, "To whoever rustled at 02:14: thank you.", (187, 12, 6)),
    _said(
        3 * DAY + 5 * HOUR, OWL, "My ears are at different heights. Yes, on purpose.", (276, 30, 9)
    ),
    _said(
        7 * DAY,
        OWL,
        "What is left of Tuesday. Not for voles. https://t.co/pellet0001",
        (61, 3, 14),
        sensitive=True,
        media_keys=("3_1990000000000000008",),
        links=(_picture("pellet0001", "barn_owl", 7 * DAY, "3_1990000000000000008"),),
    ),
    # Kingfisher
    _said(
        2 * DAY + 45,
        KINGFISHER,
        "Nobody saw me today. 🐟💙 New stretch of water, same old me. https://t.co/brook00001",
        (267, 34, 8),
        media_keys=("3_1990000000000000001",),
        links=(_picture("brook00001", "kingfisher", 2 * DAY + 45, "3_1990000000000000001"),),
    ),
    _said(
        10 * DAY,
        KINGFISHER,
        "Forty kilometres an hour, straight down, for a stickleback. Worth it.",
        (140, 9),
    ),
    _said(
        26 * HOUR,
        KINGFISHER,
        "In slow motion, or you would see a splash. https://t.co/dives00001",
        (512, 77, 20),
        media_keys=("7_1990000000000000007",),
        links=(_picture("dives00001", "kingfisher", 26 * HOUR, "7_1990000000000000007", "video"),),
    ),
    # Puffin
    _said(
        14 * HOUR,
        PUFFIN,
        "View from the office. https://t.co/seaview001",
        (721, 80, 15),
        media_keys=("3_1990000000000000003",),
        links=(_picture("seaview001", "puffin", 14 * HOUR, "3_1990000000000000003"),),
    ),
    _said(
        5 * DAY + 3 * HOUR,
        PUFFIN,
        "Personal best: 62 sand eels at once. Do not ask where I put them.",
        (433, 51),
    ),
    _said(
        16 * DAY,
        PUFFIN,
        "Gleðilegt sumar! Holan er enn á sínum stað.",
        (208, 19, 6),
        lang="is",
    ),
    # Nightjar: protected, so only its followers may read this
    _said(10 * HOUR, NIGHTJAR, "churrrrrrrrrrrrrrrrrrrrrrrrrrrr (please do not repeat this)", (2,)),
    _said(
        4 * DAY + 90, NIGHTJAR, "A dog walked over me today. I did not move. I am very proud.", (2,)
    ),
    # The cuckoo, who is suspended
    _said(
        30 * DAY, CUCKOO, "Could somebody watch this egg for a minute, I will be right back", (0,)
    ),
    # Starling
    _said(
        5 * HOUR,
        STARLING,
        "Last night, the pier. No rehearsal, no leader, no collisions. https://t.co/flock00001",
        (1893, 402, 61, 25, 110),
        media_keys=("3_1990000000000000002",),
        links=(_picture("flock00001", "starling", 5 * HOUR, "3_1990000000000000002"),),
    ),
    _said(
        6 * DAY + 30,
        STARLING,
        "Rule one: mind your seven neighbours. There is no rule two.",
        (950, 210),
    ),
    # Lapwing, and Gannet, who remembers her former name
    _said(2 * HOUR + 5, LAPWING, "New name, same puddle.", (17, 1, 2)),
    _said(
        300 * DAY,
        GANNET,
        "🌊🌊 Saw @peewit from sixty metres up. Could not stop to say hello, was falling.",
        (88, 4, 1),
    ),
    # Mockingbird: texts that want to be something else
    _said(
        70,
        MOCKINGBIRD,
        "<script>alert('chirp')</script> </title> {{ config }} %s \u202ereversed\u202c & so on "
        "#<b>bold</b> javascript:alert(1)",
        (13,),
    ),
    _said(
        4 * DAY + 20,
        MOCKINGBIRD,
        "Now quoting a bird who will not let me: see for yourself",
        (5,),
        references=(("quoted", at(10 * HOUR)),),
    ),
)
