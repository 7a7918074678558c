"""Changes of an account while the sandbox runs: a new name, protection, suspension."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from sandbox.errors import InvalidInput
from sandbox.oauth.text_checks import is_sendable
from sandbox.world.model import Account

_TEXTS = {"username", "name", "description", "location"}
_LONGEST = {"name": 50, "description": 160, "location": 30}  # as in a seed file
_FLAGS = {"protected", "suspended"}
_USERNAME = re.compile("[A-Za-z0-9_]{1,15}")


def changed_account(
    account: Account, changes: Mapping[str, object], taken: frozenset[str]
) -> Account:
    """Return a copy of an account with these changes; InvalidInput says what is wrong with them."""
    for name, value in changes.items():
        kind, said = (str, "text") if name in _TEXTS else (bool, "true or false")
        if name not in _TEXTS | _FLAGS:
            known = ", ".join(sorted(_TEXTS | _FLAGS))
            raise InvalidInput(f"{name!r} cannot be changed. There are: {known}.")
        if not isinstance(value, kind) or (isinstance(value, str) and not is_sendable(value)):
            raise InvalidInput(f"{name} must be {said}.")
        if isinstance(value, str) and len(value) > _LONGEST.get(name, len(value)):
            raise InvalidInput(f"{name} must have at most {_LONGEST[name]} characters.")
    if changes.get("name") == "":
        raise InvalidInput("name must not be empty.")
    username = str(changes.get("username", account.username))
    if not _USERNAME.fullmatch(username):
        raise InvalidInput("username must be 1 to 15 letters, digits and underscores.")
    renamed = username.lower() != account.username.lower()
    if renamed and username.lower() in taken:
        raise InvalidInput(f"There is already an account {username!r}.")
    former = (*account.former_usernames, account.username) if renamed else account.former_usernames
    return replace(account, former_usernames=former, **changes)  # type: ignore[arg-type]  # checked
