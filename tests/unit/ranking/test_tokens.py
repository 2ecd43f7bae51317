"""Texts become tokens alike in Chinese and English (scoring.md 10)."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matchmaker.ranking import tokens
from matchmaker.ranking.tokens import CONCEPT_PREFIX, HAN, Concept, Tokenizer, normalise

CONCEPTS = (
    Concept("quality", {"zh": ("质量", "质检"), "en": ("quality", "quality control")}),
    Concept("traced", {"zh": ("倒查",), "en": ("traced back",)}),
    Concept("ai_check", {"zh": ("AI质检",), "en": ()}),
)


@pytest.fixture
def tokenizer() -> Tokenizer:
    return Tokenizer(frozenset("的了"), frozenset({"the", "of", "is"}), CONCEPTS)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("质量好", ["质", "质量", "量", "量好", "好"]),
        ("质的量", ["质", "量"]),
        ("质，量", ["质", "量"]),
        ("质 量", ["质", "量"]),
        ("质a量", ["质", "a", "量"]),
        ("The machines of OEE", ["machin", "oee"]),
        ("ＭＥＳ２", ["mes2"]),
        ("3次", ["3", "次"]),
        ("\U00020000\U00020001", ["\U00020000", "\U00020000\U00020001", "\U00020001"]),
        ("カタカナ", []),
        ("", []),
    ],
)
def test_plain_tokens(tokenizer: Tokenizer, text: str, expected: list[str]) -> None:
    assert tokenizer.plain(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("质量与质检", ["c:quality", "c:quality"]),
        ("quality, quality", ["c:quality", "c:quality"]),
        ("quality control", ["c:quality"]),
        ("质，量", []),
        ("质的量", []),
        ("Traced -- back", ["c:traced"]),
        ("traced is back", []),
        ("traced", []),
        ("AI质检", ["c:ai_check", "c:quality"]),
        ("ai 质检", ["c:ai_check", "c:quality"]),
        ("AI质，检", []),
        ("quality倒查", ["c:quality", "c:traced"]),
    ],
)
def test_a_concept_counts_once_where_one_of_its_phrases_starts(
    tokenizer: Tokenizer, text: str, expected: list[str]
) -> None:
    assert tokenizer.concepts_in(text) == expected


def test_fields_are_read_apart_and_concepts_are_no_part_of_the_length(
    tokenizer: Tokenizer,
) -> None:
    counted = tokenizer.count(["质", "量", "质量"])

    assert counted.length == 5
    assert counted.counts == {"质": 2, "量": 2, "质量": 1, "c:quality": 1}


def test_the_tokens_of_a_need_are_distinct_and_in_order(tokenizer: Tokenizer) -> None:
    plain, concepts = tokenizer.tokens("quality of quality, 倒查")

    assert plain == ["qualiti", "倒", "倒查", "查"]
    assert concepts == ["c:quality", "c:traced"]


def test_a_phrase_in_which_nothing_counts_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'——' of dash holds no character that counts"):
        Tokenizer(frozenset(), frozenset(), (Concept("dash", {"zh": ("——",)}),))


def test_stems_are_right_when_few_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_STEMS_KEPT", 1)
    tokenizer = Tokenizer(frozenset(), frozenset())

    assert tokenizer.plain("machines planning machines") == ["machin", "plan", "machin"]


def test_a_word_longer_than_any_is_stemmed_and_not_kept() -> None:
    tokenizer = Tokenizer(frozenset(), frozenset())
    word = "x" * 60 + "ings"

    assert tokenizer.plain(f"{word} {word}") == ["x" * 60 + "ing"] * 2


alphabet = st.sampled_from("质量检倒查的了ＡＩaI qualitybackthe,，。3é \U00020000")
texts = st.text(alphabet, max_size=30)


@given(texts)
def test_every_token_is_a_han_unigram_or_bigram_or_a_latin_stem(text: str) -> None:
    tokenizer = Tokenizer(frozenset("的了"), frozenset({"the"}), CONCEPTS)
    for token in tokenizer.plain(text):
        is_latin = token.isascii() and token.isalnum()
        is_han = len(token) <= 2 and all(unicodedata.category(c) == "Lo" for c in token)
        assert is_latin or is_han
        assert not set(token) & set("的了")
        assert not token.startswith(CONCEPT_PREFIX)


@given(texts, texts)
def test_what_stands_apart_is_counted_apart(first: str, second: str) -> None:
    tokenizer = Tokenizer(frozenset("的了"), frozenset({"the"}), CONCEPTS)

    assert tokenizer.plain(f"{first}\n{second}") == [
        *tokenizer.plain(first),
        *tokenizer.plain(second),
    ]
    assert (
        tokenizer.count([first, second]).length
        == tokenizer.count([first]).length + tokenizer.count([second]).length
    )


@given(st.text(max_size=30))
def test_any_text_is_read_the_same_after_it_was_normalised(text: str) -> None:
    tokenizer = Tokenizer(frozenset("的了"), frozenset({"the"}), CONCEPTS)
    once = normalise(normalise(text))

    assert tokenizer.plain(once) == tokenizer.plain(normalise(once))
    assert tokenizer.count([text]).length == len(tokenizer.plain(text))


def test_the_han_ranges_are_those_of_the_definition() -> None:
    ends = [HAN[0], HAN[2], HAN[3], HAN[5], HAN[6], HAN[8], HAN[9], HAN[11]]

    assert [f"{ord(end):X}" for end in ends] == [
        *("3400", "4DBF", "4E00", "9FFF"),
        *("F900", "FAFF", "20000", "323AF"),
    ]
