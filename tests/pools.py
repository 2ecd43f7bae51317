"""Random offerings and needs, and what a rule reads of a row straight from the declared facts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Final, TypeVar

import yaml
from tests import vectors

from matchmaker.matching.service import Model
from matchmaker.ranking import text
from matchmaker.ranking.card import Card, card_from
from matchmaker.ranking.facts import Case, OfferingFacts, PackageFacts, PriceCard, PricePart
from matchmaker.ranking.index import Index, build
from matchmaker.ranking.query import Query
from matchmaker.ranking.slate import Boost, Curation, Pin
from matchmaker.ranking.tables import compile_card
from matchmaker.ranking.tokens import TokenCount
from matchmaker.ranking.vocabulary import Vocabulary
from matchmaker.rules import AllOf, AnyOf, Fact, Leaf, Not, Op, Rule, Span

T = TypeVar("T")
AS_OF: Final = dt.datetime(2026, 11, 20, 8, tzinfo=dt.UTC)
TODAY: Final = AS_OF.date()
SCENES: Final = ("energy", "equipment", "human_resources", "production_control", "quality")
STAGES: Final = (
    *("not_started", "tool_assisted", "standardised"),
    *("integrated", "data_driven", "leading"),
)
SCALES: Final = ("micro", "small", "medium", "large")
FAMILIES: Final = {"qms": "quality", "spc": "quality", "mes": "production", "aps": "production"}
CATEGORIES: Final = (*FAMILIES, "training", "ems")
INDUSTRIES: Final = (
    *("C", "C33", "C331", "C3311", "C3312", "C332", "C3321"),
    *("C34", "C3421", "I", "I65", "I6513"),
)
REGIONS: Final = ("210000", "210100", "210200", "220000", "110100", "500100")
FIRM_REGIONS: Final = ("210200", "210202", "210100", "210000", "220100", "110105")
DEPLOYMENTS: Final = ("public_cloud", "private_cloud", "on_premises", "edge")
LANGUAGES: Final = ("zh", "en", "ja")
UNITS: Final = ("users", "machines", "sites", "employees")
PARTS: Final = ("upfront", "implementation", "hardware", "training", "yearly", "maintenance")
CURRENCIES: Final = ("CNY", "CNY", "CNY", "CNY", "USD")
WORDS: Final = ("quality", "scrap", "cloud", "downtime", "c:quality", "质", "质量")
VOCABULARY: Final = Vocabulary(SCALES, STAGES, SCENES, FAMILIES)


@cache
def card() -> Card:
    """The published card on the small vocabulary."""
    return card_from(yaml.safe_load(vectors.CARD.read_text(encoding="utf-8")), VOCABULARY)


@cache
def model(*, pairs: bool = False) -> Model:
    """The published card, with the pairs of the worked matches where asked."""
    with_pairs = vectors.model("card-1-pairs").tables.pairs if pairs else {}
    return Model(card(), compile_card(card(), with_pairs))


def index_of(offerings: Sequence[OfferingFacts], base: text.TextStatistics | None = None) -> Index:
    """The index of the offerings."""
    return build(offerings, card().text, vocabulary=VOCABULARY, base=base)


def in_index_order(offerings: Sequence[OfferingFacts]) -> list[OfferingFacts]:
    """The offerings as they stand in an index: more packages first, then by id."""
    return sorted(offerings, key=lambda each: (-len(each.packages), each.offering_id))


class Maker:
    """Random facts of one seed; about a third of everything is unknown."""

    def __init__(self, seed: int | Random) -> None:
        self.random = seed if isinstance(seed, Random) else Random(seed)  # noqa: S311 - no secret

    def maybe(self, make: Callable[[], T], share: float = 0.7) -> T | None:
        """A fact, or None."""
        return make() if self.random.random() < share else None

    def some(self, codes: Sequence[str], most: int = 3) -> frozenset[str]:
        """One code or several."""
        return frozenset(self.random.choices(codes, k=self.random.randint(1, most)))

    def span(self, lowest: int, highest: int) -> tuple[int, int]:
        """From-to, both ends included."""
        low, high = sorted(
            (self.random.randint(lowest, highest), self.random.randint(lowest, highest))
        )
        return low, high

    def day(self, before: int, after: int) -> dt.date:
        """A day around the day of the match."""
        return TODAY + dt.timedelta(days=self.random.randint(-before, after))

    def price(self) -> PriceCard:
        """A price card; now and then with a part that is not stated."""
        r = self.random
        parts = tuple(
            PricePart(
                r.choice(PARTS),
                None if r.random() < 0.05 else r.randint(0, 4_000_000),
                r.choice(UNITS) if r.random() < 0.25 else None,
            )
            for _ in range(r.randint(0, 10) and r.randint(1, 3))
        )
        return PriceCard(r.choice(CURRENCIES), parts)

    def package(self, code: str) -> PackageFacts:
        """One package."""
        r = self.random
        return PackageFacts(
            code=code,
            scales=self.maybe(lambda: self.some((*SCALES, "all"), 2)) or frozenset(),
            stages=self.maybe(lambda: self.span(0, 5)),
            levels={
                scene: self.maybe(lambda: self.span(0, 4), 0.8)
                for scene in self.maybe(lambda: sorted(self.some(SCENES))) or ()
            },
            price=self.maybe(self.price, 0.8),
            weeks=self.maybe(lambda: (r.randint(0, 4), r.randint(4, 30))),
        )

    def declared(self, kind: str) -> dict[str, Fact]:
        """What a provider declares beside the packages."""
        r = self.random
        return {
            "kind": kind,
            "industries": self.maybe(lambda: self.some((*INDUSTRIES, "all"))),
            "regions": self.maybe(lambda: self.some((*REGIONS, "all"))),
            "categories": self.maybe(lambda: self.some(CATEGORIES)),
            "deployment": self.maybe(lambda: self.some((*DEPLOYMENTS, "all"))),
            "languages": self.maybe(lambda: self.some((*LANGUAGES, "all"))),
            "delivery_form": self.maybe(lambda: r.choice(("saas", "project"))),
            "offline": self.maybe(lambda: r.random() < 0.5),
            "person_days": self.maybe(lambda: Span(*self.span(0, 30))),
            "seats": self.maybe(lambda: r.randint(0, 40)),
            "valid_to": self.maybe(lambda: self.day(200, 200)),
        }

    def text(self) -> dict[str, TokenCount]:
        """Counted words of one language or two."""
        r = self.random
        languages = r.sample(("zh", "en"), r.randint(0, 2))
        return {
            language: TokenCount(
                r.randint(5, 80), {word: r.randint(1, 4) for word in sorted(self.some(WORDS, 5))}
            )
            for language in sorted(languages)
        }

    def offering(self, offering_id: str, *, kind: str = "solution") -> OfferingFacts:
        """One offering that every caller may see."""
        r = self.random
        projects = r.randint(0, 12)
        declared = self.declared(kind)
        return OfferingFacts(
            offering_id=offering_id,
            provider_id=f"p{r.randint(0, 6)}",
            kind=kind,
            packages=tuple(self.package(f"k{i}") for i in range(r.randint(1, 4))),
            declared=declared,
            text=self.text(),
            attested=self.maybe(lambda: self.day(900, 30)),
            cases=tuple(
                Case(r.choice(INDUSTRIES), self.some(SCENES, 2)) for _ in range(r.randint(0, 4))
            ),
            record=self.maybe(lambda: (r.randint(0, projects), projects)),
        )

    def query(self, **fields: object) -> Query:
        """A need and a profile of which anything may be missing; no must, no preference."""
        r = self.random
        words = self.maybe(lambda: sorted(self.some((*WORDS, "nobody"), 4)))
        found: dict[str, object] = {
            "kind": "solution",
            "as_of": AS_OF,
            "currency": "CNY",
            "digest": f"{r.getrandbits(64):016x}",
            "industries": tuple(self.maybe(lambda: sorted(self.some(INDUSTRIES, 2))) or ()),
            "region": self.maybe(lambda: r.choice(FIRM_REGIONS)),
            "scale": self.maybe(lambda: r.randint(0, 3)),
            "stage": self.maybe(lambda: r.randint(0, 5)),
            "levels": {scene: r.randint(0, 4) for scene in SCENES if r.random() < 0.6},
            "counts": {unit: self.maybe(lambda: r.randint(0, 30), 0.8) for unit in UNITS},
            "plain": None if words is None else tuple(w for w in words if not w.startswith("c:")),
            "concepts": tuple(word for word in words or () if word.startswith("c:")),
            "scenes": tuple(self.maybe(lambda: sorted(self.some(SCENES))) or ()),
            "categories": tuple(self.maybe(lambda: sorted(self.some(CATEGORIES, 2))) or ()),
            "budget": self.maybe(lambda: r.randint(1, 12_000_000), 0.8),
            "ready_by": self.maybe(lambda: self.day(20, 200)),
        }
        return Query(**{**found, **fields})  # type: ignore[arg-type]

    def curations(self, ids: Sequence[str]) -> tuple[Curation[str], ...]:
        """Up to three curations over these offerings, each offering pinned once at most."""
        r = self.random
        pinned = r.sample(list(ids), min(len(ids), r.randint(0, 3)))
        places = r.sample(range(1, 15), len(pinned))
        return tuple(
            Curation(
                f"c{number}",
                tuple(
                    Boost(frozenset(r.sample(list(ids), min(3, len(ids)))), r.randint(-120, 120))
                    for _ in range(r.randint(0, 2))
                ),
                frozenset(r.sample(list(ids), min(len(ids), r.randint(0, 1)))),
                tuple(
                    Pin(offering, place)
                    for offering, place in zip(pinned, places, strict=True)
                    if place % 3 == number
                ),
            )
            for number in range(r.randint(0, 3))
        )

    def rule(self, fields: Sequence[str], leaves: int = 4) -> Rule:
        """A rule over the fields."""
        r = self.random
        if leaves < 2 or r.random() < 0.4:
            return self.leaf(r.choice(fields))
        if r.random() < 0.25:
            return Not(self.rule(fields, leaves - 1))
        parts = tuple(self.rule(fields, leaves // 2) for _ in range(r.randint(1, 3)))
        return AllOf(parts) if r.random() < 0.5 else AnyOf(parts)

    def leaf(self, field: str) -> Leaf:
        """A question that mostly fits the field."""
        r = self.random
        if r.random() < 0.1:
            return Leaf(field, Op.EXISTS)
        ops, values = QUESTIONS[field]
        op = r.choice(ops)
        if op is Op.IS_TRUE:
            return Leaf(field, op)
        if op is Op.BETWEEN:
            return Leaf(field, op, tuple(sorted(r.choices(values, k=2))))
        if op in LISTED:
            return Leaf(field, op, tuple(dict.fromkeys(r.choices(values, k=r.randint(1, 3)))))
        return Leaf(field, op, r.choice(values))


OF_CODES: Final = (Op.IN, Op.NOT_IN, Op.OVERLAPS, Op.PREFIX_IN)
OF_NUMBERS: Final = (Op.GTE, Op.LTE, Op.BETWEEN)
OF_DAYS: Final = (Op.BEFORE, Op.AFTER)
LISTED: Final = frozenset(OF_CODES)
DAYS: Final = tuple((TODAY + dt.timedelta(days=shift)).isoformat() for shift in (-90, -1, 0, 60))
QUESTIONS: Final[Mapping[str, tuple[tuple[Op, ...], tuple[str | int | float, ...]]]] = {
    "offering.kind": (OF_CODES, ("solution", "sol", "finance")),
    "offering.industries": (OF_CODES, (*INDUSTRIES, "all")),
    "offering.regions": (OF_CODES, (*REGIONS, "21")),
    "offering.categories": (OF_CODES, CATEGORIES),
    "offering.deployment": (OF_CODES, DEPLOYMENTS),
    "offering.languages": (OF_CODES, LANGUAGES),
    "offering.delivery_form": (OF_CODES, ("saas", "project", "s")),
    "offering.offline": ((Op.IS_TRUE,), (1,)),
    "offering.person_days": (OF_NUMBERS, (0, 5, 12.5, 20, 30)),
    "offering.seats": ((*OF_NUMBERS, Op.IN, Op.NOT_IN), (0, 5, 10, 20, 40)),
    "offering.valid_to": (OF_DAYS, DAYS),
    "offering.never_declared": (OF_CODES, ("a",)),
    "package.code": (OF_CODES, ("k0", "k1", "k")),
    "package.scales": (OF_CODES, (*SCALES, "m")),
    "package.stages": (OF_CODES, STAGES),
    "package.scenes": (OF_CODES, SCENES),
    "package.weeks": (OF_NUMBERS, (2, 4, 8, 16, 25)),
    "package.price": (
        (*OF_NUMBERS, Op.IN, Op.NOT_IN),
        (0, 500_000, 1_000_000, 2_000_000, 6_000_000),
    ),
    "profile.employees": (OF_NUMBERS, (0, 10, 20, 100)),
    "profile.industries": (OF_CODES, INDUSTRIES),
    "profile.founded": (OF_NUMBERS, (1990, 2009, 2020)),
    "need.deployment": (OF_CODES, DEPLOYMENTS),
    "need.ready_by": (OF_DAYS, DAYS),
    "need.text": (OF_CODES, ("scrap", "s")),
}
ASKED_OF_FIRM: Final = tuple(f for f in QUESTIONS if f.startswith(("profile.", "need.")))
ASKED_OF_ROW: Final = tuple(f for f in QUESTIONS if f.startswith(("offering.", "package.")))


def firm_facts(maker: Maker) -> dict[str, Fact]:
    """What rules may read of profile and need."""
    r = maker.random
    return {
        "profile.employees": maker.maybe(lambda: r.randint(0, 120), 0.5),
        "profile.industries": maker.maybe(lambda: maker.some(INDUSTRIES), 0.5),
        "profile.founded": maker.maybe(lambda: r.randint(1980, 2026), 0.5),
        "need.deployment": maker.maybe(lambda: maker.some(DEPLOYMENTS), 0.5),
        "need.ready_by": maker.maybe(lambda: maker.day(100, 100), 0.5),
        "need.text": maker.maybe(lambda: "scrap", 0.5),
    }


def first_year(price: PriceCard | None, query: Query, *, years: int = 1) -> int | None:
    """The price of a card for a need; None where it is not known."""
    if price is None or price.currency != query.currency or not price.parts:
        return None
    total = 0
    for part in price.parts:
        units = 1 if part.per is None else query.counts.get(part.per)
        if part.amount is None or units is None:
            return None
        recurs = part.part in {"yearly", "maintenance"}
        total += part.amount * units * (years if recurs else 1)
    return total


def row_facts(
    offering: OfferingFacts, package: PackageFacts, query: Query
) -> Callable[[str], Fact]:
    """What rules read of a row, taken from the declared facts and not from an index."""

    def fact(field: str) -> Fact:
        owner, _, name = field.partition(".")
        if owner == "offering":
            return offering.declared.get(name)
        if owner != "package":
            return query.facts.get(field)
        stages = package.stages
        facts: dict[str, Fact] = {
            "code": package.code,
            "scales": package.scales,
            "stages": None if stages is None else frozenset(STAGES[stages[0] : stages[1] + 1]),
            "scenes": frozenset(package.levels),
            "weeks": None if package.weeks is None else Span(*package.weeks),
            "price": first_year(package.price, query),
        }
        return facts.get(name)

    return fact
