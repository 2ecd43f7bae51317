"""The form of API keys: what is one is read back, what is not is turned away without a look-up."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.identity import keys

KEY = keys.Token("00000000", "a" * 43).text
JUNK = (
    "",
    "mmk_live_",
    KEY[:-1],
    KEY + "0",
    KEY.replace("live", "test"),
    KEY.replace("_a", "_b", 1),
    KEY.upper(),
    f" {KEY}",
    f"{KEY}\n",
    KEY.replace("a", "á", 1),
    KEY.replace("0", "٠", 1),
    f"mmk_live_{'0' * 8}_{'a' * 43}_000000",
)


def test_a_new_key_is_of_the_form_and_reads_back() -> None:
    token = keys.mint()
    assert re.fullmatch(r"mmk_live_[0-9A-Za-z]{8}_[\w-]{43}_[0-9A-Za-z]{6}", token.text)
    assert keys.read(token.text) == token
    assert token.digest == hashlib.sha256(token.secret.encode()).digest()


def test_no_two_keys_share_a_part() -> None:
    made = [keys.mint() for _ in range(500)]
    assert len({token.public_id for token in made}) == len({t.secret for t in made}) == len(made)


def test_the_secret_is_not_in_what_is_printed() -> None:
    token = keys.mint()
    assert token.secret not in f"{token!r} {token} {[token]}"


@pytest.mark.parametrize("text", JUNK)
def test_junk_is_none(text: str) -> None:
    assert keys.read(text) is None


@given(st.integers(0, len(KEY) - 1), st.characters(codec="ascii"))
def test_any_one_changed_character_is_noticed(place: int, character: str) -> None:
    changed = KEY[:place] + character + KEY[place + 1 :]
    assert (keys.read(changed) is None) is (changed != KEY)


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    assert keys.read(text) is None
