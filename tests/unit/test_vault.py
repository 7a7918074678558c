"""Sealed tokens: bound to their place, opened by any key of the ring, by nothing else."""

import pytest

from app.accounts.errors import CannotOpen
from app.accounts.vault import Vault, place

OLD, NEW = b"o" * 32, b"n" * 32
HERE = place("grants", "access_token", "a1")


def test_a_sealed_token_opens_at_its_place():
    vault = Vault((NEW,))

    assert vault.open(vault.seal("tökén", at=HERE), at=HERE) == "tökén"


def test_a_sealed_token_does_not_show_and_never_looks_the_same():
    sealed = {Vault((NEW,)).seal("a-token", at=HERE) for _ in range(20)}

    assert len(sealed) == 20
    assert not any("a-token" in text for text in sealed)


@pytest.mark.parametrize(
    "elsewhere",
    [
        place("grants", "access_token", "a2"),
        place("grants", "refresh_token", "a1"),
        place("revocations", "token", "a1"),
        "",
    ],
)
def test_a_token_moved_to_another_row_or_field_does_not_open(elsewhere):
    vault = Vault((NEW,))
    sealed = vault.seal("a-token", at=HERE)

    with pytest.raises(CannotOpen):
        vault.open(sealed, at=elsewhere)


def test_the_first_key_seals_and_all_open():
    sealed_by_old = Vault((OLD,)).seal("a-token", at=HERE)
    ring = Vault((NEW, OLD))

    assert ring.open(sealed_by_old, at=HERE) == "a-token"
    assert Vault((NEW,)).open(ring.seal("a-token", at=HERE), at=HERE) == "a-token"


def test_a_key_that_left_the_ring_opens_nothing():
    sealed = Vault((OLD,)).seal("a-token", at=HERE)

    with pytest.raises(CannotOpen, match="TOKEN_KEYS"):
        Vault((NEW,)).open(sealed, at=HERE)


def test_a_changed_value_does_not_open():
    vault = Vault((NEW,))
    sealed = vault.seal("a-token", at=HERE)
    flipped = sealed[:-5] + ("A" if sealed[-5] != "A" else "B") + sealed[-4:]
    key_id = sealed.split(".")[1]

    for changed in ["", "v1", "v1.", f"v2{sealed}", f"{sealed}x", flipped, f"v1.{key_id}.", "text"]:
        with pytest.raises(CannotOpen):
            vault.open(changed, at=HERE)


def test_the_key_id_says_nothing_about_the_key():
    sealed = Vault((NEW,)).seal("a-token", at=HERE)

    assert sealed.startswith("v1.")
    assert NEW.hex()[:8] not in sealed
