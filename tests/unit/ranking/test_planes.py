"""Parts in planes and sums by blocks give what the plain forms give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests import pools
from tests.pools import Maker

from matchmaker.ranking import tables
from matchmaker.ranking.blocks import BLOCK, blocks
from matchmaker.ranking.facts import OfferingFacts
from matchmaker.ranking.planes import Planes, planes_of
from matchmaker.ranking.steps import Level, Steps
from matchmaker.ranking.tables import ScoreTables, card_effects

lengths = st.lists(st.integers(1, 5), max_size=12).map(lambda each: sorted(each, reverse=True))


def values_of(planes: Planes) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([(7 * part) % 11 for part in range(planes.parts)], np.int64)


@given(lengths)
def test_a_fold_is_the_fold_of_each_whole(many: Sequence[int]) -> None:
    planes = planes_of(many)
    values = values_of(planes)

    assert (planes.wholes, planes.parts) == (len(many), sum(many))
    assert planes.fold(np.maximum, values).tolist() == [
        max(int(values[part]) for part in planes.parts_of(whole)) for whole in range(len(many))
    ]


@given(lengths)
def test_every_part_has_one_whole_and_gets_what_stands_for_it(many: Sequence[int]) -> None:
    planes = planes_of(many)
    spread = planes.spread(np.arange(len(many))).tolist()

    assert [len(planes.parts_of(whole)) for whole in range(len(many))] == list(many)
    assert spread == [planes.whole_of(part) for part in range(planes.parts)]


@given(lengths, st.data())
def test_chosen_wholes_keep_their_parts_in_order(many: Sequence[int], data: st.DataObject) -> None:
    planes = planes_of(many)
    chosen = sorted(data.draw(st.sets(st.sampled_from(range(len(many)))))) if many else []
    part, rows = planes.at(np.array(chosen, np.int64))

    assert [rows[part.parts_of(place)].tolist() for place in range(len(chosen))] == [
        planes.parts_of(whole) for whole in chosen
    ]


@pytest.mark.parametrize("size", [0, 1, BLOCK, BLOCK + 1, 3 * BLOCK - 1])
def test_blocks_cover_an_array_once(size: int) -> None:
    places = np.arange(size)

    assert [each for block in blocks(size) for each in places[block].tolist()] == places.tolist()


def test_sums_over_several_blocks_are_those_of_single_rows() -> None:
    names, planes = ("a", "b"), Planes((BLOCK + 5, BLOCK))
    model = ScoreTables(
        "t", {name: card_effects(1_000_003) for name in names}, dict.fromkeys(names, 512), {}
    )
    draw = np.random.default_rng(1)
    codes = draw.integers(0, 5, planes.wholes, dtype=np.uint8)
    table, direct = draw.integers(0, 1025, 5), draw.integers(0, 1025, planes.parts)
    steps = {
        "a": Steps(Level.OFFERING, table, np.zeros(5, np.bool_), codes),
        "b": Steps(Level.ROW, direct, np.zeros(planes.parts, np.bool_)),
    }
    plain = [
        model.at({"a": int(table[codes[planes.whole_of(row)]]), "b": int(direct[row])})
        for row in range(planes.parts)
    ]

    found = tables.score(model, steps, planes).tolist()
    assert found == [sum(effects.values()) for effects in plain]


@pytest.mark.parametrize("reason", ["held already", "package"])
def test_an_index_takes_offerings_once_and_with_packages(reason: str) -> None:
    first, second = Maker(1).offering("o1"), Maker(2).offering("o2")
    bare = OfferingFacts(offering_id="o3", provider_id="p", kind="solution", packages=())
    wrong = [first, first] if reason == "held already" else [first, second, bare]

    with pytest.raises(ValueError, match=reason):
        pools.index_of(wrong)
