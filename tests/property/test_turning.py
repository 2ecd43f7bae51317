"""An index that follows offerings as they turn is the one built anew of those that are there."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests import pools
from tests.pools import Maker

from matchmaker.ranking import postings, storage
from matchmaker.ranking.building import Builder
from matchmaker.ranking.facts import OfferingFacts
from matchmaker.ranking.impacts import Impacts
from matchmaker.ranking.index import Index
from matchmaker.ranking.lines import line_of
from matchmaker.ranking.text import TextStatistics

seeds = st.integers(0, 10**6)


def offering(draw: Random, name: str) -> OfferingFacts:
    """Any facts; of some names again and again."""
    return Maker(draw.randrange(30)).offering(name)


def differing(one: Index, other: Index) -> list[str]:
    """What differs of all that is written of two indexes."""
    (mine, ours), (theirs, others) = storage.parts(one), storage.parts(other)
    found = ["meta"] if mine != theirs else []
    if ours.keys() != others.keys():
        return [*found, *sorted(ours.keys() ^ others.keys())]
    return found + [name for name in ours if _bytes(ours[name]) != _bytes(others[name])]


def _bytes(array: NDArray[Any]) -> bytes:
    """What a file would hold of it, head and all."""
    written = io.BytesIO()
    np.save(written, array, allow_pickle=False)
    return written.getvalue()


def anew(held: Sequence[OfferingFacts], base: TextStatistics | None) -> Index:
    builder = Builder(pools.VOCABULARY)
    builder.extend([line_of(each) for each in sorted(held, key=lambda each: each.offering_id)])
    return builder.index(pools.card().text, base)


def turns(seed: int) -> list[tuple[str, Index, Index]]:
    """Offerings come, change, go and come back, on bases that begin now and then.

    After each turn the index that follows, and the one built anew.
    """
    draw, builder, held = Random(seed), Builder(pools.VOCABULARY), dict[str, OfferingFacts]()  # noqa: S311
    base: TextStatistics | None = None
    found: list[tuple[str, Index, Index]] = []
    for turn in range(8):
        names = [
            f"o{draw.randrange(24):02d}" for _ in range(12 if turn == 0 else draw.randrange(5))
        ]
        turned = [*dict.fromkeys(names)]
        builder.let(turned)
        for name in turned:
            held.pop(name, None)
        come = [offering(draw, name) for name in turned if draw.random() < 0.7]
        builder.extend([line_of(each) for each in come])
        held |= {each.offering_id: each for each in come}
        if base is None or draw.random() < 0.2:
            base = None
        following, fresh = (
            builder.index(pools.card().text, base),
            anew([*held.values()], base),
        )
        found.append((f"turn {turn}", following, fresh))
        base = base or following.statistics
    return found


@given(seeds)
def test_what_follows_is_what_is_built_anew(seed: int) -> None:
    for turn, following, fresh in turns(seed):
        assert differing(following, fresh) == [], turn


def test_the_control_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Impacts, "kept", lambda impacts, _rank: impacts)

    assert any(
        "text.impact" in differing(following, fresh) or "text.dense" in differing(following, fresh)
        for seed in range(5)
        for _, following, fresh in turns(seed)
    )


@given(seeds)
def test_the_order_of_coming_is_of_no_account(seed: int) -> None:
    draw = Random(seed)  # noqa: S311 - no secret
    facts = [offering(draw, f"o{n:02d}") for n in range(9)]
    builder = Builder(pools.VOCABULARY)
    for each in draw.sample(facts, len(facts)):
        builder.extend([line_of(each)])

    assert differing(builder.index(pools.card().text), anew(facts, None)) == []


def test_a_base_is_of_those_that_are_held() -> None:
    facts = [Maker(seed).offering(f"o{seed}") for seed in range(6)]
    builder = Builder(pools.VOCABULARY)
    builder.extend([line_of(each) for each in facts])
    builder.let(["o2", "o4", "nobody"])

    assert builder.let_go == 2
    assert builder.statistics() == postings.statistics([facts[n] for n in (0, 1, 3, 5)])


def test_a_column_of_which_nothing_is_said_any_more_is_gone() -> None:
    first, second = (replace(Maker(1).offering(name), declared={}) for name in ("o1", "o2"))
    builder = Builder(pools.VOCABULARY)
    builder.extend([line_of(replace(first, declared={"rare": True})), line_of(second)])
    assert "rare" in builder.index(pools.card().text).declared
    builder.let(["o1"])

    assert "rare" not in builder.index(pools.card().text).declared
