"""Documentation that cannot drift: what the documents name exists, and is as they say.

Commands, settings and their defaults, links, excerpts, error pages, addresses.
"""

import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner
from flask.cli import FlaskGroup
from werkzeug.exceptions import HTTPException

import sandbox
from app.error_table import PAGES, SIGNED_IN_ALREADY
from app.twitter.dialect import LIVE
from config import Config, ConfigError
from tests.tree import files

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
README = ROOT / "README.md"
FLOW = ROOT / "docs" / "the-flow.md"
CONFIGURATION = ROOT / "docs" / "configuration.md"
ALL_PAGES = [*PAGES.values(), SIGNED_IN_ALREADY]
ERROR_PAGES = ROOT / "docs" / "error-pages.md"
GOING_LIVE = ROOT / "docs" / "going-live.md"
DEPLOY = ROOT / "deploy"
EXAMPLE = ROOT / ".env.example"

FIRST_SCREEN = 25

# Read by gunicorn.conf.py and bin/dev, and no settings of the site itself.
READ_ELSEWHERE = {
    "PORT": "gunicorn.conf.py",
    "WEB_CONCURRENCY": "gunicorn.conf.py",
    "SANDBOX_PORT": "bin/dev",
    "VERBOSE": "bin/dev",
}
# They name no project's own address and no place on somebody's machine.
UNWELCOME = ("pypi.", "pythonhosted.", "npmjs.", "crates.io", "proxy.golang", "/home/", "/Users/")


# The README


@pytest.fixture
def screen():
    return "\n".join(README.read_text().splitlines()[:FIRST_SCREEN])


def test_the_first_screen_says_how_to_try_it(screen):
    assert "\n    make run\n" in screen
    assert "pick Wren, press **Authorize app**" in screen
    assert "`make test`" in screen


def test_the_first_screen_says_how_to_use_the_real_x(screen, tmp_path):
    assert f"`{Config.from_env({}, root=tmp_path).callback_url}`" in screen
    for name in ("PUBLIC_URL", "TWITTER_CLIENT_ID", "TWITTER_CLIENT_SECRET"):
        assert f"`{name}`" in screen


def test_the_first_screen_leads_to_every_document(screen):
    for document in set(DOCUMENTS) - {README}:
        assert f"({document.relative_to(ROOT).as_posix()})" in screen


# Commands


def test_make_knows_the_targets_that_documents_name():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    command = r"(?:`|^ {4}|^)(?:[A-Z_]+=\S+ )*make ([a-z]+)`?$|`(?:[A-Z_]+=\S+ )*make ([a-z]+)`"

    told = found_in_documents(command)

    assert len(told) > 10
    assert [(name, *each) for name, each in told if not targets & set(each)] == []


def test_flask_knows_the_commands_that_documents_name(app):
    group = FlaskGroup(create_app=lambda: app)
    found = found_in_documents(r"flask --app wsgi ([a-z -]+)")
    commands = {command for _, command in found} - {"post-drafts"}  # of the product of the guide
    answers = {c: CliRunner().invoke(group, [*c.split(), "--help"]).exit_code for c in commands}

    assert len(answers) > 5
    assert [command for command, code in answers.items() if code != 0] == []


def test_scripts_in_the_documents_exist():
    words = [
        (name, word)
        for name, line in every_shell_line()
        for word in shlex.split(line, comments=True)
        if word.startswith("bin/")
    ]

    assert words
    assert [(name, word) for name, word in words if not (ROOT / word).exists()] == []


def test_settings_in_commands_exist():
    named = [
        (name, setting)
        for name, line in every_shell_line()
        for setting in re.findall(r"(?:^|\s)([A-Z][A-Z_]+)=", line)
    ]
    known = settings() | {"PYTHON"}

    assert named
    assert [(name, setting) for name, setting in named if setting not in known] == []


# Settings


def test_every_setting_has_its_place_in_the_documents():
    headings = re.findall(r"^### `([A-Z_]+)`$", CONFIGURATION.read_text(), re.MULTILINE)

    assert set(headings) == settings()


def test_the_table_of_settings_leaves_none_of_the_sites_out():
    rows = re.findall(r"^\| \[`([A-Z_]+)`\]", CONFIGURATION.read_text(), re.MULTILINE)

    assert set(rows) == settings() - READ_ELSEWHERE.keys()


def test_every_setting_is_in_the_example():
    named = set(re.findall(r"\b([A-Z]+(?:_[A-Z]+)+|PORT)\b", EXAMPLE.read_text()))

    assert named | {"VERBOSE"} == settings()


def test_settings_that_config_does_not_read_are_read_elsewhere():
    unread = [
        name
        for name, file in READ_ELSEWHERE.items()
        if not re.search(rf"['\"]{name}['\"]", (ROOT / file).read_text())
    ]

    assert unread == []


def test_the_example_as_it_stands_changes_nothing():
    lines = [line for line in EXAMPLE.read_text().splitlines() if line]

    assert [line for line in lines if not line.startswith("#")] == []


def test_the_example_shows_the_defaults(tmp_path):
    assert Config.from_env(example(), root=tmp_path) == Config.from_env({}, root=tmp_path)


def test_the_defaults_are_those_of_the_example():
    for name, default in example().items():
        if default:
            assert f"### `{name}`\n\nDefault: `{default}`." in CONFIGURATION.read_text()


def test_the_addresses_of_twitter_are_the_dialects():
    for address in (LIVE.authorize_url, LIVE.api_url):
        assert f"For `live` it is\n`{address}`" in CONFIGURATION.read_text()


def test_the_complaint_that_is_shown_is_the_real_one(tmp_path):
    wrong = {"PUBLIC_URL": "http://127.0.0.1:8000/perch", "TRUSTED_PROXIES": "many"}

    with pytest.raises(ConfigError) as complaint:
        Config.from_env(wrong, root=tmp_path)

    assert f"```text\n{complaint.value}\n```" in CONFIGURATION.read_text()


# Links and words


def test_every_link_leads_somewhere():
    lost = []
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)\s]+)\)", without_code(document)):
            parts = urlsplit(target)
            file = (document.parent / parts.path).resolve() if parts.path else document
            there = parts.scheme or (
                file.exists() and (not parts.fragment or parts.fragment in anchors(file))
            )
            lost += [] if there else [(document.name, target)]

    assert lost == []


def test_documents_name_no_registry_and_no_machine():
    words = "|".join(map(re.escape, UNWELCOME))

    assert found_in_documents(f"({words})") == []


# Pictures


def test_every_picture_is_there_and_says_what_it_shows():
    shown = [
        (document.parent / where, words)
        for document in DOCUMENTS
        for picture in re.findall(r"<img [^>]+>", document.read_text())
        for where, words in [re.search(r'src="([^"]+)".* alt="([^"]*)"', picture).groups()]
    ]

    assert shown
    assert [file for file, words in shown if not (file.is_file() and words)] == []


def test_every_picture_is_shown_in_some_document():
    shown = " ".join(document.read_text() for document in DOCUMENTS)

    pictures = files(ROOT / "docs" / "images")
    assert [picture.name for picture in pictures if f"images/{picture.name}" not in shown] == []


# Going live


def test_every_file_to_deploy_has_its_row_in_the_guide():
    tested = GOING_LIVE.read_text().partition("\n## What is tested here")[2]
    rows = [row for row in tested.splitlines() if row.startswith("| [deploy/")]

    named = re.findall(r"\[(deploy/[^\]]+)\]", "\n".join(row.split(" | ")[0] for row in rows))

    assert sorted(named) == sorted(file.relative_to(ROOT).as_posix() for file in files(DEPLOY))


def test_lines_of_nginx_are_those_of_its_file():
    ours = (DEPLOY / "nginx.conf").read_text()
    lines = found_in_documents(r"`([a-z_]+ [^`]*;)`")

    assert lines
    assert [(name, line) for name, line in lines if line not in ours] == []
    assert found_in_documents("(```nginx|proxy_add_x_forwarded_for)") == []


def test_the_guide_installs_what_is_there():
    commands = list(shell_lines(GOING_LIVE))
    paths = [word for line in commands for word in line.split() if word.startswith("deploy/")]
    units = [
        word
        for line in commands
        for word in line.split()
        if word.endswith((".service", ".socket", ".timer"))
    ]

    assert len(paths) >= 2
    assert all(list(ROOT.glob(path)) for path in paths)
    installable = {unit.name for unit in files(DEPLOY / "systemd")} - {"perch-prune.service"}
    assert set(units) == installable  # the timer starts that one


def test_the_settings_of_the_guide_are_a_sites(tmp_path):
    server = GOING_LIVE.read_text().partition("\n## 3. On a server")[2]
    block = re.search(r"^PUBLIC_URL=.*?(?=^```)", server, re.MULTILINE | re.DOTALL)[0]
    settings = dict(line.split("=", 1) for line in block.splitlines())

    settings |= keys_made_by(GOING_LIVE)
    unfilled = {name for name, value in settings.items() if value.startswith("<")}
    with pytest.raises(ConfigError) as refused:
        Config.from_env(settings, root=tmp_path)
    config = Config.from_env(settings | dict.fromkeys(unfilled, "filled-in"), root=tmp_path)

    assert {problem.partition(":")[0] for problem in refused.value.problems} == unfilled
    assert unfilled == {"TWITTER_CLIENT_ID", "TWITTER_CLIENT_SECRET"}
    assert config.https
    assert config.metrics_token


def keys_made_by(document):
    """Run the commands that make keys, and return what they print as settings."""
    made = {}
    for line in shell_lines(document):
        if line.startswith("python3 -c"):
            code = shlex.split(line.partition(" >>")[0])[2]
            run = [sys.executable, "-c", code]
            done = subprocess.run(run, capture_output=True, text=True, timeout=20, check=True)
            made |= dict([done.stdout.strip().split("=", 1)])
    return made


# The code that is quoted


def test_every_excerpt_is_in_the_file_that_is_named():
    excerpts = list(quoted(FLOW))

    assert len(excerpts) > 5
    for file, excerpt in excerpts:
        assert is_in(excerpt, (ROOT / file).read_text()), f"{file} has no such lines:\n{excerpt}"


def test_every_function_and_test_that_is_named_exists():
    missing, sources = [], {}
    for document in DOCUMENTS:
        for path, name in re.findall(r"\]\(([^)]+\.py)\)\s+`([\w.]+)`", document.read_text()):
            file = (document.parent / path).resolve()
            source = sources.setdefault(file, file.read_text())
            known = all(
                re.search(rf"(?m)^ *(?:def|class) {part}\b", source) for part in name.split(".")
            )
            missing += [] if known else [(document.name, path, name)]

    assert len(sources) > 20
    assert missing == []


def test_every_attack_has_its_test():
    attacks = FLOW.read_text().partition("## Attacks")[2].partition("\n## ")[0]
    rows = [line for line in attacks.splitlines() if line.startswith("| ")][1:]

    assert len(rows) > 10
    for row in rows[1:]:
        assert re.search(r"\(\.\./tests/\S+\.py\) `test_\w+` \|$", row), row


# Error pages


def test_every_error_page_has_its_row():
    rows = re.findall(r"^\| (\d+) \| ([^|]+) \|", ERROR_PAGES.read_text(), re.MULTILINE)

    assert set(rows) == {(str(page.status), page.message.title) for page in ALL_PAGES}


def test_rows_say_whose_fault_it_is():
    words = {"you": "you", "us": "us", "twitter": "Twitter", "": "none"}

    for page in ALL_PAGES:
        row = re.search(
            rf"\| {page.status} \| {page.message.title} \| ([^|]+) \|", ERROR_PAGES.read_text()
        )
        assert row
        assert words[page.fault] in row[1]


def test_pages_that_the_flow_quotes_exist():
    titles = {page.message.title for page in ALL_PAGES}

    quotes = re.findall(r'"([A-Z][^"]+)"', " ".join(FLOW.read_text().split()))

    assert len(quotes) > 10
    assert set(quotes) - titles == {"Something went wrong"}  # Twitter's own


# Addresses


def test_addresses_in_the_documents_are_answered(app):
    doors = [app.url_map.bind("site"), sandbox.create_app().url_map.bind("sandbox")]

    addresses = found_in_documents(r"\b(GET|POST|DELETE) (/[^\s`?]*)")
    unanswered = [
        (name, method, path)
        for name, (method, path) in addresses
        if name != "make-it-yours.md"  # its product has addresses of its own
        and not any(
            is_answered(door, method, re.sub(r":\w+|<\w+>|\{\w+\}", "1", path)) for door in doors
        )
    ]

    assert len(addresses) > 20
    assert unanswered == []


def is_answered(door, method, path):
    try:
        door.match(path, method=method)
    except HTTPException:
        return False
    return True


def settings():
    """Name every setting that anything reads."""
    asked = set()

    class Environ(dict):
        def get(self, name, default=None):
            asked.add(name)
            # Keys are given, so that none is generated.
            given = {"SECRET_KEY": "k" * 32, "TOKEN_KEYS": "A" * 43}
            return given.get(name, default)

    Config.from_env(Environ())
    return asked | READ_ELSEWHERE.keys()


def example():
    return dict(re.findall(r"^#([A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))


def found_in_documents(pattern):
    """List what a pattern finds in each document, with the document's name."""
    return [
        (document.name, found)
        for document in DOCUMENTS
        for found in re.findall(pattern, document.read_text(), re.MULTILINE)
    ]


def every_shell_line():
    return [(document.name, line) for document in DOCUMENTS for line in shell_lines(document)]


def shell_lines(document):
    for block in re.findall(r"^```sh\n(.*?)^```", document.read_text(), re.MULTILINE | re.DOTALL):
        yield from block.replace("\\\n", "").splitlines()


def without_code(document):
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "`code`", text)


def anchors(document):
    """Return the names that GitHub gives to the headings of a document."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def quoted(document):
    """Yield each Python excerpt of a document, with the file that was named last before it."""
    named = None
    for link, excerpt in re.findall(
        r"\]\(\.\./([^)]+\.py)\)|^```python\n(.*?)^```",
        document.read_text(),
        re.MULTILINE | re.DOTALL,
    ):
        named = link or named
        if excerpt:
            yield named, excerpt


def is_in(excerpt, source):
    """Tell whether the lines stand in the source, however deep they are indented there."""
    excerpt = textwrap.dedent(excerpt)
    return any(textwrap.indent(excerpt, " " * depth) in source for depth in range(0, 17, 4))
