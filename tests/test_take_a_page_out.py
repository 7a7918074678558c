"""docs/make-it-yours.md, "Take a page out", to the letter: it leaves a site without Spaces."""

import re

import pytest

from tests.guide import followed, run, steps
from tests.tree import files

STEPS = [step for step in steps() if step.chapter.endswith("Take a page out")]
# They find what the rest of the site still knows of a section that is gone.
TESTS = [
    "tests/test_architecture.py",
    "tests/test_docs.py",
    "tests/test_mutants.py",
    "tests/web/test_features.py",
    "tests/web/test_home.py",
    "tests/web/test_pages.py",
    "tests/web/test_remembered.py",
    "tests/web/test_sign_in.py",
    "tests/web/test_vocabulary.py",
    "tests/web/test_what_pages_ask.py",
]


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """A copy of the project, without Spaces."""
    return followed(STEPS, tmp_path_factory.mktemp("without"))


def test_it_takes_files_and_three_lines():
    edits = [line for step in STEPS if step.verb == "In" for line in step.block.splitlines()]

    assert sum(line.startswith("-") for line in edits) == 3


@pytest.mark.servers
def test_no_page_and_no_style_is_left_over(without):
    left = [
        file.relative_to(without).as_posix()
        for folder in ("app/pages", "templates", "static/css")
        for file in files(without / folder, root=without)
        if re.search(r"\bSpaces?\b|\.space\b", file.read_text(errors="ignore"))
    ]

    assert left == []


@pytest.mark.servers
@pytest.mark.timeout(300)
def test_the_rest_of_the_site_is_green(without):
    run(without, "ruff", "check", "--no-cache", ".")
    run(without, "ruff", "format", "--no-cache", "--check", ".")
    selected = ("-m", "not postgresql and not servers")
    quiet = ("-q", "-n", "auto", "-p", "no:cacheprovider", "-p", "no:cov")
    run(without, "pytest", *quiet, *selected, *TESTS)
