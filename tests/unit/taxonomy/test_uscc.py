"""The check character of the unified social credit code."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.taxonomy import uscc

BODIES = st.text(alphabet=uscc.ALPHABET, min_size=17, max_size=17)


def test_the_vectors_hold(vectors: dict[str, Any]) -> None:
    told = vectors["uscc"]
    assert told["alphabet"] == uscc.ALPHABET
    for code in (*told["valid"], *told["synthetic"]):
        assert uscc.is_valid(code), code
    for code in told["invalid"]:
        assert not uscc.is_valid(code), code


def test_the_check_character_is_the_published_sum(vectors: dict[str, Any]) -> None:
    weights = vectors["uscc"]["weights"]
    body = "91350100M000100Y4"
    total = sum(uscc.ALPHABET.index(c) * w for c, w in zip(body, weights, strict=True))
    assert uscc.check_character(body) == uscc.ALPHABET[(31 - total % 31) % 31] == "3"


@given(body=BODIES)
def test_exactly_one_character_completes_a_body(body: str) -> None:
    assert [c for c in uscc.ALPHABET if uscc.is_valid(body + c)] == [uscc.check_character(body)]


@given(body=BODIES, place=st.integers(0, 17), data=st.data())
def test_one_wrong_character_is_always_found(body: str, place: int, data: st.DataObject) -> None:
    code = body + uscc.check_character(body)
    wrong = data.draw(st.sampled_from(uscc.ALPHABET.replace(code[place], "")))
    assert not uscc.is_valid(code[:place] + wrong + code[place + 1 :])


def test_a_code_is_read_with_blanks_and_in_lower_case() -> None:
    assert uscc.normalise(" 91350100 m000100y43 ") == "91350100M000100Y43"


@pytest.mark.parametrize(
    "code", ["", "91350100M000100Y4", "91350100M000100Y433", "91350100I000100Y43", "九" * 18]
)
def test_another_form_is_not_valid(code: str) -> None:
    assert not uscc.is_valid(code)


def test_a_body_of_another_length_has_no_check_character() -> None:
    with pytest.raises(ValueError, match="16 characters"):
        uscc.check_character("9" * 16)
