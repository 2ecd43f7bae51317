"""Curations as an index holds them: their rules answered, their offerings by place."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np

from matchmaker.matching.curations.declaration import CurationTerms
from matchmaker.ranking.query import Query
from matchmaker.ranking.screen import Screen
from matchmaker.ranking.slate import Boost, Curation, Diversity, Floor, Pin, SlateRules, placed
from matchmaker.rules import Answer, parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matchmaker.matching.curations.queries import LiveCuration
    from matchmaker.ranking.index import Index

_NOBODY: Final = Query(kind="", as_of=dt.datetime(2000, 1, 1, tzinfo=dt.UTC), currency="")
"""Rules of curations read offerings alone."""


class PublishedCuration(msgspec.Struct, frozen=True, kw_only=True):
    """A curation in force, and those of its offerings that rules found, by id."""

    id: str
    owner: str
    of_operator: bool
    version: int
    terms: CurationTerms
    boosted: list[list[str]]
    floored: list[list[str]]


def published(live: Sequence[LiveCuration], index: Index) -> bytes:
    """The curations in force over the offerings of ``index``, as JSON."""
    return msgspec.json.encode([_published(each, index) for each in live])


def read(content: bytes) -> tuple[PublishedCuration, ...]:
    """What `published` wrote."""
    return msgspec.json.decode(content, type=tuple[PublishedCuration, ...])


def on_index(found: PublishedCuration, place: Callable[[str], int | None]) -> Curation[int]:
    """The curation as a match applies it."""
    terms = found.terms
    made: Curation[str] = Curation(
        id=found.id,
        version=found.version,
        boosts=tuple(
            Boost(frozenset(ids), each.thousandths)
            for each, ids in zip(terms.boosts, found.boosted, strict=True)
        ),
        exclude=frozenset(terms.exclude),
        pins=tuple(Pin(each.offering_id, each.place) for each in terms.pins),
        cap=None if terms.cap is None else SlateRules(terms.cap.of_provider, terms.cap.first),
        diversity=tuple(Diversity(each.field, each.most, each.first) for each in terms.diversity),
        floors=tuple(
            Floor(frozenset(ids), each.least, each.first)
            for each, ids in zip(terms.floors, found.floored, strict=True)
        ),
    )
    return placed(made, place)


def _published(live: LiveCuration, index: Index) -> PublishedCuration:
    terms = msgspec.convert(live.terms, CurationTerms)
    return PublishedCuration(
        id=str(live.id),
        owner=str(live.organisation_id),
        of_operator=live.of_operator,
        version=live.number,
        terms=terms,
        boosted=[_named(each.offerings, each.rule, index) for each in terms.boosts],
        floored=[_named(each.offerings, each.rule, index) for each in terms.floors],
    )


def _named(offerings: list[str] | None, rule: dict[str, Any] | None, index: Index) -> list[str]:
    """The offerings that are listed, or of which the rule says yes."""
    if rule is None:
        return offerings or []
    answers = Screen(_NOBODY, index).answers(parse(rule))
    return sorted(
        index.offering_ids[place] for place in np.flatnonzero(answers == Answer.YES).tolist()
    )
