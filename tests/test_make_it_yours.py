"""docs/make-it-yours.md, followed to the letter in a copy of the project, which stays green."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.guide import GUIDE, edited, steps
from tests.tree import ROOT, files

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
    root = tmp_path_factory.mktemp("nest")
    for file in files(ROOT):
        copy = root / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)
    for step in steps():
        step.follow(root)
    return root


def run(root, *command):
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=root,
        env={**os.environ, "APP_NAME": "Nest"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"


@pytest.mark.serial
def test_the_code_of_the_guide_is_formatted_and_clean(nest):
    run(nest, "ruff", "check", "--no-cache", ".")
    run(nest, "ruff", "format", "--no-cache", "--check", ".")


@pytest.mark.serial
@pytest.mark.timeout(300)
def test_the_product_of_the_guide_and_the_core_of_the_site_are_green(nest):
    """On SQLite; the rest of the suite runs in the project itself."""
    web = files(nest / "tests" / "web", "test_*.py", root=nest)
    core = [file for file in web if "pytest.mark.core" in file.read_text()]
    layout = ["tests/test_architecture.py", "tests/test_migrations.py"]
    quiet = ("-q", "-n", "auto", "-p", "no:cacheprovider", "-p", "no:cov")

    assert len(core) > 10
    run(nest, "pytest", *quiet, "-m", "not postgresql", "tests/nest", *layout, *map(str, core))
