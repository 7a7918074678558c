"""docs/sandbox.md says what is true: its example runs, and its tables leave nothing out."""

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from sandbox.api.endpoints import ENDPOINTS
from sandbox.control.faults import Fault
from sandbox.seeds.birds import birds, is_flock
from sandbox.testing import Sandbox
from sandbox.world.settings import Settings

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "sandbox.md").read_text()
README = (ROOT / "sandbox" / "README.md").read_text()


@pytest.fixture
def example(tmp_path):
    """Write the files of the documentation's example into a folder of their own."""
    for name, text in re.findall(r"```python\n# (\w+\.py)\n(.*?)```", TEXT, re.DOTALL):
        (tmp_path / name).write_text(text)
    return tmp_path


def run_pytest(folder, test="."):
    """Run pytest there as a stranger would, with nothing of ours but the sandbox."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pytest", "-W", "error", "-v", "-p", "no:cacheprovider", test]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=50, check=False
    )


@pytest.mark.loopback
def test_the_example_passes_its_own_tests(example):
    files = {path.name for path in example.iterdir()}
    done = run_pytest(example)

    assert files == {"myapp.py", "conftest.py", "test_myapp.py", "test_birdwatch.py"}
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 6 passed" in done.stdout


@pytest.mark.loopback
def test_the_examples_tests_notice_a_mistake_in_its_app(example):
    app = example / "myapp.py"
    app.write_text(app.read_text().replace('"S256"}', '"plain"}'))
    done = run_pytest(example, "test_myapp.py")

    assert done.returncode == 1
    assert "FAILED test_myapp.py::test_wren_signs_in" in done.stdout


@pytest.mark.loopback
def test_the_example_of_the_readme_passes(tmp_path):
    blocks = re.findall(r"```python\n# (\w+\.py)\n(.*?)```", README, re.DOTALL)
    for name, text in blocks:
        (tmp_path / name).write_text(text)
    done = run_pytest(tmp_path)

    assert [name for name, _ in blocks] == ["conftest.py", "test_posting.py"]
    assert README.count("```python") == len(blocks)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 1 passed" in done.stdout


def test_every_example_is_run():
    blocks = re.findall(r"```python\n(.*)\n", TEXT)

    assert [first for first in blocks if not re.fullmatch(r"# \w+\.py", first)] == []


@pytest.mark.loopback
def test_the_figures_can_be_measured_again():
    command = [sys.executable, "-m", "benchmarks.sandbox", "0.2"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )
    shown = re.search(r"\$ python -m benchmarks.sandbox\n(.*?)```", TEXT, re.DOTALL)[1]

    assert done.returncode == 0, done.stderr
    assert re.sub(r"[\d.]+", "", done.stdout) == re.sub(r"[\d.]+", "", shown)


@pytest.mark.parametrize("kind", [Settings, Fault])
def test_every_key_is_in_its_table(kind):
    missing = [field.name for field in fields(kind) if f"| `{field.name}` |" not in TEXT]

    assert missing == []


def test_the_table_has_every_path_of_the_control_api(app):
    paths = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/sandbox/")}

    assert [path for path in sorted(paths) if path not in TEXT] == []


def test_the_table_has_every_button(steps):
    steps.sign_in()
    labels = set(re.findall(r"<button[^>]*>(.*?)</button>", steps.browser.get("/").text))
    table = TEXT[TEXT.index("| button |") : TEXT.index("A token has `kind`")]
    known = {label.removesuffix(" for @wren") for label in labels}

    assert [label for label in sorted(known) if label.removesuffix(" (public)") not in table] == []


def test_every_account_is_introduced():
    usernames = [account.username for account in birds().accounts if not is_flock(account)]

    assert [name for name in usernames if f"`{name}`" not in TEXT] == []


def test_every_endpoint_is_listed():
    names = {"target_id": "target", "tweet_id": "tweet_id", "username": "username"}
    paths = {
        re.sub(r"<(\w+)>", lambda found: ":" + names.get(found[1], "id"), rule)
        for rule in (row.rule.replace("/tweets/<tweet_id>", "/tweets/:id") for row in ENDPOINTS)
    }

    assert [path for path in sorted(paths) if path not in TEXT] == []


def test_every_method_for_tests_is_explained():
    public = [name for name in vars(Sandbox) if not name.startswith("_")]

    assert [name for name in public if f"`{name}" not in TEXT] == []
