"""What an index is built of, as of an event; brought forward by what has turned since."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec

from matchmaker.catalog import queries as catalog
from matchmaker.catalog import texts
from matchmaker.catalog.admissions import queries as admissions
from matchmaker.catalog.declaration import OfferingDocument, PackageDocument, PriceCard
from matchmaker.catalog.facts import declared_facts
from matchmaker.catalog.models import OfferingId
from matchmaker.core import events
from matchmaker.core.wire import Text
from matchmaker.matching.index import OfferingCard, PackageCard
from matchmaker.ranking import facts as ranked
from matchmaker.ranking.tokens import TokenCount
from matchmaker.rules import parse

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from matchmaker.catalog.queries import PublishedOffering
    from matchmaker.core.db import ReadSession
    from matchmaker.matching.editions import Edition
    from matchmaker.matching.registry import Words

_VERIFIED: Final = "verified"


@dataclass(slots=True)
class Gathered:
    """Every offering published right after the event at ``position``, with its card, by id."""

    edition: Edition
    position: int
    anchor: str
    offerings: dict[OfferingId, tuple[ranked.OfferingFacts, OfferingCard]] = field(
        default_factory=dict["OfferingId", "tuple[ranked.OfferingFacts, OfferingCard]"]
    )

    @property
    def facts(self) -> list[ranked.OfferingFacts]:
        """What the index is built of."""
        return [facts for facts, _ in self.offerings.values()]

    def card(self, offering_id: str) -> OfferingCard:
        """What is shown of the offering."""
        return self.offerings[OfferingId(UUID(offering_id))][1]


async def gather(session: ReadSession, edition: Edition, position: int) -> Gathered:
    """What was published right after the event at ``position``, read whole."""
    found = Gathered(edition, position, await anchor_of(session, position))
    await _read(session, found, None)
    return found


async def advance(session: ReadSession, found: Gathered, position: int) -> None:
    """Bring ``found`` to a later position by reading what has turned in between."""
    turned = await turned_since(session, found.position)
    for offering_id in turned:
        found.offerings.pop(offering_id, None)
    found.position, found.anchor = position, await anchor_of(session, position)
    await _read(session, found, turned)


async def turned_since(session: ReadSession, position: int) -> frozenset[OfferingId]:
    """The offerings of which an index says something else now than at ``position``."""
    turned = await catalog.turned_offerings(session, position)
    return turned | await admissions.turned_offerings(session, position)


async def anchor_of(session: ReadSession, position: int) -> str:
    """The hash of the event there, empty where there is none: tells a history from any other."""
    found = await events.anchor(session, position)
    return "" if found is None else found.hash.hex()


async def _read(session: ReadSession, found: Gathered, only: Collection[OfferingId] | None) -> None:
    pools = await admissions.pool_codes(session, found.position)
    stages = found.edition.model.card.vocabulary.stages
    async for row in catalog.published_offerings(session, found.position, only=only):
        counted = _recounted(row, found.edition.words)
        facts = facts_of(counted, stages, pools.get(row.offering_id, frozenset()))
        found.offerings[row.offering_id] = facts, card_of(row)


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


def facts_of(
    row: PublishedOffering, stages: tuple[str, ...], pools: frozenset[str] = frozenset()
) -> ranked.OfferingFacts:
    """The declared facts of a stored version, decoded for the index.

    ``stages`` is the ladder in order, ``pools`` the codes of those it is in.
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
        pools=pools,
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
