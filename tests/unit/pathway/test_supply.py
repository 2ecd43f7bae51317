"""What the index has for a step, against a count package by package."""

from __future__ import annotations

import datetime as dt
from random import Random

import yaml
from tests import vectors
from tests.pools import TODAY

from matchmaker.matching.supply import Bundle, Firm, Span, Stock, Supply, courses_in
from matchmaker.ranking import text
from matchmaker.ranking.card import card_from
from matchmaker.ranking.facts import ALL, OfferingFacts, PackageFacts, PriceCard, PricePart
from matchmaker.ranking.index import Index, build
from matchmaker.ranking.vocabulary import Vocabulary

SCALES = ("micro", "small", "medium", "large")
SCENES = ("quality", "energy", "finance")
VOCABULARY = Vocabulary(SCALES, ("not_started", "tool_assisted"), SCENES, {})
SPANS = [Span(s, a, b) for s in SCENES for a in range(4) for b in range(a + 1, 5)]
COUNTS = {"users": 3, "machines": None, "sites": 1, "employees": 9}


def drawn(seed: int, count: int = 120) -> list[OfferingFacts]:
    rng = Random(seed)  # noqa: S311  (the same every time)
    found = []
    for number in range(count):
        packages = []
        for place in range(rng.randint(1, 3)):
            parts = [PricePart("yearly", rng.choice([None, 10_000, 20_000, 30_000, 40_000]))]
            if rng.random() < 0.3:
                parts.append(PricePart("upfront", 500, rng.choice(["users", "machines"])))
            levels = {
                scene: None
                if rng.random() < 0.2
                else (low := rng.randint(0, 4), rng.randint(low, 4))
                for scene in rng.sample(SCENES, rng.randint(0, 3))
            }
            packages.append(
                PackageFacts(
                    code=f"p{place}",
                    scales=frozenset(rng.sample((*SCALES, ALL), rng.randint(0, 2))),
                    levels=levels,
                    price=PriceCard(rng.choice(["CNY", "CNY", "USD"]), tuple(parts)),
                    weeks=rng.choice([None, (1, rng.randint(1, 30))]),
                )
            )
        kind = rng.choice(["solution", "solution", "talent"])
        found.append(
            OfferingFacts(
                offering_id=f"o{number:03}",
                provider_id="p",
                kind=kind,
                packages=tuple(packages),
                declared={"skills": frozenset(rng.sample(["a", "b", "c"], rng.randint(0, 2)))}
                if kind == "talent"
                else {},
                visibility=rng.choice(["public", "public", "pool"]),
                pools=frozenset(),
                valid_to=rng.choice([None, TODAY, TODAY - dt.timedelta(days=1)]),
            )
        )
    return found


def index_of(offerings: list[OfferingFacts]) -> Index:
    card = _card()
    return build(offerings, card, vocabulary=VOCABULARY)


def stock_of(offerings: list[OfferingFacts], firm: Firm) -> Stock:
    return Stock(index_of(offerings), firm, kind="solution", today=TODAY)


def _card() -> text.TextWeights:
    return card_from(yaml.safe_load(vectors.CARD.read_text(encoding="utf-8")), VOCABULARY).text


def is_live(each: OfferingFacts, kind: str) -> bool:
    return (
        each.kind == kind
        and each.visibility == "public"
        and (each.valid_to is None or each.valid_to >= TODAY)
    )


def price_of(package: PackageFacts) -> int | None:
    assert package.price is not None
    if package.price.currency != "CNY":
        return None
    total = 0
    for part in package.price.parts:
        times = 1 if part.per is None else COUNTS[part.per]
        if part.amount is None or times is None:
            return None
        total += part.amount * times
    return total


def counted(offerings: list[OfferingFacts], span: Span, scale: str | None) -> Supply:
    can: list[tuple[str, PackageFacts]] = []
    for each in offerings:
        for package in each.packages:
            levels = package.levels.get(span.scene)
            is_for = scale is None or not package.scales or package.scales & {scale, ALL}
            covers = levels is not None and levels[0] <= span.start and levels[1] >= span.end
            if is_live(each, "solution") and is_for and covers:
                can.append((each.offering_id, package))
    known = sorted(p for _, package in can if (p := price_of(package)) is not None)
    weeks = [package.weeks for _, package in can if package.weeks is not None]
    half = sorted(high for _, high in weeks)[: (len(weeks) + 1) // 2]
    return Supply(
        offerings=len({id_ for id_, _ in can}),
        cheapest=known[0] if known else None,
        upper=known[(len(known) - 1) * 75 // 100] if known else None,
        weeks=(min(low for low, _ in weeks), half[-1]) if weeks else None,
    )


def test_every_step_has_what_a_count_package_by_package_finds() -> None:
    seen = 0
    for seed in range(20):
        offerings = drawn(seed)
        for scale in ("small", None):
            firm = Firm(scale=scale, currency="CNY", counts=COUNTS)
            found = stock_of(offerings, firm).supply(SPANS, 75)
            for span in SPANS:
                assert found[span] == counted(offerings, span, scale), (seed, span)
                seen += found[span].offerings > 0
    assert seen > 500, "the control: there is something to find"


def bundles_of(offerings: list[OfferingFacts], levels: dict[str, int], top: int) -> set[Bundle]:
    """Package by package: what raises two scenes or more, at what price."""
    found = set()
    for each in offerings:
        for package in each.packages:
            price = price_of(package)
            is_for = not package.scales or package.scales & {"small", ALL}
            spans = []
            for scene, now in levels.items():
                stated = package.levels.get(scene)
                if stated and max(stated[0], now) < min(stated[1], top):
                    spans.append(Span(scene, max(stated[0], now), min(stated[1], top)))
            if price is not None and is_for and is_live(each, "solution") and len(spans) > 1:
                found.add(Bundle(price, tuple(spans)))
    return found


def test_packages_of_several_scenes_are_those_that_a_look_at_each_finds() -> None:
    seen = 0
    for seed in range(20):
        offerings = drawn(seed)
        levels = {scene: (seed + place) % 2 for place, scene in enumerate(SCENES)}
        stock = stock_of(offerings, Firm(scale="small", currency="CNY", counts=COUNTS))
        alone = {
            span: each.cheapest
            for span, each in stock.supply(SPANS, 75).items()
            if each.cheapest is not None
        }
        found = stock.bundles(levels, 3, alone, 1_000)
        there = bundles_of(offerings, levels, 3)
        assert set(found) <= there
        saving = [each.price - sum(alone[span] for span in each.spans) for each in found]
        assert saving == sorted(saving)
        assert all(each < 0 for each in saving)
        for each in there - set(found):
            better = [one for one in found if one.price <= each.price and one.covers(each)]
            assert better or each.price >= sum(alone[span] for span in each.spans)
        assert stock.bundles(levels, 3, alone, 1) == found[:1]
        seen += len(found)
    assert seen > 20, "the control: there is something to find"


def test_courses_are_talent_offerings_of_one_of_the_skills() -> None:
    offerings = drawn(3)
    count = courses_in(index_of(offerings), TODAY)
    live = [each for each in offerings if is_live(each, "talent")]
    for skills in (["a"], ["a", "b"], ["z"], []):
        expected = sum(bool(each.set_of("skills") & set(skills)) for each in live)
        assert count(skills) == expected
    assert count(["a", "b", "c"]) > 0


def test_nothing_published_is_a_gap_everywhere() -> None:
    stock = stock_of([], Firm(scale=None, currency="CNY", counts={}))
    found = stock.supply(SPANS, 75)
    assert stock.bundles(dict.fromkeys(SCENES, 0), 4, {}, 10) == []
    assert set(found.values()) == {Supply(0, None, None, None)}
