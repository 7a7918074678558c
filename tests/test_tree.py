"""What git ignores is no source: `pip install ./sandbox` leaves its work behind in the clone."""

import pytest

from tests.tree import ROOT, files

LEFT_BEHIND = [
    "sandbox/build/lib/sandbox/world/state.py",
    "sandbox/twitter_sandbox.egg-info/PKG-INFO",
    "sandbox/__pycache__/world.cpython-311.pyc",
    "deploy/.DS_Store",
    ".git/HEAD",
]


@pytest.mark.parametrize("name", LEFT_BEHIND)
def test_what_git_ignores_is_not_walked(name, tmp_path):
    for path in (tmp_path / name, tmp_path / "sandbox" / "ours.py"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    walked = files(tmp_path, root=tmp_path)

    assert [path.name for path in walked] == ["ours.py"]


def test_every_walk_over_the_tree_is_this_one():
    walks = [path for path in files(ROOT / "tests", "*.py") if ".rglob(" in path.read_text()]

    assert {path.relative_to(ROOT).as_posix() for path in walks} == {
        "tests/tree.py",
        "tests/test_tree.py",  # this line
        "tests/journey/front.py",  # a folder that the test itself made
        "tests/sandbox/test_package.py",
    }
