"""Better facts never lower a score: 10^5 single improvements of offerings, through the encoder.

Each index holds every offering beside its improved copies, on the text statistics of the originals.
Three things are no improvements and stay out: a preference may ask for anything (scoring.md 15);
named codes replaced by ``all`` say less; and a price that waits for a count of the profile stands
at the reference (docs/adr/0010), so that a price which stops waiting may well be worse than none.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from tests import pools
from tests.pools import Maker

from matchmaker.matching.service import Model, Scoring, score
from matchmaker.ranking import features, postings, tables
from matchmaker.ranking.columns import Int
from matchmaker.ranking.facts import ALL, Case, OfferingFacts, PackageFacts, PriceCard
from matchmaker.ranking.index import Index
from matchmaker.ranking.query import Query
from matchmaker.ranking.tables import ScoreTables
from matchmaker.rules import Fact

EDITS = 100_000
ORIGINALS, COPIES, NEEDS = 500, 10, 3
EditRow = Callable[[Maker, PackageFacts], PackageFacts | None]
EditOffering = Callable[[Maker, OfferingFacts], OfferingFacts | None]


def lower_price(maker: Maker, row: PackageFacts) -> PackageFacts | None:
    """One part of the price falls."""
    if row.price is None or not row.price.parts:
        return None
    parts = list(row.price.parts)
    place = maker.random.randrange(len(parts))
    amount = parts[place].amount
    if not amount:
        return None
    parts[place] = parts[place]._replace(amount=maker.random.randrange(amount))
    return replace(row, price=replace(row.price, parts=tuple(parts)))


def state_price(maker: Maker, row: PackageFacts) -> PackageFacts | None:
    return None if row.price else replace(row, price=maker.price())


def state_amount(maker: Maker, row: PackageFacts) -> PackageFacts | None:
    """Every part of the price that was left open gets an amount."""
    if row.price is None or all(part.amount is not None for part in row.price.parts):
        return None
    parts = (
        part._replace(amount=maker.random.randint(0, 2_000_000)) if part.amount is None else part
        for part in row.price.parts
    )
    return replace(row, price=PriceCard(row.price.currency, tuple(parts)))


def fewer_weeks(maker: Maker, row: PackageFacts) -> PackageFacts | None:
    if row.weeks is None or row.weeks[1] == 0:
        return None
    upper = maker.random.randrange(row.weeks[1])
    return replace(row, weeks=(min(row.weeks[0], upper), upper))


def state_weeks(maker: Maker, row: PackageFacts) -> PackageFacts | None:
    return None if row.weeks else replace(row, weeks=(0, maker.random.randint(0, 30)))


def add_scale(maker: Maker, row: PackageFacts) -> PackageFacts | None:
    scales = row.scales | {maker.random.choice((*pools.SCALES, ALL))}
    return None if scales == row.scales else replace(row, scales=scales)


def widen_stages(maker: Maker, row: PackageFacts) -> PackageFacts | None:
    if row.stages is None:
        return None
    r = maker.random
    stages = (r.randint(0, row.stages[0]), r.randint(row.stages[1], 5))
    return None if stages == row.stages else replace(row, stages=stages)


def state_stages(maker: Maker, row: PackageFacts) -> PackageFacts | None:
    return None if row.stages else replace(row, stages=maker.span(0, 5))


def cover_scene(maker: Maker, row: PackageFacts) -> PackageFacts | None:
    open_scenes = sorted(set(pools.SCENES) - set(row.levels))
    if not open_scenes:
        return None
    scene = maker.random.choice(open_scenes)
    return replace(row, levels={**row.levels, scene: maker.maybe(lambda: maker.span(0, 4), 0.9)})


def state_levels(maker: Maker, row: PackageFacts) -> PackageFacts | None:
    unstated = [scene for scene, bounds in row.levels.items() if bounds is None]
    if not unstated:
        return None
    return replace(row, levels={**row.levels, maker.random.choice(unstated): maker.span(0, 4)})


def widen_levels(maker: Maker, row: PackageFacts) -> PackageFacts | None:
    stated = {scene: bounds for scene, bounds in row.levels.items() if bounds is not None}
    if not stated:
        return None
    r = maker.random
    scene = r.choice(sorted(stated))
    wider = (r.randint(0, stated[scene][0]), r.randint(stated[scene][1], 4))
    return None if wider == stated[scene] else replace(row, levels={**row.levels, scene: wider})


def add_to(name: str, codes: tuple[str, ...]) -> EditOffering:
    """One more code in a declared set; also the first one, where nothing was stated."""

    def edit(maker: Maker, offering: OfferingFacts) -> OfferingFacts | None:
        before = offering.set_of(name)
        after = before | {maker.random.choice(codes)}
        declared: dict[str, Fact] = {**offering.declared, name: after}
        return None if after == before else replace(offering, declared=declared)

    return edit


def fresher(maker: Maker, offering: OfferingFacts) -> OfferingFacts | None:
    """Attested later, or at all."""
    if offering.attested is None:
        return replace(offering, attested=maker.day(900, 0))
    later = offering.attested + dt.timedelta(days=maker.random.randint(1, 400))
    return replace(offering, attested=later)


def one_more_case(maker: Maker, offering: OfferingFacts) -> OfferingFacts | None:
    case = Case(maker.random.choice(pools.INDUSTRIES), maker.some(pools.SCENES, 2))
    return replace(offering, cases=(*offering.cases, case))


def more_scenes_in_a_case(maker: Maker, offering: OfferingFacts) -> OfferingFacts | None:
    if not offering.cases:
        return None
    first, *rest = offering.cases
    wider = Case(first.industry, first.scenes | maker.some(pools.SCENES, 2))
    return None if wider == first else replace(offering, cases=(wider, *rest))


def one_more_accepted(maker: Maker, offering: OfferingFacts) -> OfferingFacts | None:
    """A further project that was accepted, or an older one that is accepted after all."""
    accepted, projects = offering.record or (0, 0)
    if accepted < projects and maker.random.random() < 0.5:
        return replace(offering, record=(accepted + 1, projects))
    return replace(offering, record=(accepted + 1, projects + 1))


EDITS_OF_ROW: tuple[EditRow, ...] = (
    *(lower_price, lower_price, state_price, state_amount, fewer_weeks, fewer_weeks, state_weeks),
    *(add_scale, add_scale, widen_stages, widen_stages, state_stages),
    *(cover_scene, cover_scene, state_levels, widen_levels),
)
EDITS_OF_OFFERING: tuple[EditOffering, ...] = (
    add_to("industries", (*pools.INDUSTRIES, ALL)),
    add_to("regions", (*pools.REGIONS, ALL)),
    add_to("categories", pools.CATEGORIES),
    *(fresher, one_more_case, more_scenes_in_a_case, one_more_accepted),
)


def improved(maker: Maker, offering: OfferingFacts) -> OfferingFacts:
    """The offering after one improvement, three times of four of one of its packages."""
    r = maker.random
    while True:
        if r.random() < 0.25:
            found = r.choice(EDITS_OF_OFFERING)(maker, offering)
            if found is not None:
                return found
        place = r.randrange(len(offering.packages))
        row = r.choice(EDITS_OF_ROW)(maker, offering.packages[place])
        if row is not None:
            packages = (*offering.packages[:place], row, *offering.packages[place + 1 :])
            return replace(offering, packages=packages)


@dataclass(frozen=True)
class Batch:
    """Originals, each followed by its improved copies, in one index; some needs."""

    index: Index
    needs: tuple[Query, ...]

    def original_of(self) -> Int:
        """The place of the original of each offering, its own for an original."""
        return np.arange(self.index.offerings) // (COPIES + 1) * (COPIES + 1)


def batch(seed: int, originals: int = ORIGINALS) -> Batch:
    maker = Maker(seed)
    offerings = [maker.offering(f"{number:04d}") for number in range(originals)]
    copies = [
        replace(improved(maker, offering), offering_id=f"{offering.offering_id}-{copy:02d}")
        for offering in offerings
        for copy in range(COPIES)
    ]
    index = pools.index_of([*offerings, *copies], postings.statistics(offerings))
    return Batch(index, tuple(need(maker) for _ in range(NEEDS)))


def need(maker: Maker) -> Query:
    """A need that opens nearly every feature."""
    r = maker.random
    return maker.query(
        industries=tuple(sorted(maker.some(pools.INDUSTRIES, 2))),
        region=r.choice(pools.FIRM_REGIONS),
        scale=r.randint(0, 3),
        stage=r.randint(0, 5),
        scenes=tuple(sorted(maker.some(pools.SCENES, 3))),
        budget=r.randint(1, 6_000_000),
        ready_by=maker.day(0, 180),
    )


@dataclass
class Count:
    """What happened to the improved copies, summed over needs."""

    edits: int = 0
    compared: int = 0
    violations: int = 0
    changed_step: int = 0
    changed_best_row: int = 0
    """The row that stands for the offering got other steps, or another row stands for it now."""
    another_row_is_best: int = 0
    rose: int = 0
    by_feature: Counter[str] = field(default_factory=Counter[str])


def best_rows(rows: Int, index: Index) -> tuple[Int, Int]:
    """Best score and place of the first best row within each offering."""
    planes = index.planes
    best = planes.fold(np.maximum, rows)
    is_best = rows == planes.spread(best)
    return best, planes.fold(np.minimum, np.where(is_best, place_of_row(index), 99))


def place_of_row(index: Index) -> Int:
    """The place of each row within its offering."""
    counts = index.planes.counts
    return np.repeat(np.arange(len(counts)), counts)


def compare(made: Batch, found: Scoring, count: Count, *, of: ScoreTables) -> None:
    """Hold every copy against its original."""
    index, original = made.index, made.original_of()
    copies = original != np.arange(index.offerings)
    rows = tables.score(of, found.steps, index.planes)
    best, place = best_rows(rows, index)
    steps = features.matrix(found.steps, index.planes)
    starts = np.cumsum([0, *index.planes.counts])
    row_of_original = starts[place_of_row(index)] + index.planes.spread(original)
    changed = steps != steps[row_of_original]
    changed_offering = index.planes.fold(np.logical_or, changed)
    count.compared += int(copies.sum())
    count.violations += int((best < best[original]).sum())
    count.rose += int((best > best[original]).sum())
    count.changed_step += int(changed_offering.any(axis=1).sum())
    another = place != place[original]
    count.another_row_is_best += int(another.sum())
    best_changed = changed.any(axis=1)[starts[place] + np.arange(index.offerings)]
    count.changed_best_row += int((another | best_changed).sum())
    for name, changes in zip(found.steps, changed_offering.sum(axis=0), strict=True):
        count.by_feature[name] += int(changes)


CARDS = {"card": False, "card with pairs": True}


@pytest.fixture(scope="module")
def counted() -> dict[str, Count]:
    """By card what became of the improvements: both see the same ones, made once."""
    counts, seed = {name: Count() for name in CARDS}, 0
    while min(count.edits for count in counts.values()) < EDITS:
        made = batch(seed)
        for name, pairs in CARDS.items():
            model, count = pools.model(pairs=pairs), counts[name]
            count.edits += ORIGINALS * COPIES
            for query in made.needs:
                found = score(query, made.index, model, ())
                assert found.verdict.alive.all()
                compare(made, found, count, of=model.tables)
        seed += 1
    return counts


@pytest.mark.parametrize("card", CARDS)
def test_no_improvement_lowers_a_score(card: str, counted: dict[str, Count]) -> None:
    count = counted[card]
    print(count)  # noqa: T201 - the counts are the report

    assert count.edits >= EDITS
    assert count.violations == 0
    assert count.changed_step >= 0.3 * count.compared
    assert count.changed_best_row >= 0.1 * count.compared
    assert count.another_row_is_best >= 0.03 * count.compared
    assert set(count.by_feature) == {"text", *DIRECTED}


DIRECTED = tuple(
    feature.name
    for feature in features.FEATURES
    if feature.direction != features.UNDIRECTED and feature.name != "text"
)


@pytest.fixture(scope="module")
def small() -> Batch:
    return batch(7, originals=200)


@pytest.mark.parametrize("feature", DIRECTED)
def test_a_card_with_one_sign_flipped_is_found_out(feature: str, small: Batch) -> None:
    """The control: the same edits against tables that punish what the feature rewards."""
    model, count = pools.model(), Count()
    effects = {**model.tables.effects, feature: -model.tables.effects[feature]}
    for query in small.needs:
        found = score(query, small.index, model, ())
        compare(small, found, count, of=replace(model.tables, effects=effects))

    assert count.by_feature[feature] > 0
    assert count.violations > 0


def test_a_pair_that_falls_is_found_out(small: Batch) -> None:
    """The control of the pairs."""
    model, count = pools.model(pairs=True), Count()
    pairs = {pair: -9 * table for pair, table in model.tables.pairs.items()}
    for query in small.needs:
        found = score(query, small.index, model, ())
        compare(small, found, count, of=replace(model.tables, pairs=pairs))

    assert count.violations > 0


def test_a_sub_score_turned_round_in_the_encoder_is_found_out(small: Batch) -> None:
    """The control of the encoder: more weeks taken for better ones."""
    model, count = pools.model(), Count()
    for query in small.needs:
        found = score(query, small.index, model, ())
        weeks = found.steps["weeks"]
        turned = replace(
            found, steps={**found.steps, "weeks": replace(weeks, table=1024 - weeks.table)}
        )
        compare(small, turned, count, of=model.tables)

    assert count.violations > 0


@pytest.mark.parametrize("pairs", [False, True], ids=["card", "card with pairs"])
def test_no_table_of_a_directed_feature_falls(pairs: bool) -> None:  # noqa: FBT001
    model: Model = pools.model(pairs=pairs)
    for name, effects in model.tables.effects.items():
        assert (np.diff(effects) >= 0).all(), name
    for pair, table in model.tables.pairs.items():
        for axis in (0, 1):
            assert (np.diff(table, axis=axis) >= 0).all(), pair
