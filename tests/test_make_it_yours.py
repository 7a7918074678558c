"""docs/make-it-yours.md, followed to the letter in a copy of the project, which stays green."""

import re

import pytest

from tests.guide import GUIDE, edited, followed, run, steps
from tests.tree import files

BLOCKS = re.findall(r"^```(\w+)\n", GUIDE.read_text(), re.MULTILINE)
# Only read: `text` and `console`.
DONE = {"python", "html", "css", "svg", "ini", "diff", "sh", "sql"}


def test_every_block_that_is_to_be_done_is_a_step():
    assert len(steps()) == sum(kind in DONE for kind in BLOCKS)
    assert set(BLOCKS) - DONE <= {"text", "console"}


def test_an_edit_that_fits_nowhere_or_twice_is_refused():
    assert edited("a\nb\nc\n", " a\n-b\n+B\n@@\n c\n+d\n") == "a\nB\nc\nd\n"
    for text in ("a\nc\n", "a\nb\na\nb\n", "aa\nb\n"):
        with pytest.raises(ValueError, match="exactly once"):
            edited(text, " a\n-b\n+B\n")


@pytest.fixture(scope="module")
def nest(tmp_path_factory):
    """A copy of the project, after each step of the guide."""
    return followed(steps(), tmp_path_factory.mktemp("nest"))


@pytest.mark.servers
def test_the_code_of_the_guide_is_formatted_and_clean(nest):
    run(nest, "ruff", "check", "--no-cache", ".")
    run(nest, "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.servers
@pytest.mark.timeout(300)
def test_the_product_of_the_guide_and_the_core_of_the_site_are_green(nest):
    """On SQLite; the rest of the suite runs in the project itself."""
    web = files(nest / "tests" / "web", "test_*.py", root=nest)
    core = [file for file in web if "pytest.mark.core" in file.read_text()]
    layout = ["tests/test_architecture.py", "tests/test_migrations.py"]
    quiet = ("-q", "-n", "auto", "-p", "no:cacheprovider", "-p", "no:cov")
    selected = ("-m", "not postgresql", "tests/nest", *layout, *map(str, core))

    assert len(core) > 10
    run(nest, "pytest", *quiet, *selected, APP_NAME="Nest")
