"""What is sealed tells nothing, and opens only here, in its own row and unchanged."""

from __future__ import annotations

import pytest

from matchmaker.core.sealing import CannotOpen, Sealer

PLAIN = b"p" * 32
PURPOSE = "tests"
SEALER = Sealer(b"s" * 32, PURPOSE)


def test_it_opens_again_by_whoever_has_the_secret() -> None:
    sealed = SEALER.seal(PLAIN, row=b"a")
    assert Sealer(b"s" * 32, PURPOSE).open(sealed, row=b"a") == PLAIN


def test_it_tells_nothing_and_not_even_that_two_are_equal() -> None:
    one, other = (SEALER.seal(PLAIN, row=b"a") for _ in range(2))
    assert one != other
    assert PLAIN not in one
    assert b"s" * 8 not in one


@pytest.mark.parametrize("secret", [b"t" * 32, b"s" * 33, b""])
def test_another_installation_does_not_open_it(secret: bytes) -> None:
    with pytest.raises(CannotOpen):
        Sealer(secret, PURPOSE).open(SEALER.seal(PLAIN, row=b"a"), row=b"a")


def test_it_does_not_open_for_another_purpose() -> None:
    with pytest.raises(CannotOpen):
        Sealer(b"s" * 32, "something else").open(SEALER.seal(PLAIN, row=b"a"), row=b"a")


def test_another_row_does_not_open_it() -> None:
    with pytest.raises(CannotOpen):
        SEALER.open(SEALER.seal(PLAIN, row=b"a"), row=b"b")


def test_nothing_changed_opens() -> None:
    sealed = SEALER.seal(PLAIN, row=b"a")
    for place in range(len(sealed)):
        changed = bytes(octet ^ (place == at) for at, octet in enumerate(sealed))
        with pytest.raises(CannotOpen):
            SEALER.open(changed, row=b"a")
    for short in (b"", sealed[:5], sealed[:12], sealed[:-1]):
        with pytest.raises(CannotOpen):
            SEALER.open(short, row=b"a")
