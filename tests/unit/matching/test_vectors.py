"""Every integer of the worked matches (scoring.md), one by one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from tests import vectors
from tests.vectors import WorkedMatch

from matchmaker.matching.answer import Item
from matchmaker.matching.service import Scoring, encode, match, score, standing_of
from matchmaker.ranking.index import Index
from matchmaker.ranking.steps import Steps

WHOLE = 100
NAMES = [match.name for match in vectors.matches()]


@pytest.fixture(scope="module")
def index() -> Index:
    return vectors.index()


@pytest.fixture(scope="module", params=vectors.matches(), ids=NAMES)
def worked(request: pytest.FixtureRequest) -> WorkedMatch:
    found: WorkedMatch = request.param
    return found


@pytest.fixture(scope="module")
def found(worked: WorkedMatch, index: Index) -> Scoring:
    return score(worked.query, index, worked.model, worked.curations)


def place_of(index: Index, offering_id: str) -> int:
    place = index.place(offering_id)
    assert place is not None
    return place


def item_as_expected(item: Item, index: Index) -> dict[str, Any]:
    """An item under the keys of the file."""
    whole = asdict(item)
    return {
        **{
            key: whole[key]
            for key in ("steps", "effects", "base", "contributions", "score", "fit", "rank")
        },
        **{key: whole[key] for key in ("price", "price_3_years", "tie")},
        "offering_id": index.offering_ids[item.offering],
        "provider_id": index.provider_ids[item.offering],
        "package": index.package_codes[item.row],
        "unconfirmed": list(item.unconfirmed),
        "not_stated": list(item.not_stated),
        "curation": [
            {"rule": add.curation, "thousandths": add.thousandths, "cut": add.cut, "adds": add.adds}
            for add in item.curation
        ],
        "alternatives": [index.package_codes[row] for row in item.alternatives],
        "slate": [asdict(move) for move in item.slate],
    }


def test_there_are_thirty_matches_and_none_is_empty() -> None:
    assert len(vectors.matches()) == 30
    assert sum(len(each.expect["items"]) for each in vectors.matches()) > 100


def test_the_input_digest(worked: WorkedMatch) -> None:
    assert worked.query.digest == worked.expect["input_digest"]


def test_the_features_that_count_and_the_ends(worked: WorkedMatch, found: Scoring) -> None:
    assert list(found.active) == worked.expect["features"]
    assert found.ends == (worked.expect["lo"], worked.expect["hi"])


def test_the_funnel(worked: WorkedMatch, index: Index) -> None:
    answer, _ = match(worked.query, index, worked.model, worked.curations, limit=worked.limit)

    assert asdict(answer.funnel) == worked.expect["funnel"]


def test_the_rule_that_excluded_each_offering(
    worked: WorkedMatch, found: Scoring, index: Index
) -> None:
    verdict = found.verdict
    named = {
        index.offering_ids[offering]: verdict.rules[rule]
        for offering, rule in enumerate(verdict.excluded_by)
        if rule >= 0
    }

    assert named == worked.expect["excluded"]
    for offering_id, rule in named.items():
        place = place_of(index, offering_id)
        assert standing_of(found, place, worked.limit).excluded_by == rule


def test_the_text_of_every_considered_offering(
    worked: WorkedMatch, found: Scoring, index: Index
) -> None:
    text = worked.expect["text"]
    idf = {token: int(index.text.idf[index.text.place[token]]) for token in found.text.known}

    assert idf == text["idf"]
    assert found.text.sum_idf == text["sum_idf"]
    words, _ = encode(worked.query, index, worked.model.card)
    assert {
        index.offering_ids[place]: int(words.sums[place])
        for place in np.flatnonzero(found.verdict.considered).tolist()
    } == text["sum_idf_sat"]
    for place in found.scored.tolist():
        assert found.text.sums[found.part.in_part(place)] == words.sums[place]


def test_the_words_nobody_uses(worked: WorkedMatch, index: Index) -> None:
    answer, _ = match(worked.query, index, worked.model, worked.curations, limit=worked.limit)

    assert list(answer.unmatched_terms) == worked.expect["unmatched_terms"]


def test_the_order_with_scores(worked: WorkedMatch, index: Index) -> None:
    answer, _ = match(worked.query, index, worked.model, worked.curations, limit=WHOLE)

    ordered = [[index.offering_ids[item.offering], item.score] for item in answer.items]
    assert ordered == worked.expect["order"]


def test_every_key_of_every_item(worked: WorkedMatch, index: Index) -> None:
    answer, _ = match(worked.query, index, worked.model, worked.curations, limit=worked.limit)

    assert [item_as_expected(item, index) for item in answer.items] == worked.expect["items"]


def test_explaining_an_item_says_what_the_match_said(
    worked: WorkedMatch, found: Scoring, index: Index
) -> None:
    for place, (offering_id, scored) in enumerate(worked.expect["order"], 1):
        standing = standing_of(found, place_of(index, offering_id), worked.limit)
        assert standing.item is not None
        assert (standing.item.rank, standing.item.score) == (place, scored)
        assert standing.name == ("shown" if place <= worked.limit else "below_cut")
        if place <= worked.limit:
            expected = worked.expect["items"][place - 1]
            assert item_as_expected(standing.item, index) == expected


def test_the_questions(worked: WorkedMatch, index: Index) -> None:
    answer, _ = match(worked.query, index, worked.model, worked.curations, limit=worked.limit)

    assert [asdict(question) for question in answer.questions] == worked.expect["questions"]


def test_the_statistics_of_the_base() -> None:
    expected, known = vectors.document()["statistics"], vectors.index().statistics

    assert known.offerings == expected["N"]
    assert known.average_length == {
        language: numerator / denominator
        for language, (numerator, denominator) in expected["avglen"].items()
    }
    # The file also counts the delta; its lengths are weighed with the base's averages.
    lengths = {
        each.offering_id: {language: counted.length for language, counted in each.text.items()}
        for each in vectors.published()
    }
    assert lengths == expected["len"]


def test_the_tokens_of_the_example() -> None:
    read = vectors.document()
    text, expected = read["token_example"]["text"], read["statistics"]["token_example"]

    assert vectors.tokenizer().plain(text) == expected["plain"]
    assert vectors.tokenizer().concepts_in(text) == expected["concepts"]


def test_an_unrelated_offering_changes_no_step_but_text(worked: WorkedMatch, index: Index) -> None:
    unrelated = vectors.offering(vectors.document()["unrelated"])
    larger = vectors.index((unrelated,))
    _, before = encode(worked.query, index, worked.model.card)
    _, after = encode(worked.query, larger, worked.model.card)

    def steps_of(steps: Steps, whose: Index, offering_id: str) -> list[int]:
        place = place_of(whose, offering_id)
        rows = whose.rows_of(place)
        return [int(steps.table[steps.place(row, place)]) for row in rows]

    for name in before.keys() - {"text"}:
        for offering_id in index.offering_ids:
            now = steps_of(after[name], larger, offering_id)
            assert now == steps_of(before[name], index, offering_id), (name, offering_id)


def test_an_unrelated_offering_does_change_the_text() -> None:
    """The control: without it the comparison above would prove nothing."""
    unrelated = vectors.offering(vectors.document()["unrelated"])
    larger, index = vectors.index((unrelated,)), vectors.index()
    moved = [
        worked.name
        for worked in vectors.matches()
        if score(worked.query, larger, worked.model, ()).text.sum_idf
        != score(worked.query, index, worked.model, ()).text.sum_idf
    ]

    assert moved
