"""Settings on disk: whatever is wrong with a file, "Cannot start" says which, and what to do."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from config import ROOT, Config, ConfigError
from settings_files import announced, settings_of


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch):
    monkeypatch.setattr(os, "environ", {})


def said(root):
    with pytest.raises(ConfigError) as refused:
        Config.from_env(root=root)
    return "\n".join(refused.value.problems)


@pytest.mark.parametrize(
    "text, words",
    [
        ("A=1\nAPP_NAME=Vögel\n".encode("latin-1"), ".env: line 2 is not UTF-8."),
        ("APP_NAME=Nest\n".encode("utf-16"), ".env: line 1 is not UTF-8."),
        (b"# mine\n\nSECRET_KEY='secret\n", ".env: line 3 is not NAME=value, or a quote"),
        (b"TWITTER_CLIENT_ID: secret\n", ".env: line 1 is not NAME=value"),
        (b"A=1\nTWITTER_CLIENT_ID\n", ".env: line 2 is not NAME=value"),
        (b"A=1\nDATABASE_URL=postgresql://u:pa${secret}@h/d\n", ".env: line 2 holds ${, which"),
        (b"APP_NAME=Ne\x00st\n", "APP_NAME: holds U+0000 as character 3"),
    ],
)
def test_a_file_of_settings_that_cannot_be_understood_names_its_line(tmp_path, text, words):
    (tmp_path / ".env").write_bytes(text)

    assert said(tmp_path).startswith(words)
    assert "secret" not in said(tmp_path)


def test_every_line_that_is_none_is_named_at_once(tmp_path):
    (tmp_path / ".env").write_text("one\n\nA=1\ntwo three\n")

    assert [line[:12] for line in said(tmp_path).splitlines()] == [".env: line 1", ".env: line 4"]


def test_a_byte_order_mark_hides_no_setting(tmp_path):
    (tmp_path / ".env").write_text("APP_NAME=Nest\n", encoding="utf-8-sig")

    assert Config.from_env(root=tmp_path).app_name == "Nest"


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path):
    (tmp_path / ".env").mkdir()

    assert said(tmp_path).startswith(".env: cannot be read (is a directory). It is a folder, as")


def test_a_link_that_leads_nowhere_is_not_taken_for_no_file(tmp_path):
    (tmp_path / ".env").symlink_to("/secrets/gone")

    assert said(tmp_path).startswith(".env: leads nowhere")


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / ".env").touch()
    refuse(monkeypatch, "read_text", errno.EACCES)

    assert said(tmp_path).startswith(".env: cannot be read (permission denied). Let the user")


# Generated keys


def refuse(monkeypatch, method, number):
    """Fail as the system does; root, who runs tests here and there, may do everything."""

    def fail(self, *_, **__):
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, method, fail)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOTDIR])
def test_keys_that_cannot_be_kept_are_both_named(tmp_path, monkeypatch, number):
    refuse(monkeypatch, "mkdir", number)

    with pytest.raises(ConfigError) as refused:
        Config.from_env({}, root=tmp_path)

    first, second = refused.value.problems
    assert first.startswith("SECRET_KEY: is not set, and no generated one can be kept in instance/")
    assert second.startswith("TOKEN_KEYS: is not set, and no generated one can be kept in")
    assert os.strerror(number).lower() in first


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "instance").touch()

    assert "kept in instance/secret_key (file exists)" in said(tmp_path)


def test_a_disk_without_links_leaves_no_draft_behind(tmp_path, monkeypatch):
    def fail(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", fail)

    assert "kept in instance/secret_key (operation not permitted)" in said(tmp_path)
    assert list((tmp_path / "instance").iterdir()) == []


@pytest.mark.parametrize("damaged", [b"", b"\xe9\xff", b"short"])
def test_a_damaged_key_is_named_by_its_file_and_stays(tmp_path, damaged):
    (tmp_path / "instance").mkdir()
    key = tmp_path / "instance" / "token_keys"
    key.write_bytes(damaged)

    assert said(tmp_path).startswith("TOKEN_KEYS: is not set, and instance/token_keys is damaged.")
    assert key.read_bytes() == damaged


# The choices of `make run`


def test_commands_find_what_make_run_chose_as_long_as_it_runs(tmp_path):
    with announced(tmp_path / "instance", {"PORT": "8123", "SANDBOX_PORT": "9123"}) as found:
        during = Config.from_env(root=tmp_path)
    after = Config.from_env(root=tmp_path)

    assert found
    assert stat.S_IMODE((tmp_path / "instance").stat().st_mode) == 0o700
    assert (during.port, during.sandbox_port) == (8123, 9123)
    assert (after.port, after.sandbox_port) == (8000, 9000)


def test_what_was_chosen_yields_to_the_environment_and_not_to_the_file(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("PORT=8001\nSANDBOX_PORT=9001\n")
    monkeypatch.setattr(os, "environ", {"PORT": "8002"})

    with announced(tmp_path / "instance", {"PORT": "8123", "SANDBOX_PORT": "9123"}):
        settings = settings_of(tmp_path)

    assert (settings["PORT"], settings["SANDBOX_PORT"]) == ("8002", "9123")


def test_a_killed_make_run_is_not_believed(tmp_path):
    code = (
        "import os, pathlib, settings_files as files\n"
        "with files.announced(pathlib.Path('.'), {'PORT': '8123'}):\n    os._exit(9)"
    )
    killed = [sys.executable, "-c", code]
    (tmp_path / "instance").mkdir()
    environ = {"PYTHONPATH": str(ROOT)}
    subprocess.run(killed, cwd=tmp_path / "instance", env=environ, timeout=50, check=False)

    assert (tmp_path / "instance" / "make-run.json").exists()
    assert "PORT" not in settings_of(tmp_path)


def test_the_second_make_run_leaves_the_first_alone(tmp_path):
    instance = tmp_path / "instance"

    with announced(instance, {"PORT": "8123"}):
        with announced(instance, {"PORT": "8124"}) as second:
            pass
        still = settings_of(tmp_path)

    assert not second
    assert still["PORT"] == "8123"


def test_a_folder_that_cannot_be_written_stops_no_make_run(tmp_path):
    (tmp_path / "instance").touch()

    with announced(tmp_path / "instance", {"PORT": "8123"}) as found:
        assert not found


# Settings that `flask` read before us


@pytest.fixture
def under_flask(tmp_path, monkeypatch):
    """Run `flask` in a folder whose parent has another project's settings, as it would."""
    site = tmp_path / "site"
    site.mkdir()
    (tmp_path / ".env").write_text("APP_NAME=Other\nEDITOR=ed\n")
    monkeypatch.chdir(site)
    os.environ |= {"FLASK_RUN_FROM_CLI": "true", "APP_NAME": "Other", "EDITOR": "ed"}
    return site


def test_settings_of_another_project_that_flask_has_read_are_refused(under_flask, tmp_path):
    assert said(under_flask) == (
        f"APP_NAME: comes from {tmp_path / '.env'}, which flask has read and the site has not. "
        f"Run flask in {under_flask}, with a .env there, which may be empty."
    )


@pytest.mark.parametrize(
    "environ", [{"FLASK_SKIP_DOTENV": "1"}, {"FLASK_RUN_FROM_CLI": ""}, {"APP_NAME": "Mine"}]
)
def test_settings_that_flask_has_not_read_are_taken(under_flask, environ):
    os.environ |= environ

    assert Config.from_env(root=under_flask).app_name == os.environ["APP_NAME"]


def test_the_sites_own_file_may_be_read_by_flask(under_flask):
    (under_flask / ".env").write_text("APP_NAME=Other\n")

    assert Config.from_env(root=under_flask).app_name == "Other"
