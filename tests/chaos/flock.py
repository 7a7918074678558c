"""A world with many people in it, each with Tweets and people they follow."""

import json

PEOPLE = 30
TWEETS = 20
FOLLOWS = 20


def usernames():
    return [f"bird{number:02d}" for number in range(PEOPLE)]


def seed_file(folder):
    """Write the world into a seed file; return its path."""
    names = usernames()
    world = {
        "birds": True,
        "accounts": [{"username": name} for name in names],
        "tweets": [
            {
                "author": name,
                "text": f"Number {number}, written by @{name}. #birds https://a.example/",
            }
            for name in names
            for number in range(TWEETS)
        ],
        "follows": [
            [name, names[(place + step) % PEOPLE]]
            for place, name in enumerate(names)
            for step in range(1, FOLLOWS + 1)
        ],
    }
    path = folder / "flock.json"
    path.write_text(json.dumps(world))
    return path
