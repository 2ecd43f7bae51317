"""Impacts, statistics and steps of the text feature (scoring.md 10)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from matchmaker.ranking import postings, text
from matchmaker.ranking.facts import OfferingFacts, PackageFacts
from matchmaker.ranking.text import UNIT, TextScore, TextStatistics, TextWeights
from matchmaker.ranking.tokens import PackedCount, TokenCount

WEIGHTS = TextWeights(1.2, 0.75, (800, 1000))


def offering(name: str, **languages: TokenCount | PackedCount) -> OfferingFacts:
    return OfferingFacts(
        offering_id=name,
        provider_id="p",
        kind="solution",
        packages=(PackageFacts(code="k"),),
        text=languages,
    )


OFFERINGS = [
    offering("o1", zh=TokenCount(10, {"质量": 2, "c:quality": 1}), en=TokenCount(4, {"scrap": 1})),
    offering("o2", zh=TokenCount(30, {"质量": 1})),
    offering("o3"),
]


def impacts(words: Mapping[str, TokenCount | PackedCount], known: TextStatistics) -> dict[str, int]:
    """The impact of each token of one offering, with others that say nothing and without."""
    found: dict[str, int] = {}
    for silent in (0, text.COMMON):
        offerings = [offering("o1", **words), *(offering(f"q{i}") for i in range(silent))]
        index = postings.index_text(offerings, known, WEIGHTS)
        found = {t: int(text.score([t], index).sums[0]) for t in index.tokens}
        assert (len(index.dense) == 0) == (silent > 0)
    return found


def test_the_statistics_count_offerings_lengths_and_holders() -> None:
    known = postings.statistics(OFFERINGS)

    assert known.offerings == 3
    assert known.average_length == {"zh": 20.0, "en": 4.0}
    assert known.holding == {"质量": 2, "c:quality": 1, "scrap": 1}
    assert known.idf("质量") == math.log(1 + 1.5 / 2.5)
    assert known.idf("nobody") == 0.0


def test_an_impact_is_idf_times_saturation_rounded_once() -> None:
    known = postings.statistics(OFFERINGS)
    found = impacts(OFFERINGS[0].text, known)
    saturation = 2 / (2 + 1.2 * (0.25 + 0.75 * 10 / 20))

    assert found["质量"] == round(known.idf("质量") * saturation * UNIT)


def test_of_two_languages_the_greater_saturation_counts() -> None:
    known = TextStatistics(10, {"zh": 10.0, "en": 10.0}, {"mes": 2})
    both = {"zh": TokenCount(10, {"mes": 1}), "en": TokenCount(10, {"mes": 5})}
    single = {"en": both["en"]}

    assert impacts(both, known) == impacts(single, known)


def test_a_late_offering_changes_nobody_elses_impact() -> None:
    known = postings.statistics(OFFERINGS)
    late = offering("o4", zh=TokenCount(99, {"质量": 9, "new": 1}))
    before = postings.index_text(OFFERINGS, known, WEIGHTS)
    after = postings.index_text([*OFFERINGS, late], known, WEIGHTS)

    asked = ["质量", "scrap", "new"]
    old, new = (text.score(asked, index) for index in (before, after))
    assert old.sums[:3].tolist() == new.sums[:3].tolist()
    assert old.sum_idf == new.sum_idf
    assert new.known == ("质量", "scrap")


def test_words_nobody_uses_are_those_of_no_visible_offering() -> None:
    index = postings.index_text(OFFERINGS, postings.statistics(OFFERINGS), WEIGHTS)
    asked = ["质量", "scrap", "z", "a", "c:nobody"]

    all_visible = np.ones(3, np.bool_)
    assert text.unmatched(asked, index, all_visible) == ["a", "z"]
    assert text.unmatched(asked, index, np.array([False, True, True])) == ["a", "scrap", "z"]


@pytest.mark.parametrize(("total", "step"), [(0, 0), (1, 12), (79, 1011), (80, 1024), (100, 1024)])
def test_four_fifths_of_the_possible_are_full_marks(total: int, step: int) -> None:
    found = TextScore(("x",), 100, np.array([total], np.int64))

    assert found.steps((800, 1000)).tolist() == [step]


def test_without_a_known_word_every_step_is_nought() -> None:
    assert TextScore((), 0, np.zeros(2, np.int64)).steps((800, 1000)).tolist() == [0, 0]
