"""The released glossary joins languages and other words, and costs nothing where none is wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest
from tests.benchmark.languages import demo_offerings, tokenizers, within
from tests.benchmark.paraphrases import OTHER_WORDS, Pair, by_route, pairs, questions
from tests.factories import SEEDS, taxonomy

from matchmaker.matching.registry import load_model, load_words
from matchmaker.ranking.text import TextWeights
from matchmaker.ranking.tokens import Concept, Tokenizer

Figures = Mapping[str, Mapping[str, float]]

BROAD = {
    "en": ("firm", "small", "without", "every", "month", "shop", "by", "hour", "day"),
    "zh": ("厂", "店", "想", "月", "天", "人"),
}
"""Words that stand anywhere, taken for one concept: what a careless glossary would do."""


@pytest.fixture(scope="module")
def like() -> Tokenizer:
    return load_words(SEEDS).tokenizer


@pytest.fixture(scope="module")
def weights() -> TextWeights:
    return load_model(SEEDS, taxonomy()).card.text


@pytest.fixture(scope="module")
def none(like: Tokenizer, weights: TextWeights) -> Figures:
    return by_route(pairs(), tokenizers(like)["none"], weights)


def lost(figures: Figures, none: Figures) -> list[str]:
    """The routes on which less is found than without any glossary."""
    return [route for route in none if figures[route]["mrr"] < none[route]["mrr"]]


def test_the_released_glossary_loses_on_no_route_and_wins_across(
    like: Tokenizer, weights: TextWeights, none: Figures
) -> None:
    released = by_route(pairs(), like, weights)
    assert lost(released, none) == []
    for route in ("en->zh", "zh->en", "en->en", "zh->zh"):
        asked = f"{route}, {OTHER_WORDS}"
        assert released[asked]["mrr"] > none[asked]["mrr"] + 0.04


def test_a_careless_glossary_is_seen_to_cost(
    like: Tokenizer, weights: TextWeights, none: Figures
) -> None:
    careless = Tokenizer(like.stop_characters, like.stop_words, (Concept("broad", BROAD),))
    assert lost(by_route(pairs(), careless, weights), none)


def test_titles_find_their_summaries_as_well_as_without(
    like: Tokenizer, weights: TextWeights
) -> None:
    offerings = demo_offerings()
    for language in ("en", "zh"):
        with_, without = (
            within(offerings, tokenizer, weights, language)["mrr"]
            for tokenizer in (like, tokenizers(like)["none"])
        )
        # One standard error of the difference is .01 with these 160 titles.
        assert with_ > without - 0.02


def test_half_of_the_pairs_are_english_and_a_quarter_crosses() -> None:
    other = Counter((p.asked, p.told) for p in pairs() if p.kind == OTHER_WORDS)
    across = other["en", "zh"] + other["zh", "en"]
    total = other.total()
    assert total >= 200
    assert other["en", "en"] >= total // 2
    assert min(other["zh", "zh"], across) >= total * 23 // 100


def test_a_need_in_the_same_words_is_asked_in_snatches() -> None:
    pair = Pair(kind="same words", area="a", asked="en", told="en", need="a b c d", offering="x")
    assert questions(pair) == ["a b c", "b c d"]
