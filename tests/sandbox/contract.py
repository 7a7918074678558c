"""X's own specification as a judge: the part of it that the sandbox plays, in two spellings.

`x-openapi-2.167-part.json` has the names of August 2026. Nearly everything that runs today speaks
the classic ones, so `Contract("live")` is the same specification with those.
"""

import json
import re
from pathlib import Path

from jsonschema import (  # type: ignore[import-untyped]  # it ships no types
    Draft202012Validator,
    FormatChecker,
)

PART = json.loads((Path(__file__).parent / "x-openapi-2.167-part.json").read_text())

# Names of the specification of August 2026, and the classic names that they replaced.
CLASSIC = {
    "edit_history_post_ids": "edit_history_tweet_ids",
    "most_recent_post_id": "most_recent_tweet_id",
    "note_post": "note_tweet",
    "pinned_post_id": "pinned_tweet_id",
    "post_count": "tweet_count",
    "posts": "tweets",
    "referenced_posts": "referenced_tweets",
    "repost_count": "retweet_count",
}
TYPES = "https://api.x.com/2/problems/"

formats = FormatChecker(formats=())
# RFC 3339 as Twitter writes it: UTC, with milliseconds.
formats.checks("date-time")(
    lambda text: re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text) is not None
)


class Contract:
    """The form of answers in one dialect. Names that are not listed are mistakes."""

    def __init__(self, dialect):
        schemas = PART["components"]["schemas"]
        if dialect == "live":
            schemas = classic(schemas)
        self.root = {"components": {"schemas": {k: strict(v) for k, v in schemas.items()}}}
        self.judges = {}

    def complaints(self, name, body):
        """Say in words where a body breaks a schema: `path: what is wrong`."""
        if name not in self.judges:
            schema = self.root | {"$ref": f"#/components/schemas/{name}"}
            self.judges[name] = Draft202012Validator(schema, format_checker=formats)
        errors = self.judges[name].iter_errors(body)
        return [f"{place(error)}: {error.message}" for error in errors]

    def problem(self, kind):
        """Name the schema of a problem type, or nothing if the specification has none."""
        mapping = PART["components"]["schemas"]["Problem"]["discriminator"]["mapping"]
        found = {k.rpartition("/")[2]: ref.rpartition("/")[2] for k, ref in mapping.items()}
        return found.get(kind.removeprefix(TYPES))


def operation(method, rule):
    """Find the operation of an endpoint, whatever the parts of its path are called."""
    wanted = re.sub(r"<\w+>", "{}", rule)
    for path, methods in PART["paths"].items():
        if re.sub(r"{\w+}", "{}", path) == wanted and method.lower() in methods:
            return methods[method.lower()]
    return None


def answer_schema(found):
    """Name the schema of an operation's 200 or 201."""
    good = next(answer for status, answer in found["responses"].items() if status.startswith("2"))
    return good["content"]["application/json"]["schema"]["$ref"].split("/")[-1]


def request_schema(found):
    """Name the schema of the body that an operation takes."""
    return found["requestBody"]["content"]["application/json"]["schema"]["$ref"].split("/")[-1]


def parameters(found):
    """List an operation's parameters, references resolved."""
    shared = PART["components"]["parameters"]
    return [shared[p["$ref"].split("/")[-1]] if "$ref" in p else p for p in found["parameters"]]


def words(parameter):
    """List the words that a parameter may hold."""
    return frozenset(parameter["schema"]["items"]["enum"])


def classic(value):
    """Give a schema the classic names."""
    if isinstance(value, dict):
        return {CLASSIC.get(k, k): classic(inner) for k, inner in value.items()}
    if isinstance(value, list):
        return [classic(item) for item in value]
    return CLASSIC.get(value, value) if isinstance(value, str) else value


def strict(value):
    """Translate OpenAPI 3.0 to JSON Schema, and forbid every name that is not listed."""
    if isinstance(value, list):
        return [strict(item) for item in value]
    if not isinstance(value, dict):
        return value
    made = {
        k: strict(inner) for k, inner in value.items() if k not in ("nullable", "discriminator")
    }
    if isinstance(made.get("properties"), dict) and value.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return {"anyOf": [made, {"type": "null"}]} if value.get("nullable") is True else made


def place(error):
    """Spell where an error is; positions in lists do not matter."""
    return ".".join("*" if isinstance(step, int) else str(step) for step in error.absolute_path)
