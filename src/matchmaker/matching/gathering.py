"""What an index is built of, as of an event; brought forward by what has turned since."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matchmaker.catalog import queries as catalog
from matchmaker.catalog.admissions import queries as admissions
from matchmaker.core import events
from matchmaker.matching.decoding import OfferingDecoder

if TYPE_CHECKING:
    from collections.abc import Collection

    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import ReadSession
    from matchmaker.matching.editions import Edition
    from matchmaker.matching.index import OfferingCard
    from matchmaker.ranking.facts import OfferingFacts


@dataclass(slots=True)
class Gathered:
    """Every offering published right after the event at ``position``, with its card, by id."""

    edition: Edition
    position: int
    anchor: str
    offerings: dict[str, tuple[OfferingFacts, OfferingCard]] = field(
        default_factory=dict[str, "tuple[OfferingFacts, OfferingCard]"]
    )

    @property
    def facts(self) -> list[OfferingFacts]:
        """What the index is built of."""
        return [facts for facts, _ in self.offerings.values()]

    def card(self, offering_id: str) -> OfferingCard:
        """What is shown of the offering."""
        return self.offerings[offering_id][1]


async def gather(session: ReadSession, edition: Edition, position: int) -> Gathered:
    """What was published right after the event at ``position``, read whole."""
    found = Gathered(edition, position, await anchor_of(session, position))
    await _read(session, found, None)
    return found


async def advance(session: ReadSession, found: Gathered, position: int) -> None:
    """Bring ``found`` to a later position by reading what has turned in between."""
    turned = await turned_since(session, found.position)
    for offering_id in turned:
        found.offerings.pop(str(offering_id), None)
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
    edition = found.edition
    decoder = OfferingDecoder(edition.model.card.vocabulary.stages, edition.words)
    published = catalog.published_offerings(session, found.position, only=only)
    async with contextlib.aclosing(published) as rows:
        async for row in rows:
            facts, card = decoder.decode(row, pools.get(row.offering_id, frozenset()))
            found.offerings[card.offering_id] = facts, card
