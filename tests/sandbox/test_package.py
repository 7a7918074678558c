"""The sandbox can be installed by people who want nothing else of this repository."""

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import sandbox.__main__
from tests.tree import files

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "sandbox"
PACKAGE = tomllib.loads((FOLDER / "pyproject.toml").read_text())

# A stranger's test, with the pages that need the templates and the styles.
STRANGER = """
import urllib.request
import sandbox
from sandbox.testing import Sandbox

with Sandbox() as twitter:
    for path in ("/", "/static/sandbox.css", "/settings/connected_apps"):
        with urllib.request.urlopen(twitter.url + path, timeout=5) as answer:
            assert answer.status == 200
    client = twitter.register_client("https://me.example/back", confidential=False)
    query = f"client_id={client.client_id}&redirect_uri=https://me.example/back&state=x"
    query += "&scope=users.read&response_type=code&code_challenge=x&code_challenge_method=plain"
    print(twitter.say_yes(f"{twitter.authorize_url}?{query}"))
print(sandbox.__file__)
"""


OURS = {path.relative_to(FOLDER).as_posix() for path in files(FOLDER)}


@pytest.fixture
def built(tmp_path):
    """Build the package as pip would, from a copy, and return the folder that was made."""
    copy, site = tmp_path / "source", tmp_path / "site"
    for name in OURS:
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FOLDER / name, copy / name)
    command = [sys.executable, "-P", "-W", "ignore", "-c", "import setuptools; setuptools.setup()"]
    subprocess.run(
        [*command, "--quiet", "build", "--build-lib", site], cwd=copy, check=True, timeout=50
    )
    return site


has_setuptools = pytest.mark.skipif(
    importlib.util.find_spec("setuptools") is None,
    reason="Python brings it up to 3.11; pip fetches it where it is missing",
)


def test_every_file_is_code_or_is_listed():
    patterns = PACKAGE["tool"]["setuptools"]["package-data"]["sandbox"]
    listed = {path.relative_to(FOLDER).as_posix() for one in patterns for path in FOLDER.glob(one)}
    packages = [name.split(".")[1:] for name in PACKAGE["tool"]["setuptools"]["packages"]]
    code = {
        path.relative_to(FOLDER).as_posix()
        for package in packages
        for path in FOLDER.joinpath(*package).glob("*.py")
    }

    assert OURS - {"pyproject.toml"} == listed | code


@has_setuptools
def test_what_is_built_has_every_file(built):
    built_files = [path for path in (built / "sandbox").rglob("*") if path.is_file()]
    names = {path.relative_to(built / "sandbox").as_posix() for path in built_files}

    assert names == OURS - {"pyproject.toml"}
    assert [path.name for path in built.iterdir()] == ["sandbox"]


@has_setuptools
@pytest.mark.loopback
def test_what_is_built_works_without_the_rest(built, tmp_path):
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(built)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", STRANGER],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    back, place = done.stdout.splitlines()

    assert done.stderr == ""
    assert back.startswith("https://me.example/back?state=x&code=")
    assert Path(place).is_relative_to(built)


def test_it_has_a_licence_a_readme_and_types():
    assert (FOLDER / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    assert PACKAGE["project"]["readme"] == "README.md"
    assert {"README.md", "py.typed"} <= OURS


def test_its_command_is_there():
    module, _, name = PACKAGE["project"]["scripts"]["twitter-sandbox"].partition(":")

    assert getattr(sandbox.__main__, name).__module__ == module


def test_it_needs_what_is_allowed_to_be_imported():
    """`test_architecture.py` holds every file to Flask and the standard library."""
    assert PACKAGE["project"]["dependencies"] == ["flask>=3.1"]
