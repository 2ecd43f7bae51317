from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import credit_code

from matchmaker.taxonomy.uscc import is_valid as is_uscc

SYMBOLS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@given(st.text(SYMBOLS, min_size=17, max_size=17), st.integers(0, 16), st.sampled_from(SYMBOLS))
def test_one_wrong_symbol_breaks_the_check_digit(stem: str, place: int, other: str) -> None:
    code = credit_code(stem)
    assert is_uscc(code)
    changed = code[:place] + other + code[place + 1 :]
    assert is_uscc(changed) is (changed == code)


@pytest.mark.parametrize("code", ["", "9", "I" * 18, "91350100M000100Y430", "９1350100M000100Y43"])
def test_another_form_is_none(code: str) -> None:
    assert not is_uscc(code)


def test_the_example_of_the_standard_is_one() -> None:
    assert is_uscc("91350100M000100Y43")
