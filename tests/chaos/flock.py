"""A world with many people in it, each with Tweets and people they follow."""

import json

PEOPLE = 30
TWEETS = 20
FOLLOWS = 20


def usernames(people=PEOPLE):
    return [f"bird{number:02d}" for number in range(people)]


def seed_file(folder, *, people=PEOPLE, tweets=TWEETS, follows=FOLLOWS):
    """Write the world into a seed file; return its path."""
    names = usernames(people)
    world = {
        "birds": True,
        "accounts": [{"username": name} for name in names],
        "tweets": [
            {
                "author": name,
                "text": f"Number {number}, written by @{name}. #birds https://a.example/",
            }
            for name in names
            for number in range(tweets)
        ],
        "follows": [
            [name, names[(place + step) % people]]
            for place, name in enumerate(names)
            for step in range(1, follows + 1)
        ],
    }
    path = folder / "flock.json"
    path.write_text(json.dumps(world))
    return path
