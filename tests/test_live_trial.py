"""docs/live-trial.md: every trial can be made, and names the line that its result may change."""

import re

import pytest

from tests.test_docs import ALL_PAGES, README, ROOT, anchors, settings

DOCUMENT = ROOT / "docs" / "live-trial.md"
TEXT = DOCUMENT.read_text()
PARTS = ("**Do.**", "**Write down.**", "**If otherwise.**")
# Sentences of pages that are no titles, and what X itself shows.
OTHER_WORDS = {"Something went wrong", "The account may be gone, or it may have blocked you"}


def trials():
    """Return each trial's heading, with its text."""
    return dict(re.findall(r"^### ([^\n]+)\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL))


TRIALS = trials()


def part(text, name):
    """Return one part of a trial: up to the next one, or the end."""
    return re.split(r"^\*\*", text.partition(name)[2], maxsplit=1, flags=re.MULTILINE)[0]


@pytest.mark.parametrize("heading", TRIALS)
def test_a_trial_says_what_to_do_to_write_down_and_to_change(heading):
    places = [TRIALS[heading].find(name) for name in PARTS]

    assert -1 not in places
    assert places == sorted(places)
    assert all(part(TRIALS[heading], name).strip() for name in PARTS)


@pytest.mark.parametrize("heading", TRIALS)
def test_a_trial_names_the_setting_or_the_line_to_change(heading):
    change = part(TRIALS[heading], "**If otherwise.**")
    files = re.findall(r"\]\(([^)#\s]+)", change)
    named = set(re.findall(r"`([A-Z][A-Z_]+)\b", change)) & settings()

    assert named or files
    assert [file for file in files if not (DOCUMENT.parent / file).exists()] == []


def test_the_table_has_a_row_for_each_trial():
    rows = re.findall(r"^\| \[[^\]]+\]\(#([^)]+)\) \|", TEXT, re.MULTILINE)

    assert len(TRIALS) > 15
    assert len(rows) == len(TRIALS) == len(set(rows) & anchors(DOCUMENT))


def test_settings_that_it_names_exist():
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)(?:=[^`]*)?`(?! in \[)", TEXT))

    assert len(named) > 5
    assert named <= settings()


def test_constants_that_it_names_are_in_their_files():
    named = re.findall(r"`(_?[A-Z][A-Z_]+)` in \[\S+\]\((\S+\.py)\)", TEXT)

    assert len(named) > 2
    for name, path in named:
        source = (DOCUMENT.parent / path).read_text()
        assert re.search(rf"^{name}\b", source, re.MULTILINE), (path, name)


def test_pages_that_it_quotes_exist():
    titles = {page.message.title for page in ALL_PAGES}

    quotes = set(re.findall(r'"([A-Z][^"]+)"', " ".join(TEXT.split())))

    assert len(quotes) > 5
    assert quotes - titles == OTHER_WORDS


def test_it_asks_for_no_secret():
    """A secret in a command stays in the shell's history."""
    commands = re.findall(r"^```sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)

    assert commands
    asked = [line for line in commands if re.search(r"(?i)secret|bearer|token=|-u |--user", line)]
    assert asked == []


def test_the_doctor_and_the_readme_lead_there():
    assert "(docs/live-trial.md)" in README.read_text()
    assert "docs/live-trial.md" in (ROOT / "app" / "doctor" / "report.py").read_text()
