"""Builds the index from the published versions in the database and switches every worker to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from matchmaker.catalog import queries as catalog
from matchmaker.catalog import texts
from matchmaker.catalog.declaration import OfferingDocument, PackageDocument, PriceCard
from matchmaker.catalog.facts import declared_facts
from matchmaker.core import events
from matchmaker.core.canonical import canonical, digest
from matchmaker.core.wire import Text
from matchmaker.matching.index import IndexVersions, OfferingCard, PackageCard, write
from matchmaker.ranking import facts as ranked
from matchmaker.ranking.index import Index, build
from matchmaker.ranking.tokens import TokenCount
from matchmaker.rules import parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matchmaker.catalog.queries import PublishedOffering
    from matchmaker.core.db import ReadSession
    from matchmaker.matching.registry import Words
    from matchmaker.ranking.card import Card
    from matchmaker.taxonomy.registry import Taxonomy

_VERIFIED: Final = "verified"


@dataclass(frozen=True, slots=True)
class Sources:
    """What shapes an index beside the offerings: the card, the taxonomy, the tokenizer."""

    card: Card
    taxonomy: Taxonomy
    words: Words


async def publish(session: ReadSession, folder: Path, sources: Sources) -> Index:
    """The index of everything published now, written below ``folder`` and made current.

    ``session`` must see one moment (repeatable read), or what is committed meanwhile is counted
    and not indexed.
    """
    card = sources.card
    facts: list[ranked.OfferingFacts] = []
    cards: dict[str, OfferingCard] = {}
    position = await events.head(session)
    async for row in catalog.published_offerings(session, position):
        offering = facts_of(_recounted(row, sources.words), card.vocabulary.stages)
        facts.append(offering)
        cards[offering.offering_id] = card_of(row)
    index = build(facts, card.text, vocabulary=card.vocabulary)
    versions = IndexVersions(
        base=position,
        delta=0,
        content=await catalog.content(session),
        text=_text_version(index),
        card=card.name,
        taxonomy=sources.taxonomy.version,
        glossary=sources.words.version,
    )
    write(folder, index, [cards[offering_id] for offering_id in index.offering_ids], versions)
    return index


def _recounted(row: PublishedOffering, words: Words) -> PublishedOffering:
    """``row`` with its tokens counted anew where they were counted with other words."""
    if row.text_version == words.version:
        return row
    title, summary = msgspec.convert((row.title, row.summary), tuple[Text, Text | None])
    packages = [msgspec.convert(package["title"], Text) for package in row.packages]
    counted = texts.count([title, title, summary, *packages], words.tokenizer)
    return row._replace(
        tokens={name: TokenCount(c.length, c.counts) for name, c in counted.items()}
    )


def card_of(row: PublishedOffering) -> OfferingCard:
    """What a match shows of the offering beside its numbers."""
    return OfferingCard(
        offering_id=str(row.offering_id),
        version_id=str(row.version_id),
        version=row.number,
        provider_id=str(row.organisation_id),
        provider_name=msgspec.convert(row.provider_name, Text),
        title=msgspec.convert(row.title, Text),
        packages=tuple(
            PackageCard(code=package["code"], title=msgspec.convert(package["title"], Text))
            for package in row.packages
        ),
    )


def facts_of(row: PublishedOffering, stages: tuple[str, ...]) -> ranked.OfferingFacts:
    """The declared facts of a stored version, decoded for the index.

    ``stages`` is the ladder in order.
    """
    document = msgspec.convert(row.document, OfferingDocument)
    cases = document.cases or ()
    record = document.record
    return ranked.OfferingFacts(
        offering_id=str(row.offering_id),
        provider_id=str(row.organisation_id),
        kind=row.kind,
        packages=tuple(_package(package, stages) for package in row.packages),
        declared=declared_facts(document, kind=row.kind, visibility=row.visibility),
        text=row.tokens,
        visibility=row.visibility,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        attested=row.attested,
        must=None if row.must is None else parse(row.must),
        cases=tuple(
            ranked.Case(case.industry, frozenset(case.scenes))
            for case in cases
            if case.state == _VERIFIED
        ),
        record=None if record is None else (record.accepted, record.projects),
    )


def _package(package: Mapping[str, Any], stages: tuple[str, ...]) -> ranked.PackageFacts:
    document = msgspec.convert(package["document"], PackageDocument)
    return ranked.PackageFacts(
        code=package["code"],
        scales=frozenset(document.scales or ()),
        stages=None
        if document.stages is None
        else (stages.index(document.stages[0]), stages.index(document.stages[1])),
        levels=document.levels or {},
        price=None if document.price is None else _price(document.price),
        weeks=document.weeks,
    )


def _price(card: PriceCard) -> ranked.PriceCard:
    """The card with every range at its upper end."""
    return ranked.PriceCard(
        card.currency,
        tuple(
            ranked.PricePart(part.part, part.to if part.amount is None else part.amount, part.per)
            for part in card.parts
        ),
    )


def _text_version(index: Index) -> str:
    """Names the frozen statistics of the text: equal statistics, equal name."""
    known = index.statistics
    lengths = {language: repr(length) for language, length in known.average_length.items()}
    return digest(
        canonical(
            {"offerings": known.offerings, "lengths": lengths, "holding": dict(known.holding)}
        )
    )[:16]
