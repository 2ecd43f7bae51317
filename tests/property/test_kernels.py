"""Compiled kernels give what numpy gives, to the last digit.

Without numba there is nothing to hold: it comes with the extra `fast`, and with `make bench`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import pools
from tests.property.test_score import model_of, worlds
from tests.property.test_scorer import is_same, mixtures, ordered

from matchmaker.fast.turning import turn_off, turn_on, turned_off
from matchmaker.matching.service import Model, Scoring, score
from matchmaker.ranking.columns import Codes, Int
from matchmaker.ranking.compiled import SWITCH, Budget, Kernels
from matchmaker.ranking.index import Index
from matchmaker.ranking.price import counted, price_column, stepped
from matchmaker.ranking.query import Query
from matchmaker.ranking.slate import Curation
from matchmaker.ranking.tables import Sum
from matchmaker.ranking.text import Sums, TextScore

pytest.importorskip("numba", reason="the extra `fast` is not installed")
EXAMPLES = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module", autouse=True)
def kernels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    assert turn_on(tmp_path_factory.mktemp("kernels"))
    yield
    turn_off()


def told(found: Scoring) -> tuple[list[int], list[bytes]]:
    """What else of a scoring the kernels have a part in."""
    lists = [found.order(count) for count in (1, 3, 20)]
    return [place for each in lists for place in each], [found.keys.tobytes()]


def plainly(
    query: Query, index: Index, model: Model, curations: Sequence[Curation[int]]
) -> Scoring:
    """A need scored with numpy, its keys too."""
    with turned_off():
        found = score(query, index, model, curations)
        _ = found.keys
    return found


def compared(seed: int) -> list[bool]:
    """Of some needs, whether each is scored alike by both."""
    offerings, first, curations = worlds(seed)
    index, model = pools.index_of(offerings), model_of(seed)
    found = []
    for query in mixtures(seed, first):
        compiled = score(query, index, model, curations)
        said = told(compiled)
        with turned_off():
            plain = score(query, index, model, curations)
            found.append(is_same(compiled, plain) and said == told(plain))
    return found


@given(seeds)
@EXAMPLES
def test_a_match_is_the_same(seed: int) -> None:
    assert all(compared(seed))


@given(seeds)
@EXAMPLES
def test_orders_together_are_the_same(seed: int) -> None:
    """Those of one scorer with kernels, and each alone without."""
    assert all(ordered(seed, plainly))


@given(seeds, st.integers(1, 4 * 10**12), st.sampled_from([(500, 1000, 2000), (900, 1000, 1050)]))
@EXAMPLES
def test_prices_are_stepped_alike(seed: int, budget: int, grid: tuple[int, int, int]) -> None:
    """Both bends of the two lines, and every way that a price is not known."""
    maker = pools.Maker(seed)
    column = price_column([maker.maybe(maker.price) for _ in range(60)])
    for counts in ({}, {"users": 3}, dict.fromkeys(pools.UNITS, maker.random.randint(0, 10**6))):
        by = counted(column, "CNY", counts)
        assert SWITCH.kernels is not None
        for amount in (budget, 1 + budget % 10**7):
            asked = Budget(amount, *grid)
            compiled, plain = (
                SWITCH.kernels.price_steps(column, by, asked),
                stepped(column, by, asked),
            )
            for mine, its in zip(compiled, plain, strict=True):
                assert np.array_equal(mine, its)


@given(seeds)
@EXAMPLES
def test_text_keys_and_words_are_alike(seed: int) -> None:
    random = np.random.default_rng(seed)
    assert SWITCH.kernels is not None
    keys = random.integers(-(2**62), 2**62, 50) // random.choice([1, 2**60])
    for count in (1, 7, 50):
        assert SWITCH.kernels.nth_greatest(keys, count) == np.sort(keys)[-count]
    drawn = random.integers(0, 2**27, 9000)
    both: tuple[Sums, Sums] = drawn.astype(np.int32), drawn
    for sums in both:
        dense = random.integers(0, 2**20, (5, 9000)).astype(np.int32)
        rows = np.array([4, 0, 0], np.int32)
        compiled = sums.copy()
        SWITCH.kernels.add_common(compiled, dense, rows)
        assert np.array_equal(compiled, sums + dense[rows].sum(axis=0))
        for most in (2**28, 2**40):
            words = TextScore((), int(random.integers(0, most)), sums)
            with turned_off():
                plain = words.steps((8, 10))
            assert np.array_equal(words.steps((8, 10)), plain)


def test_an_effect_that_is_one_more_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control."""
    assert SWITCH.kernels is not None
    right = type(SWITCH.kernels).add_effects

    def one_more(self: Kernels, total: Sum, effects: Sum, codes: Codes | Int) -> None:
        right(self, total, effects + 1, codes)

    assert all(compared(7))
    monkeypatch.setattr(type(SWITCH.kernels), "add_effects", one_more)
    assert not all(compared(7))
