"""A score is its own explanation, the order is total, a slate loses nothing, questions decide.

Beside the vectorised encoder stands a slow second reading of Card 1, row by row, in fractions.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import factories, pools, vectors
from tests.pools import Maker

from matchmaker.demand.declaration import NeedFacts
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.matching import composing, service
from matchmaker.matching.composing import slate_of
from matchmaker.matching.query import Caller
from matchmaker.matching.registry import Words, load_reader, vocabulary
from matchmaker.matching.service import Model, Scoring, encode, match, score, standing_of
from matchmaker.ranking import moves, postings, slate, tables
from matchmaker.ranking.facts import OfferingFacts, PackageFacts, PriceCard, PricePart
from matchmaker.ranking.features import PRICELESS_KINDS
from matchmaker.ranking.index import Index, build
from matchmaker.ranking.price import price_column, price_steps, prices, row_price
from matchmaker.ranking.query import Query
from matchmaker.ranking.slate import Curation, Slate, SlateRules
from matchmaker.ranking.tokens import TokenCount
from matchmaker.rules import (
    AllOf,
    Answer,
    Fact,
    Leaf,
    Not,
    Rule,
    answer,
    conjuncts,
    leaf_answer,
    leaves,
)
from matchmaker.taxonomy import region

EXAMPLES = settings(max_examples=120, deadline=None)
seeds = st.integers(0, 2**32 - 1)
World = tuple[list[OfferingFacts], Query, tuple[Curation[int], ...]]


def worlds(seed: int) -> World:
    """Offerings with musts, a need with musts and preferences, curations."""
    maker = Maker(seed)
    r = maker.random
    kind = "finance" if r.random() < 0.15 else "solution"
    musts = [None, None, maker.rule(pools.ASKED_OF_FIRM, 4), maker.rule(pools.ASKED_OF_FIRM, 2)]
    offerings = [
        replace(maker.offering(f"o{number:02d}", kind=kind), must=r.choice(musts))
        for number in range(r.randint(1, 18))
    ]
    query = maker.query(
        kind=kind,
        facts=pools.firm_facts(maker),
        need_must=maker.maybe(lambda: maker.rule(tuple(pools.QUESTIONS), 4), 0.4),
        profile_must=maker.maybe(lambda: maker.rule(tuple(pools.QUESTIONS), 2), 0.2),
        prefer=tuple(maker.leaf(r.choice(pools.ASKED_OF_ROW)) for _ in range(r.randint(0, 3))),
    )
    curations = maker.curations([each.offering_id for each in offerings])
    inside = pools.in_index_order(offerings)
    places = {each.offering_id: place for place, each in enumerate(inside)}
    return inside, query, tuple(slate.placed(each, places.get) for each in curations)


def model_of(seed: int) -> Model:
    return pools.model(pairs=seed % 2 == 1)


# ---- the score and its explanation


def key_of(found: Scoring, offering: int) -> int:
    return int(found.keys[found.part.in_part(offering)])


def score_of(found: Scoring, offering: int, row: int) -> int:
    return next(int(found.row_scores[place]) for place, r in found.rows_of(offering) if r == row)


@given(seeds)
@EXAMPLES
def test_a_score_is_its_base_its_contributions_and_what_curations_add(seed: int) -> None:
    offerings, query, curations = worlds(seed)
    index, model = pools.index_of(offerings), model_of(seed)
    answered, found = match(query, index, model, curations, limit=50)
    lo, hi = found.ends

    for item in answered.items:
        adds = sum(add.adds for add in item.curation)
        assert item.score == item.base + sum(item.contributions.values()) + adds
        assert item.score == sum(item.effects.values()) + adds
        assert 2 * item.score + (not item.unconfirmed) == key_of(found, item.offering)
        assert item.score - adds == score_of(found, item.offering, item.row)
        assert lo <= item.score - adds <= hi
        assert item.fit is not None
        assert 0 <= item.fit <= 100
        assert item.fit == math.floor(Fraction(100 * (item.score - adds - lo), hi - lo))
        assert set(item.contributions) == set(item.effects)
        assert set(item.steps) == set(answered.active)
        assert all(0 <= step <= 1024 for step in item.steps.values())
        assert sum(add.thousandths for add in item.curation) in range(-100, 101)


@given(seeds)
@EXAMPLES
def test_the_books_of_an_answer_are_closed(seed: int) -> None:
    offerings, query, curations = worlds(seed)
    answered, found = match(query, pools.index_of(offerings), pools.model(), curations, limit=5)
    funnel = answered.funnel

    assert funnel.considered == sum(funnel.excluded.values()) + funnel.scored
    assert funnel.shown == len(answered.items) == min(5, funnel.scored)
    names = Counter(standing_of(found, offering, 5).name for offering in range(len(offerings)))
    assert names["excluded"] == sum(funnel.excluded.values())
    assert names["shown"] == funnel.shown
    assert names.total() == funnel.considered


def test_fit_is_null_where_the_ends_meet() -> None:
    assert tables.fit(0, (0, 0)) is None
    assert tables.fit(7, (0, 7)) == 100
    assert tables.fit(-1, (-3, 5)) == 25


@given(seeds)
@EXAMPLES
def test_the_row_that_stands_for_an_offering_is_its_best(seed: int) -> None:
    offerings, query, _ = worlds(seed)
    index = pools.index_of(offerings)
    answered, found = match(query, index, model_of(seed), limit=50)

    for item in answered.items:
        rows = [row for row in index.rows_of(item.offering) if found.verdict.alive[row]]

        def rank(row: int) -> tuple[int, bool, bool, int, int]:
            place = index.rows_of(item.offering).index(row)  # noqa: B023
            package = offerings[item.offering].packages[place]  # noqa: B023
            price = pools.first_year(package.price, query)
            unsure = bool(found.verdict.unconfirmed[row])
            scored = score_of(found, item.offering, row)  # noqa: B023
            return -scored, unsure, price is None, price or 0, row

        best = min(rows, key=rank)
        assert item.row == best
        assert item.alternatives == tuple(row for row in rows if row != best)


# ---- the order


@given(seeds, st.randoms(use_true_random=False))
@EXAMPLES
def test_the_order_does_not_depend_on_the_order_of_insertion(seed: int, random: object) -> None:
    offerings, query, curations = worlds(seed)
    shuffled = list(offerings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    model = model_of(seed)

    first, _ = match(query, pools.index_of(offerings), model, curations, limit=50)
    second, _ = match(query, pools.index_of(shuffled), model, curations[::-1], limit=50)
    assert first == second


@given(seeds)
@EXAMPLES
def test_the_order_is_total(seed: int) -> None:
    """By score, then confirmed, then the hash of need and offering; no two are alike."""
    offerings, query, curations = worlds(seed)
    index = pools.index_of(offerings)
    _, found = match(query, index, pools.model(), curations, limit=1)

    def rank(place: int) -> tuple[int, bytes]:
        hashed = hashlib.sha256(f"{query.digest}{index.offering_ids[place]}".encode()).digest()
        return -key_of(found, place), hashed[:8]

    expected = sorted((int(place) for place in found.scored), key=rank)
    assert found.order(100) == expected
    assert len({rank(place) for place in expected}) == len(expected)
    for count in (1, 3, 7):
        assert found.order(count)[:count] == expected[:count]


# ---- the slate


@st.composite
def slates(
    draw: st.DrawFn, most_pins: int = 4
) -> tuple[list[int], dict[int, str], SlateRules, list[tuple[int, int]]]:
    """An order, providers, cap rules, and pins at distinct places of distinct offerings."""
    size = draw(st.integers(1, 25))
    order = draw(st.permutations(range(size)))
    providers = draw(st.lists(st.sampled_from("abcd"), min_size=size, max_size=size))
    rules = SlateRules(draw(st.integers(1, 3)), draw(st.integers(1, 12)))
    count = draw(st.integers(0, min(most_pins, size)))
    pinned = draw(st.permutations(range(size)))[:count]
    places = draw(st.lists(st.integers(1, size), min_size=count, max_size=count, unique=True))
    return list(order), dict(enumerate(providers)), rules, list(zip(pinned, places, strict=True))


def composed(
    order: Sequence[int],
    provider_of: Callable[[int], str],
    rules: SlateRules,
    pins: Sequence[tuple[int, int]],
) -> Slate:
    """The slate with pins and a cap; of an offering that is pinned twice the first counts."""
    cap = (provider_of, rules.of_provider, rules.first)
    return moves.compose(order, moves.Moves(dict(reversed(pins)), cap))


@given(slates())
@EXAMPLES
def test_a_slate_loses_nothing_doubles_nothing_and_holds_every_pin(
    made: tuple[list[int], dict[int, str], SlateRules, list[tuple[int, int]]],
) -> None:
    order, providers, rules, pins = made
    shown = composed(order, providers.__getitem__, rules, pins)

    assert sorted(shown.offerings) == sorted(order)
    for offering, place in pins:
        assert shown.offerings[place - 1] == offering


@given(slates(most_pins=0))
@EXAMPLES
def test_the_cap_holds_among_the_first_and_moves_nobody_forward_past_an_equal(
    made: tuple[list[int], dict[int, str], SlateRules, list[tuple[int, int]]],
) -> None:
    order, providers, rules, _ = made
    shown = composed(order, providers.__getitem__, rules, [])
    within_cap = sum(min(n, rules.of_provider) for n in Counter(providers.values()).values())

    fair = shown.offerings[: min(rules.first, within_cap)]
    assert max(Counter(providers[each] for each in fair).values()) <= rules.of_provider
    for provider in set(providers.values()):
        of_one = [each for each in shown.offerings if providers[each] == provider]
        assert of_one == [each for each in order if providers[each] == provider]


@given(slates())
@EXAMPLES
def test_every_offering_that_a_slate_displaced_says_by_how_much(
    made: tuple[list[int], dict[int, str], SlateRules, list[tuple[int, int]]],
) -> None:
    order, providers, rules, pins = made
    shown = composed(order, providers.__getitem__, rules, pins)

    for place, offering in enumerate(shown.offerings):
        displaced = shown.moves.get(offering, ())
        assert sum(move.moved for move in displaced) == place - order.index(offering)
        assert all(move.moved for move in displaced)
        assert [move.step for move in displaced] in ([], ["pin"], ["cap"], ["pin", "cap"])


def test_an_offering_pinned_by_two_curations_is_shown_once() -> None:
    shown = composed([0, 1, 2, 3], str, SlateRules(2, 10), [(3, 1), (3, 2)])

    assert sorted(shown.offerings) == [0, 1, 2, 3]
    assert {move.step for each in shown.moves.values() for move in each} == {slate.PIN}


def test_of_two_offerings_pinned_at_one_place_one_holds_it_and_none_is_lost() -> None:
    shown = composed([0, 1, 2, 3], str, SlateRules(2, 10), [(3, 1), (2, 1)])

    assert sorted(shown.offerings) == [0, 1, 2, 3]
    assert shown.offerings[0] in {2, 3}


@pytest.mark.parametrize("first", [1, 3, 10])
@given(seed=seeds)
@settings(max_examples=40, deadline=None)
def test_the_first_places_do_not_depend_on_how_much_of_the_order_was_looked_at(
    first: int, seed: int
) -> None:
    maker = Maker(seed)
    few = maker.random.choice((1, 2, 7))
    offerings = [
        replace(
            maker.offering(f"o{number:03d}"),
            provider_id=f"p{maker.random.randrange(few)}" if number % 9 else f"q{number}",
        )
        for number in range(80)
    ]
    card = replace(pools.card(), slate=SlateRules(2, first))
    found = score(maker.query(), pools.index_of(offerings), Model(card, pools.model().tables), ())
    whole = slate_of(found, len(found.scored))

    for needed in (1, 4, 20):
        part = slate_of(found, needed)
        assert part.offerings[:needed] == whole.offerings[:needed]
        for offering in part.offerings[:needed]:
            assert part.moves.get(offering) == whole.moves.get(offering)
    for rank, offering in enumerate(whole.offerings, 1):
        assert composing.place_of(found, offering) == (rank, whole.moves.get(offering, ()))

    order, provider_of = found.order(len(found.scored)), found.index.provider_ids.__getitem__
    for allotted in order[::13]:
        asked = moves.moves_of((), provider_of, card.slate, lambda *_: None)
        complete = moves.compose(order, asked, given=allotted)
        part = slate_of(found, 4, allotted)
        assert part.offerings[:4] == complete.offerings[:4]
        for offering in part.offerings[:4]:
            assert part.moves.get(offering) == complete.moves.get(offering)


# ---- the questions


def assumed(rule: Rule, facts: object, field: str, value: Answer) -> int:
    """The answer with every unknown leaf on the field set, by a reading of its own."""
    if isinstance(rule, Leaf):
        found = leaf_answer(rule.op, rule.value, facts(rule.field))  # type: ignore[operator]
        return int(value if rule.field == field and found is Answer.UNKNOWN else found)
    if isinstance(rule, Not):
        return 2 - assumed(rule.part, facts, field, value)
    inner = [assumed(part, facts, field, value) for part in rule.parts]
    return min([2, *inner]) if isinstance(rule, AllOf) else max([0, *inner])


def brute_decides(
    offerings: Sequence[OfferingFacts], query: Query, alive: dict[str, list[bool]]
) -> dict[str, int]:
    """Of these offerings, those whose answer differs with each field, 0 left out."""
    decides: Counter[str] = Counter()
    for offering in offerings:
        rules = [
            rule
            for must in (offering.must, query.profile_must, query.need_must)
            for rule in conjuncts(must)
        ]
        rows = [
            pools.row_facts(offering, package, query)
            for package, lives in zip(offering.packages, alive[offering.offering_id], strict=True)
            if lives
        ]
        for field in {leaf.field for rule in rules for leaf in leaves(rule)}:
            if not field.startswith(("profile.", "need.")):
                continue
            outcomes = [
                max(min([2, *(assumed(rule, row, field, value) for rule in rules)]) for row in rows)
                for value in (Answer.YES, Answer.NO)
            ]
            decides[field] += outcomes[0] != outcomes[1]
    return {field: count for field, count in decides.items() if count}


@given(seeds)
@settings(max_examples=200, deadline=None)
def test_what_a_question_decides_really_differs(seed: int) -> None:
    offerings, query, curations = worlds(seed)
    index, limit = pools.index_of(offerings), 4
    answered, found = match(query, index, pools.model(), curations, limit=limit)
    looked_at = slate_of(found, len(found.scored)).offerings[: 2 * limit]
    alive = {
        each.offering_id: [bool(found.verdict.alive[row]) for row in index.rows_of(place)]
        for place, each in enumerate(offerings)
    }

    expected = brute_decides([offerings[place] for place in looked_at], query, alive)
    asked = {each.field: each.decides for each in answered.questions if each.decides is not None}
    assert asked == expected
    order = [(-(q.decides or 0), -(q.share or 0), q.field) for q in answered.questions]
    assert order == sorted(order)
    assert len({each.field for each in answered.questions}) == len(answered.questions)


def test_the_random_worlds_do_ask_questions_that_decide() -> None:
    """The control: worlds without questions would prove nothing."""
    deciding = 0
    for seed in range(80):
        offerings, query, curations = worlds(seed)
        answered, _ = match(query, pools.index_of(offerings), pools.model(), curations, limit=4)
        deciding += sum(question.decides is not None for question in answered.questions)
    assert deciding > 30


@given(seeds)
@EXAMPLES
def test_the_share_of_a_missing_field_is_what_it_would_open(seed: int) -> None:
    offerings, query, _ = worlds(seed)
    query = replace(query, plain=None, concepts=(), budget=None)
    index, model = pools.index_of(offerings), model_of(seed)
    answered, found = match(query, index, model, limit=3)
    shares = {each.field: each.share for each in answered.questions}
    width = found.ends[1] - found.ends[0]
    if query.kind in PRICELESS_KINDS:
        assert "need.budget" not in shares
        return
    priced = score(replace(query, budget=1), index, model, ())
    new = priced.ends[1] - priced.ends[0]
    assert shares["need.budget"] == math.floor(Fraction(1_000_000 * (new - width), new))


# ---- Card 1 by hand


def step(value: Fraction) -> int:
    assert 0 <= value <= 1
    return math.floor(1024 * value)


HALF, FULL, NOTHING = Fraction(1, 2), Fraction(1), Fraction(0)


def slow_price(price: int | None, budget: int) -> Fraction:
    """1 up to half the budget, straight to a half at the budget, straight to 0 at twice it."""
    if price is None:
        return NOTHING
    ratio = Fraction(price, budget)
    if ratio <= HALF:
        return FULL
    return Fraction(3, 2) - ratio if ratio <= 1 else max(NOTHING, (2 - ratio) / 2)


def slow_scene(bounds: tuple[int, int] | None, present: int | None) -> Fraction:
    if bounds is None:
        return NOTHING
    if present is None:
        return Fraction(7, 10)
    if bounds[0] <= present < bounds[1]:
        return FULL
    return HALF if present < bounds[0] else Fraction(3, 10)


def slow_scene_fit(query: Query, package: PackageFacts) -> Fraction:
    points = [
        slow_scene(package.levels.get(scene), query.levels.get(scene)) for scene in query.scenes
    ]
    return sum(points, NOTHING) / len(points)


def slow_industry(firm: str, offered: str) -> Fraction:
    if offered == "all":
        return HALF
    if firm.startswith(offered):
        return Fraction({1: 6, 3: 8, 4: 9, 5: 10}[len(offered)], 10)
    for length, tenths in ((4, 6), (3, 4), (1, 2)):
        if min(len(firm), len(offered)) >= length and firm[:length] == offered[:length]:
            return Fraction(tenths, 10)
    return NOTHING


def slow_category(asked: str, offered: str) -> Fraction:
    if asked == offered:
        return FULL
    families = pools.FAMILIES
    if asked in families and offered in families and families[asked] == families[offered]:
        return HALF
    return NOTHING


def slow_region(firm: str, offered: str) -> Fraction:
    if offered == "all":
        return HALF
    if offered == firm[:2] + "0000":
        return Fraction(4, 5)
    return FULL if offered == firm[:4] + "00" else NOTHING


def off_by(steps: int) -> Fraction:
    return {0: FULL, 1: HALF}.get(steps, NOTHING)


def slow_weeks(query: Query, package: PackageFacts) -> Fraction:
    assert query.ready_by is not None
    left = (query.ready_by - pools.TODAY).days // 7
    if package.weeks is None or left <= 0:
        return NOTHING
    upper = package.weeks[1]
    return FULL if upper <= left else max(NOTHING, Fraction(2 * left - upper, left))


def slow_cases(query: Query, offering: OfferingFacts) -> Fraction:
    groups = {firm[:4] for firm in query.industries if len(firm) >= 4}
    alike = sum(
        case.industry[:4] in groups and bool(case.scenes & set(query.scenes))
        for case in offering.cases
    )
    return Fraction(alike + 1, alike + 4)


def slow_freshness(offering: OfferingFacts) -> Fraction:
    if offering.attested is None:
        return NOTHING
    age = (pools.TODAY - offering.attested).days
    return FULL if age <= 180 else max(NOTHING, Fraction(720 - age, 540))


def slow_stage(firm: int, stages: tuple[int, int] | None) -> Fraction:
    if stages is None:
        return NOTHING
    return off_by(min(abs(stage - firm) for stage in range(stages[0], stages[1] + 1)))


def slow_scale(firm: int, scales: frozenset[str]) -> Fraction:
    return max(
        (FULL if s == "all" else off_by(abs(pools.SCALES.index(s) - firm)) for s in scales),
        default=NOTHING,
    )


def slow_prefer(query: Query, offering: OfferingFacts, package: PackageFacts) -> Fraction:
    facts = pools.row_facts(offering, package, query)
    yes = sum(answer(leaf, facts) is Answer.YES for leaf in query.prefer)
    return Fraction(yes, len(query.prefer))


def waits(query: Query, price: PriceCard | None) -> bool:
    """Whether only a count of the profile keeps the price from being known."""
    filled = replace(query, counts=dict.fromkeys(pools.UNITS, 1))
    is_open = pools.first_year(price, query) is None
    return is_open and pools.first_year(price, filled) is not None


def hides(query: Query, package: PackageFacts) -> bool:
    """Whether the provider left the price unstated in the need's currency."""
    is_open = pools.first_year(package.price, query) is None
    return is_open and not waits(query, package.price)


def slow_features(
    query: Query, offering: OfferingFacts, package: PackageFacts
) -> dict[str, Fraction]:
    """Every sub-score of one row but text, for the features whose facts are given."""
    accepted, projects = offering.record or (0, 0)
    found: dict[str, Fraction | None] = {
        "freshness": slow_freshness(offering),
        "acceptance": Fraction(accepted + 2, projects + 4),
        "scene_fit": slow_scene_fit(query, package) if query.scenes else None,
        "category": best_pair(query.categories, offering.set_of("categories"), slow_category),
        "industry": best_pair(query.industries, offering.set_of("industries"), slow_industry),
        "cases": slow_cases(query, offering) if query.industries and query.scenes else None,
        "prefer": slow_prefer(query, offering, package) if query.prefer else None,
        "weeks": None if query.ready_by is None else slow_weeks(query, package),
        "scale": None if query.scale is None else slow_scale(query.scale, package.scales),
        "stage": None if query.stage is None else slow_stage(query.stage, package.stages),
        "price": slow_price_of(query, offering, package),
        "region": best_pair(
            () if query.region is None else (query.region,), offering.set_of("regions"), slow_region
        ),
    }
    return {name: value for name, value in found.items() if value is not None}


def best_pair(
    asked: Sequence[str], offered: frozenset[str], near: Callable[[str, str], Fraction]
) -> Fraction | None:
    """The best of all pairs; None where nothing is asked."""
    if not asked:
        return None
    return max((near(one, other) for one in asked for other in offered), default=NOTHING)


def slow_price_of(query: Query, offering: OfferingFacts, package: PackageFacts) -> Fraction | None:
    if query.budget is None or query.kind == "finance":
        return None
    if waits(query, package.price) and not any(hides(query, each) for each in offering.packages):
        return HALF
    return slow_price(pools.first_year(package.price, query), query.budget)


def slow_text(query: Query, offerings: Sequence[OfferingFacts]) -> list[int] | None:
    """The step of text of each offering; None where no token of the need is known."""
    asked = [*(query.plain or ()), *query.concepts]
    holding = Counter(
        token
        for each in offerings
        for token in set().union(*(factories.times(c) for c in each.text.values()))
    )
    lengths: dict[str, list[int]] = {}
    for each in offerings:
        for language, counted in each.text.items():
            lengths.setdefault(language, []).append(counted.length)
    known = [token for token in asked if holding[token]]
    if not known:
        return None
    count = len(offerings)
    idf = {t: math.log(1 + (count - holding[t] + 0.5) / (holding[t] + 0.5)) for t in known}
    steps = []
    for each in offerings:
        total = 0
        for token in known:
            sats = [
                said[token]
                / (
                    said[token]
                    + 1.2 * (0.25 + 0.75 * c.length / (sum(lengths[lang]) / len(lengths[lang])))
                )
                for lang, c in each.text.items()
                if token in (said := factories.times(c))
            ]
            total += round(idf[token] * max(sats, default=0.0) * 2**20)
        possible = 8 * sum(round(each * 2**20) for each in idf.values())
        steps.append(min(1024, 10240 * total // possible))
    return steps


@given(seeds)
@settings(max_examples=250, deadline=None)
def test_every_step_of_every_row_equals_card_1_read_by_hand(seed: int) -> None:
    offerings, query, _ = worlds(seed)
    index = pools.index_of(offerings)
    _, found = encode(query, index, pools.card())
    words = slow_text(query, offerings)

    for place, offering in enumerate(offerings):
        for row, package in zip(index.rows_of(place), offering.packages, strict=True):
            expected = {
                name: step(each) for name, each in slow_features(query, offering, package).items()
            }
            if words is not None:
                expected["text"] = words[place]
            steps = {name: int(each.table[each.place(row, place)]) for name, each in found.items()}
            assert steps == expected


@given(seeds)
@EXAMPLES
def test_not_stated_is_what_the_provider_could_have_said_and_did_not(seed: int) -> None:
    offerings, query, _ = worlds(seed)
    index = pools.index_of(offerings)
    answered, _ = match(query, index, pools.model(), limit=50)

    for item in answered.items:
        offering = offerings[item.offering]
        package = offering.packages[index.rows_of(item.offering).index(item.row)]
        silent = {
            "category": not offering.set_of("categories"),
            "industry": not offering.set_of("industries"),
            "region": not offering.set_of("regions"),
            "scale": not package.scales,
            "stage": package.stages is None,
            "weeks": package.weeks is None,
            "freshness": offering.attested is None,
            "price": pools.first_year(package.price, query) is None
            and not waits(query, package.price),
        }
        expected = {name for name, is_silent in silent.items() if is_silent}
        assert set(item.not_stated) - {"scene_fit"} == expected & set(item.steps)
        assert all(item.steps[name] == 0 for name in item.not_stated)


# ---- the price


amounts = st.integers(0, 10**10)
budgets = st.integers(1, 10**12)


@given(st.lists(st.integers(0, 4 * 10**12), min_size=1, max_size=20), budgets)
@EXAMPLES
def test_the_step_of_a_price_is_the_floor_of_the_exact_fraction(
    known: list[int], budget: int
) -> None:
    near = [budget // 2, budget // 2 + 1, budget, budget + 1, 2 * budget - 1, 2 * budget]
    values = np.array([*known, *near], np.int64)
    steps = price_steps(values, budget, full=500, even=1000, none=2000)

    assert steps.tolist() == [step(slow_price(int(value), budget)) for value in values]


@st.composite
def price_cards(draw: st.DrawFn, amounts: st.SearchStrategy[int]) -> PriceCard:
    parts = draw(
        st.lists(
            st.builds(
                PricePart,
                st.sampled_from(pools.PARTS),
                st.none() | amounts | amounts | amounts,
                st.none() | st.sampled_from(pools.UNITS),
            ),
            max_size=4,
        )
    )
    return PriceCard(draw(st.sampled_from(("CNY", "USD"))), tuple(parts))


counts = st.fixed_dictionaries(
    dict.fromkeys(pools.UNITS, st.none() | st.integers(0, 1000) | st.integers(0, 1_000_000))
)


def check_prices(cards: list[PriceCard | None], given_counts: dict[str, int | None]) -> None:
    query = Query(kind="solution", as_of=pools.AS_OF, currency="CNY", counts=given_counts)
    column = price_column(cards)
    found = prices(column, "CNY", given_counts)
    for row, card in enumerate(cards):
        expected = pools.first_year(card, query)
        assert bool(found.known[row]) == (expected is not None)
        assert bool(found.waits[row]) == waits(query, card)
        if expected is not None:
            assert int(found.first_year[row]) == expected
        alone = row_price(column, row, "CNY", given_counts)
        assert alone.first_year == expected
        assert alone.three_years == pools.first_year(card, query, years=3)
        assert bool(alone.waits_for) == waits(query, card)


@given(st.lists(st.none() | price_cards(amounts), min_size=1, max_size=6), counts)
@EXAMPLES
def test_a_price_is_the_sum_of_its_parts(
    cards: list[PriceCard | None], given_counts: dict[str, int | None]
) -> None:
    check_prices(cards, given_counts)


def test_a_price_too_great_for_64_bits_is_not_taken_for_a_bargain() -> None:
    card = PriceCard("CNY", (PricePart("yearly", 2**53 - 1, "users"),))
    query = Query(
        kind="solution", as_of=pools.AS_OF, currency="CNY", budget=100, counts={"users": 2048}
    )
    offering = replace(
        Maker(1).offering("o1"), packages=(PackageFacts(code="k", price=card),), declared={}
    )
    found = score(query, pools.index_of([offering]), pools.model(), ())

    assert found.steps["price"].table.tolist() == [0]


# ---- places


@pytest.mark.parametrize("firm", ["210202", "110105", "429004", "500101", "500229"])
def test_a_county_counts_as_its_prefecture(firm: str) -> None:
    taxonomy = factories.taxonomy()
    prefecture = region.prefecture(taxonomy, firm)
    assert prefecture is not None
    offering = replace(Maker(1).offering("o1"), declared={"regions": frozenset({prefecture})})
    index: Index = build([offering], pools.card().text, vocabulary=vocabulary(taxonomy))
    query = load_reader(taxonomy, Words(vectors.tokenizer(), "")).build(
        ProfileFacts(region=firm),
        NeedFacts(kind="solution"),
        pools=None,
        caller=Caller(),
        as_of=pools.AS_OF,
    )
    found = score(query, index, pools.model(), ())

    assert found.steps["region"].table.max() == 1024


# ---- edges


def test_a_slate_without_first_places_has_no_cap() -> None:
    card = replace(pools.card(), slate=SlateRules(2, 0))
    maker = Maker(4)
    offerings = [replace(maker.offering(f"o{i:02d}"), provider_id="p") for i in range(30)]
    model = Model(card, pools.model().tables)
    answered, _ = match(maker.query(), pools.index_of(offerings), model, limit=3)

    assert [item.slate for item in answered.items] == [(), (), ()]


def test_an_empty_index_answers_with_closed_books() -> None:
    query = Maker(1).query(prefer=(Maker(1).leaf("package.price"),))
    answered, _ = match(query, pools.index_of([]), pools.model(), limit=3)

    assert (answered.funnel.considered, answered.funnel.scored, answered.items) == (0, 0, ())


def test_a_language_new_to_the_base_is_weighed_by_its_own_length() -> None:
    maker = Maker(2)
    old = [replace(maker.offering("o1"), text={})]
    statistics = postings.statistics(old)
    assert statistics.average_length == {}
    late = replace(maker.offering("o2"), text={"en": TokenCount(3, {"quality": 1})})
    index = pools.index_of([*old, late], statistics)

    assert index.text.idf.tolist() == [0]
    assert index.text.dense.tolist() == [[0, 0]]
    assert index.text.is_held("quality", np.array([False, True]))


def test_facts_are_of_the_day_of_the_match_in_utc() -> None:
    late = dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-2)))
    query = Query(kind="solution", as_of=late, currency="CNY")

    assert query.today == dt.date(2026, 11, 21)


def test_a_fact_of_a_row_is_read_back_from_the_index() -> None:
    for seed in range(30):
        offerings, query, _ = worlds(seed)
        index = pools.index_of(offerings)
        for place, offering in enumerate(offerings):
            for row, package in zip(index.rows_of(place), offering.packages, strict=True):
                expected = pools.row_facts(offering, package, query)
                for field in pools.ASKED_OF_ROW:
                    if field == "package.price":
                        continue
                    fact: Fact = expected(field)
                    assert index.fact(field, row) == (None if fact == frozenset() else fact)


# ---- few survivors


@given(seeds)
@EXAMPLES
def test_survivors_scored_apart_and_with_the_rest_give_one_answer(seed: int) -> None:
    offerings, query, curations = worlds(seed)
    index, model = pools.index_of(offerings), model_of(seed)
    answers = []
    for share in (0, 1_000_000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(service, "_FEW", share)
            answered, found = match(query, index, model, curations, limit=50)
        assert (found.part.places is None) == (share > 0 and len(found.scored) > 0)
        answers.append(answered)

    assert answers[0] == answers[1]
