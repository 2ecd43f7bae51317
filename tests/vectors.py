"""The worked matches of scoring.md (tests/vectors/match.json) as objects of the ranking library."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml

from matchmaker.core.canonical import digest
from matchmaker.matching.service import Model
from matchmaker.ranking import index as columns
from matchmaker.ranking import postings
from matchmaker.ranking.card import card_from
from matchmaker.ranking.columns import Int
from matchmaker.ranking.facts import Case, OfferingFacts, PackageFacts, PriceCard, PricePart
from matchmaker.ranking.index import Index
from matchmaker.ranking.query import Query
from matchmaker.ranking.slate import Boost, Curation, Pin, SlateRules, placed
from matchmaker.ranking.tables import compile_card
from matchmaker.ranking.tokens import Concept, Tokenizer
from matchmaker.ranking.vocabulary import Vocabulary
from matchmaker.rules import Fact, Leaf, Rule, parse

ROOT: Final = Path(__file__).parents[1]
CARD: Final = ROOT / "seeds" / "ranking" / "card-2026.11.yaml"
PROFILE_FIELDS: Final = (
    *("industries", "region", "employees", "users", "machines", "sites", "revenue", "assets"),
    *("scale", "scenes", "stage", "must"),
)
NEED_FIELDS: Final = (
    *("kind", "text", "scenes", "categories"),
    *("budget", "ready_by", "must", "prefer"),
)
_DECLARED_SETS: Final = ("industries", "regions", "deployment", "languages", "categories")
_NO_FACT: Final = frozenset({"must", "prefer"})


@dataclass(frozen=True)
class WorkedMatch:
    """One match of the file: the question, what it is asked of, and every expected number."""

    name: str
    about: str
    query: Query
    model: Model
    curations: tuple[Curation[int], ...]
    limit: int
    expect: Mapping[str, Any]


@cache
def document() -> dict[str, Any]:
    """The file as it stands."""
    text_of_file = (ROOT / "tests" / "vectors" / "match.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text_of_file)
    return found


@cache
def tokenizer() -> Tokenizer:
    """The tokenizer of the file's stop lists and glossary."""
    read = document()
    concepts = tuple(
        Concept(entry["concept"], {"zh": tuple(entry["zh"]), "en": tuple(entry["en"])})
        for entry in read["glossary"]
    )
    return Tokenizer(frozenset(read["stop_characters"]), frozenset(read["stop_words"]), concepts)


@cache
def vocabulary() -> Vocabulary:
    """The ordered codes of the file; its scenes are those that stand anywhere in it."""
    read = document()
    offerings = [*read["offerings"], read["unrelated"]]
    scenes = {scene for o in offerings for p in o["packages"] for scene in p.get("levels") or {}}
    scenes |= {scene for o in offerings for case in o["cases"] for scene in case["scenes"]}
    scenes |= {scene for m in read["matches"] for scene in m["need"].get("scenes") or ()}
    return Vocabulary(
        tuple(read["scales"]), tuple(read["stages"]), tuple(sorted(scenes)), read["families"]
    )


@cache
def model(name: str) -> Model:
    """A model of the file on the grids of the published card."""
    read = document()["models"][name]
    card = card_from(yaml.safe_load(CARD.read_text(encoding="utf-8")), vocabulary())
    named = {feature: (entry.weight, entry.reference) for feature, entry in card.features.items()}
    assert named == {f: (entry["w"], entry["ref"]) for f, entry in read["features"].items()}
    pairs: dict[tuple[str, str], Int] = {}
    for pair, table in read.get("pairs", {}).items():
        first, second = pair.split(" x ")
        pairs[first, second] = np.array(table, np.int64)
    return Model(card, compile_card(card, pairs))


def offering(entry: Mapping[str, Any]) -> OfferingFacts:
    """One offering of the file, its texts counted."""
    declared: dict[str, Fact] = {"kind": entry["kind"]}
    for name in _DECLARED_SETS:
        declared[name] = frozenset(entry[name]) if entry[name] else None
    record = entry["record"]
    return OfferingFacts(
        offering_id=entry["id"],
        provider_id=entry["provider"],
        kind=entry["kind"],
        packages=tuple(_package(package) for package in entry["packages"]),
        declared=declared,
        text={
            language: tokenizer().count(
                [fields["title"], fields["title"], fields["summary"], *fields["packages"]]
            )
            for language, fields in entry["text"].items()
        },
        visibility=entry["visibility"],
        pools=frozenset(entry["pools"] or ()),
        valid_from=_day(entry["valid_from"]),
        valid_to=_day(entry["valid_to"]),
        attested=_day(entry["attested"]),
        must=_rule(entry["must"]),
        cases=tuple(
            Case(case["industry"], frozenset(case["scenes"]))
            for case in entry["cases"]
            if case["state"] == "verified"
        ),
        record=(record["accepted"], record["projects"]) if record else None,
    )


@cache
def published() -> tuple[OfferingFacts, ...]:
    """The offerings that an index holds, of base and delta."""
    return tuple(offering(each) for each in document()["offerings"] if _is_published(each))


@cache
def base() -> tuple[OfferingFacts, ...]:
    """The offerings whose texts make the statistics."""
    entries = document()["offerings"]
    return tuple(offering(o) for o in entries if _is_published(o) and o["in"] == "base")


def index(more: tuple[OfferingFacts, ...] = ()) -> Index:
    """The index of the file, with ``more`` offerings in its base."""
    return columns.build(
        [*published(), *more],
        model("card-1").card.text,
        vocabulary=vocabulary(),
        base=postings.statistics([*base(), *more]),
    )


def curations(portal: str | None) -> tuple[Curation[str], ...]:
    """The curations of a portal, or the operator's."""
    return tuple(
        Curation(
            entry["id"],
            tuple(Boost(frozenset(b["offerings"]), b["thousandths"]) for b in entry["boosts"]),
            frozenset(entry["exclude"]),
            tuple(Pin(pin["offering"], pin["place"]) for pin in entry["pins"]),
        )
        for entry in document()["curations"]
        if entry["owner"] == (portal or "operator")
    )


@cache
def matches() -> tuple[WorkedMatch, ...]:
    """Every match of the file."""
    return tuple(_match(entry) for entry in document()["matches"])


def query(entry: Mapping[str, Any]) -> Query:
    """The question of a match."""
    profile, need = entry["profile"] or {}, entry["need"]
    facts: dict[str, Fact] = {}
    _flatten("profile", profile, facts)
    _flatten("need", need, facts)
    tokens = tokenizer().tokens(need["text"]) if need.get("text") else None
    budget = need.get("budget") or {}
    read = document()
    return Query(
        kind=need["kind"],
        as_of=dt.datetime.fromisoformat(entry.get("as_of") or read["as_of"]),
        currency=budget.get("currency", read["default_currency"]),
        digest=_input_digest(entry),
        facts=facts,
        pools=frozenset(entry.get("pools") or ()),
        caller_pools=frozenset(entry.get("caller_pools") or ()),
        industries=tuple(profile.get("industries") or ()),
        region=profile.get("region"),
        scale=_rank(profile.get("scale"), vocabulary().scales),
        stage=_rank(profile.get("stage"), vocabulary().stages),
        levels=profile.get("scenes") or {},
        counts={unit: profile.get(unit) for unit in ("users", "machines", "sites", "employees")},
        profile_must=_rule(profile.get("must")),
        need_must=_rule(need.get("must")),
        plain=None if tokens is None else tuple(tokens[0]),
        concepts=() if tokens is None else tuple(tokens[1]),
        scenes=tuple(need.get("scenes") or ()),
        categories=tuple(need.get("categories") or ()),
        budget=budget.get("amount"),
        ready_by=_day(need.get("ready_by")),
        prefer=tuple(
            leaf for leaf in map(parse, need.get("prefer") or ()) if isinstance(leaf, Leaf)
        ),
    )


def _match(entry: Mapping[str, Any]) -> WorkedMatch:
    used = model(entry.get("model", "card-1"))
    if entry.get("slate"):
        used = Model(replace(used.card, slate=SlateRules(**entry["slate"])), used.tables)
    return WorkedMatch(
        name=entry["name"],
        about=entry["about"],
        query=query(entry),
        model=used,
        curations=tuple(placed(each, index().place) for each in curations(entry.get("portal"))),
        limit=entry["limit"],
        expect=entry["expect"],
    )


def _input_digest(entry: Mapping[str, Any]) -> str:
    profile, need = entry["profile"] or {}, entry["need"]
    return digest(
        {
            "profile": {name: profile.get(name) for name in PROFILE_FIELDS},
            "need": {name: need.get(name) for name in NEED_FIELDS},
            "pools": entry.get("pools"),
        }
    )


def _flatten(prefix: str, value: Mapping[str, Any], facts: dict[str, Fact]) -> None:
    for name, each in value.items():
        field = f"{prefix}.{name}"
        if isinstance(each, Mapping) and name not in _NO_FACT:
            _flatten(field, each, facts)
        elif isinstance(each, list) and name not in _NO_FACT:
            facts[field] = frozenset(each) or None
        elif name not in _NO_FACT:
            facts[field] = _day(each) if name == "ready_by" else each


def _package(entry: Mapping[str, Any]) -> PackageFacts:
    stages, weeks = entry.get("stages"), entry.get("weeks")
    return PackageFacts(
        code=entry["code"],
        scales=frozenset(entry.get("scales") or ()),
        stages=None
        if not stages
        else (vocabulary().stages.index(stages[0]), vocabulary().stages.index(stages[1])),
        levels={
            scene: None if bounds is None else (bounds[0], bounds[1])
            for scene, bounds in (entry.get("levels") or {}).items()
        },
        price=_price(entry.get("price")),
        weeks=(weeks[0], weeks[1]) if weeks else None,
    )


def _price(entry: Mapping[str, Any] | None) -> PriceCard | None:
    if entry is None:
        return None
    parts = tuple(
        PricePart(part["part"], part.get("to", part.get("amount")), part.get("per"))
        for part in entry["parts"]
    )
    return PriceCard(entry["currency"], parts)


def _is_published(entry: Mapping[str, Any]) -> bool:
    return bool(entry["state"] == "published")


def _rank(code: str | None, ordered: tuple[str, ...]) -> int | None:
    return None if code is None else ordered.index(code)


def _day(day: str | None) -> dt.date | None:
    return dt.date.fromisoformat(day) if day else None


def _rule(data: object) -> Rule | None:
    return None if data is None else parse(data)
