"""Canonical JSON is that of RFC 8785, so that any client can check a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TypeAlias

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.core.canonical import Canonical, _without_floats, canonical, digest, encode
from matchmaker.demand.declaration import Budget, NeedFacts

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"

LARGEST = 2**53 - 1
texts = st.text(st.characters(codec="utf-8"), max_size=12)
keys = st.text(st.characters(max_codepoint=127), max_size=8)
values: st.SearchStrategy[Canonical] = st.recursive(
    st.none() | st.booleans() | st.integers(-LARGEST, LARGEST) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)


@given(values)
def test_the_bytes_are_those_of_rfc_8785(value: Canonical) -> None:
    assert encode(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("text", ['"\\/', "\b\t\n\f\r", "\x00\x1f\x7f", "€é\U0001f600", "\u2028"])
def test_escapes_are_those_of_rfc_8785(text: str) -> None:
    assert encode({text: text}) == rfc8785.dumps({text: text})


@given(values)
def test_a_digest_is_the_sha256_of_the_bytes(value: Canonical) -> None:
    assert digest(value) == hashlib.sha256(rfc8785.dumps(value)).hexdigest()


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_decimal_becomes_a_string_that_reads_back(value: float) -> None:
    found = canonical({"a": [value, (value,)]})

    assert isinstance(found, Mapping)
    assert found["a"] == [repr(value), [repr(value)]]
    assert float(repr(value)) == value


def test_every_field_of_a_struct_is_there_and_missing_is_null() -> None:
    need = NeedFacts(kind="solution", budget=Budget(amount=5, currency="CNY"))
    found = canonical(need)

    assert isinstance(found, dict)
    assert set(found) == {field.name for field in msgspec.structs.fields(NeedFacts)}
    assert found["text"] is None
    assert found["budget"] == {"amount": 5, "currency": "CNY"}


def test_the_order_of_keys_does_not_matter_and_that_of_lists_does() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest(["a", "b"]) != digest(["b", "a"])


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no canonical form"):
        _without_floats({1})
