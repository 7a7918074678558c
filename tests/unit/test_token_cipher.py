"""Sealed tokens: bound to their place, opened by any key of the ring, by nothing else."""

import pytest

from app.accounts.errors import CannotOpen
from app.accounts.token_cipher import TokenCipher, associated_data

OLD, NEW = b"o" * 32, b"n" * 32
HERE = associated_data("grants", "access_token", "a1")


def test_a_sealed_token_opens_at_its_place():
    cipher = TokenCipher((NEW,))

    assert cipher.open(cipher.seal("tökén", at=HERE), at=HERE) == "tökén"


def test_a_sealed_token_does_not_show_and_never_looks_the_same():
    sealed = {TokenCipher((NEW,)).seal("a-token", at=HERE) for _ in range(20)}

    assert len(sealed) == 20
    assert not any("a-token" in text for text in sealed)


@pytest.mark.parametrize(
    "elsewhere",
    [
        associated_data("grants", "access_token", "a2"),
        associated_data("grants", "refresh_token", "a1"),
        associated_data("revocations", "token", "a1"),
        "",
    ],
)
def test_a_token_moved_to_another_row_or_field_does_not_open(elsewhere):
    cipher = TokenCipher((NEW,))
    sealed = cipher.seal("a-token", at=HERE)

    with pytest.raises(CannotOpen):
        cipher.open(sealed, at=elsewhere)


def test_the_first_key_seals_and_all_open():
    sealed_by_old = TokenCipher((OLD,)).seal("a-token", at=HERE)
    ring = TokenCipher((NEW, OLD))

    assert ring.open(sealed_by_old, at=HERE) == "a-token"
    assert TokenCipher((NEW,)).open(ring.seal("a-token", at=HERE), at=HERE) == "a-token"


def test_a_key_that_left_the_ring_opens_nothing():
    sealed = TokenCipher((OLD,)).seal("a-token", at=HERE)

    with pytest.raises(CannotOpen, match="TOKEN_KEYS"):
        TokenCipher((NEW,)).open(sealed, at=HERE)


def test_a_changed_value_does_not_open():
    cipher = TokenCipher((NEW,))
    sealed = cipher.seal("a-token", at=HERE)
    flipped = sealed[:-5] + ("A" if sealed[-5] != "A" else "B") + sealed[-4:]
    key_id = sealed.split(".")[1]

    for changed in ["", "v1", "v1.", f"v2{sealed}", f"{sealed}x", flipped, f"v1.{key_id}.", "text"]:
        with pytest.raises(CannotOpen):
            cipher.open(changed, at=HERE)


def test_the_key_id_says_nothing_about_the_key():
    sealed = TokenCipher((NEW,)).seal("a-token", at=HERE)

    assert sealed.startswith("v1.")
    assert NEW.hex()[:8] not in sealed
