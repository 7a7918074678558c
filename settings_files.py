"""Settings from the environment and from disk: `.env`, generated keys, choices of `make run`.

Raises `ConfigError`, or `ValueError` in words that go after "NAME: "; never `OSError` or
`UnicodeDecodeError`. No text of a file is quoted.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import StringIO
from pathlib import Path
from typing import TypeVar

from dotenv import dotenv_values, find_dotenv
from dotenv.parser import Binding, parse_stream
from flask.helpers import get_load_dotenv

from settings_text import GENERATE, ConfigError, as_meant

T = TypeVar("T")

DOTENV = ".env"
# Locked while `make run` runs; the kernel releases the lock however it ends.
_RUNNING = "make-run.json"


class Reader:
    """Reads settings by name, and collects the problems."""

    def __init__(
        self, environ: Mapping[str, str], instance: Path, strays: Mapping[str, Path]
    ) -> None:
        self.environ = environ
        self.instance = instance
        self.strays = dict(strays)
        self.problems: list[str] = []

    def text(self, name: str) -> str | None:
        if stray := self.strays.pop(name, None):
            self.problems.append(
                f"{name}: comes from {stray}, which flask has read and the site has not. "
                f"Run flask in {self.instance.parent}, with a .env there, which may be empty."
            )
        return (self.environ.get(name) or "").strip() or None

    def setting(self, name: str, default: str, rule: Callable[[str], T]) -> T:
        """Return the setting `name`; the default if it is unset or refused."""
        value = self.optional(name, rule)
        return rule(default) if value is None else value

    def optional(self, name: str, rule: Callable[[str], T]) -> T | None:
        """Return the setting `name`; None if it is unset or refused."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return rule(as_meant(text))
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return None

    def key_ring(
        self, name: str, generate: Callable[[], str], rule: Callable[[str], T], *, https: bool
    ) -> tuple[T, ...]:
        """Return the keys of the ring `name`: the first seals, all open."""
        text = self.text(name)
        if text is None and https:
            self.problems.append(
                f"{name}: is not set, and an https site does not run on generated keys. "
                f"Set it to the output of: {GENERATE[name]}"
            )
            return (rule(generate()),)
        try:
            if text is None:
                return (kept(self.instance / name.lower(), generate, rule),)
            return tuple(rule(part.strip()) for part in as_meant(text).split(","))
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return (rule(generate()),)


def settings_of(root: Path) -> dict[str, str]:
    """Return all settings as text: the environment, over the choices of `make run`, over `.env`.

    Raises `ConfigError` if `.env` cannot be read.
    """
    return {**_dotenv(root / DOTENV), **_chosen_by_make_run(root / "instance"), **os.environ}


def _dotenv(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if path.is_symlink():
            raise ConfigError([f".env: leads nowhere ({_words(error)})."]) from None
        return {}
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError([f".env: line {line} is not UTF-8. Save the file as UTF-8."]) from None
    except OSError as error:
        raise ConfigError([f".env: cannot be read ({_words(error)}).{_remedy(error)}"]) from None
    bindings = list(parse_stream(StringIO(text)))
    problems = [
        f".env: line {_line_of(binding)} is not NAME=value, or a quote in it is not closed."
        for binding in bindings
        if binding.error or (binding.key and binding.value is None)
    ]
    problems += [
        f".env: line {_line_of(binding)} holds ${{, which would be taken for another setting."
        " Put the value itself there."
        for binding in bindings
        if "${" in (binding.value or "")
    ]
    if problems:
        raise ConfigError(problems)
    return {name: value or "" for name, value in dotenv_values(stream=StringIO(text)).items()}


def _line_of(binding: Binding) -> int:
    """Return the line of a statement. Its own text begins with the empty lines before it."""
    before, _, _ = binding.original.string.partition(binding.original.string.strip())
    return binding.original.line + before.count("\n")


def _remedy(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return " Let the user that runs this read it: chgrp and chmod g+r."
    if isinstance(error, IsADirectoryError):
        return " It is a folder, as Docker makes one for a file that is not there. Remove it."
    return ""


def brought_by_flask(root: Path) -> dict[str, Path]:
    """Return the names that `flask` took from the `.env` or `.flaskenv` of another folder.

    Before it imports our code, `flask` looks in its current folder and in every one above.
    """
    if os.environ.get("FLASK_RUN_FROM_CLI") != "true" or not get_load_dotenv():
        return {}
    found = [Path(find_dotenv(name, usecwd=True)) for name in (".flaskenv", DOTENV)]
    return {
        name: file
        for file in found
        if file.is_file() and file.parent.resolve() != root
        for name, value in dotenv_values(file).items()
        if os.environ.get(name) == value
    }


def kept(path: Path, generate: Callable[[], str], parse: Callable[[str], T]) -> T:
    """Return the key in `path`, made on first use; several starting workers agree on one.

    Raises `ValueError` in words if it cannot be kept or read.
    """
    place = f"{path.parent.name}/{path.name}"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path, generate())
        return parse(path.read_text(encoding="utf-8").strip())
    except ValueError:  # undecodable, or cut short by a full disk
        raise ValueError(
            f"is not set, and {place} is damaged. Delete that file, and another key is generated."
        ) from None
    except OSError as error:
        raise ValueError(
            f"is not set, and no generated one can be kept in {place} ({_words(error)}). "
            "Set it, or let the user that runs this write there."
        ) from None


def _make(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:
        try:
            draft.write(text)
            draft.flush()
            os.link(draft.name, path)  # fails if another worker was first; its key is then ours
        except FileExistsError:
            pass
        finally:
            Path(draft.name).unlink()


def _words(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()


def _chosen_by_make_run(instance: Path) -> dict[str, str]:
    """Return the settings that a running process `announced`."""
    with suppress(OSError, ValueError), (instance / _RUNNING).open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return {str(name): str(value) for name, value in dict(json.load(file)).items()}
    return {}


@contextmanager
def announced(instance: Path, chosen: Mapping[str, str]) -> Iterator[bool]:
    """Let every command of this folder use the `chosen` settings, until this ends.

    Yields False if another process announces already, or if the folder is not writable.
    """
    path = instance / _RUNNING
    try:
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = path.open("a+", encoding="utf-8")
    except OSError:
        yield False
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        file.truncate(0)
        json.dump(dict(chosen), file)
        file.flush()
        try:
            yield True
        finally:
            path.unlink(missing_ok=True)


def keep_private(folder: Path) -> None:
    """Close the folder of keys and database to other users."""
    with suppress(OSError):  # another user's, not there, or on a disk for reading
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
