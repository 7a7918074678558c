"""Who may import whom: wsgi -> app -> auth, pages -> gateway -> accounts -> twitter; sandbox alone.

A new folder or file directly under app/ must be given its place in the table below.
"""

import ast
import graphlib
import re
import sys
from pathlib import Path

from tests.tree import files

ROOT = Path(__file__).parent.parent

BELOW = {"app.observability", "app.signals", "app.storage"}
SERVICES = {"app.accounts", "app.gateway", "app.twitter", "app.services", "config"} | BELOW

# Each room, and the rooms it may import from.
MAY_IMPORT = {
    # The wire: no Flask, no database, no settings.
    "app.twitter": set(),
    # Under all: storage knows nothing of Twitter and of people, observability is told.
    "app.storage": set(),
    "app.observability": {"config"},
    "app.signals": set(),
    # Who a person is here.
    "app.accounts": {"app.twitter"} | BELOW,
    # The one way to call Twitter for a person.
    "app.gateway": {"app.accounts", "app.twitter"} | BELOW,
    "app.services": SERVICES - {"app.services"},
    # Flask's side of every page.
    "app.web": SERVICES,
    # The pages that people see. Neither knows the other: they meet in URLs.
    "app.auth": {"app.web"} | SERVICES,
    "app.pages": {"app.web"} | SERVICES,
    # Concerns of them all, put together by the factory.
    "app.cli": {"app.doctor", "app.people_cli", "app.webhook_cli"} | SERVICES,
    "app.people_cli": SERVICES,
    "app.webhook_cli": {"app.doctor"} | SERVICES,
    "app.doctor": {"app.web"} | SERVICES,
    "app.error_pages": {"app.auth", "app.error_table", "app.web"} | SERVICES,
    "app.error_table": {"app.auth", "app.web"} | SERVICES,
    "app.health": {"app.web"} | SERVICES,
    "config": {"settings_files", "settings_text", "settings_urls"},
    "settings_files": {"settings_text"},
    "settings_text": set(),
    "settings_urls": set(),
    "sandbox": set(),
}
MAY_IMPORT["app"] = {room for room in MAY_IMPORT if room.startswith("app.")} | {"config"}
MAY_IMPORT["wsgi"] = {"app", "app.cli", "app.doctor", "app.observability", "config"}

# Where only some of the packages of others are welcome. The standard library always is.
FLASK_FAMILY = {"flask", "werkzeug", "jinja2", "markupsafe", "itsdangerous", "click"}
PACKAGES = {"app.twitter": {"authlib", "certifi", "requests", "urllib3"}, "sandbox": FLASK_FAMILY}
# Authlib's bridges to frameworks are Flask by another name.
UNWELCOME = {"app.twitter": ("authlib.integrations.flask", "authlib.integrations.sqla")}

STANDARD = sys.stdlib_module_names | {"_typeshed"}  # the types of the standard library
OURS = {path.name.removesuffix(".py") for path in ROOT.iterdir() if path.suffix in {"", ".py"}}

OUR_FILES = ("config.py", "settings_files.py", "settings_text.py", "settings_urls.py", "wsgi.py")


def test_everything_imports_downwards():
    found = [fault for path in our_files() for fault in faults(module_name(path), path.read_text())]

    assert found == []


def test_every_room_has_its_place():
    rooms = {f"app.{path.stem}" for path in (ROOT / "app").iterdir() if path.stem[0] not in "._"}

    assert rooms - MAY_IMPORT.keys() == set()


def test_the_table_has_no_circle():
    order = list(graphlib.TopologicalSorter(MAY_IMPORT).static_order())

    assert (
        order.index("app.twitter")
        < order.index("app.accounts")
        < order.index("app.gateway")
        < order.index("wsgi")
    )


FORBIDDEN = [
    ("app.twitter.oauth", "from app.accounts.models import Grant"),
    ("app.twitter.oauth", "import app.accounts"),
    ("app.twitter.oauth", "from app import accounts"),
    ("app.twitter.oauth", "from .. import accounts"),
    ("app.twitter.oauth", "from ..accounts import models"),
    ("app.twitter.oauth", "import config"),
    ("app.twitter.oauth", "import flask"),
    ("app.twitter.oauth", "from sqlalchemy.orm import Session"),
    ("app.twitter.oauth", "from authlib.integrations.flask_client import OAuth"),
    ("app.accounts.people", "def late():\n    from app.pages import home"),
    ("app.accounts.people", "if TYPE_CHECKING:\n    import app.auth.routes"),
    ("app.accounts.people", "from app import create_app, storage"),
    ("app.auth.routes", "from app.pages.home import home"),
    ("app.pages.home", "import json, app.auth"),
    ("app.pages.home", "from sandbox.seed import WREN"),
    ("app.storage", "from config import Config"),
    ("app.storage", "import tests.factories"),
    ("app.attic", "import json"),
    ("config", "import app.twitter.dialect"),
    ("settings_text", "from config import Config"),
    ("sandbox.world.state", "import config"),
    ("sandbox.world.state", "from app.twitter import dialect"),
    ("sandbox.world.state", "import requests"),
]


def test_forbidden_imports_are_noticed():
    assert [row for row in FORBIDDEN if len(faults(*row)) != 1] == []


PERMITTED = [
    ("app.__init__", "from app.auth import routes\nfrom app import pages, web"),
    ("app.auth.routes", "from app.auth import round_trip\nfrom . import errors"),
    ("app.auth.routes", "import flask\nfrom app.twitter.errors import Refused"),
    ("app.accounts.people", "import sqlalchemy\nfrom ..twitter.oauth import TokenSet"),
    ("app.twitter.oauth", "from authlib.integrations.requests_client import OAuth2Session"),
    ("app.twitter.__init__", "from .errors import Refused"),
    ("sandbox.world.state", "import json\nfrom flask import Flask\nfrom sandbox import seed"),
    ("wsgi", "from app import create_app\nfrom config import Config"),
]


def test_permitted_imports_are_not():
    assert [fault for row in PERMITTED for fault in faults(*row)] == []


def faults(module, source):
    """Return a line for each import in `source` that `module` should not make."""
    room = room_of(module)
    if room not in MAY_IMPORT:
        return [f"{module} has no place in the table of rooms"]
    return [
        f"{module} must not import {imported}"
        for imported in imports(module, source)
        if not is_allowed(room, imported)
    ]


def is_allowed(room, imported):
    if imported.startswith(UNWELCOME.get(room, ())):
        return False
    top = imported.partition(".")[0]
    if top in OURS:
        return room_of(imported) in MAY_IMPORT[room] | {room}
    return room not in PACKAGES or top in PACKAGES[room] | STANDARD


def imports(module, source):
    """Name every module that is imported, wherever in the file that happens."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # The dots of "from ..accounts" count from the module itself.
            above = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*above, *filter(None, [node.module])])
            rooms = [f"app.{alias.name}" for alias in node.names] if origin == "app" else []
            # "from app import create_app" names no room, but the factory.
            yield from {room if room in MAY_IMPORT else "app" for room in rooms} or {origin}


def room_of(module):
    """Return "app.auth" for "app.auth.routes", and "sandbox" for "sandbox.world.state"."""
    parts = [part for part in module.split(".") if part != "__init__"]
    return ".".join(parts[: 2 if parts[0] == "app" else 1])


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def our_files():
    yield from (ROOT / name for name in OUR_FILES)
    yield from files(ROOT / "app", "*.py")
    yield from files(ROOT / "sandbox", "*.py")


def test_names_that_no_other_file_uses_begin_with_an_underscore():
    words = {path: set(re.findall(r"\w+", path.read_text())) for path in every_file()}
    found = [
        f"{module_name(path)}.{name}"
        for path in our_files()
        for name in public_names(ast.parse(path.read_text()))
        if not any(name in used for other, used in words.items() if other != path)
    ]

    assert found == []


def public_names(tree):
    """Name the constants and the plain functions of a module; a decorator may register others."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.decorator_list:
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def every_file():
    for suffix in ("*.py", "*.html", "*.toml"):
        yield from (path for path in files(ROOT) if path.match(suffix))
