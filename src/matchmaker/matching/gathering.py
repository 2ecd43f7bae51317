"""What an index is built of, as of an event; brought forward by what has turned since."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from matchmaker.catalog import queries as catalog
from matchmaker.catalog.admissions import queries as admissions
from matchmaker.core import events
from matchmaker.matching.decoding import OfferingDecoder
from matchmaker.ranking.building import Builder

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matchmaker.catalog.models import OfferingId
    from matchmaker.catalog.queries import PublishedOffering
    from matchmaker.core.db import ReadSession
    from matchmaker.matching.editions import Edition


_AT_A_TIME: Final = 1000


@dataclass(slots=True)
class Gathered:
    """Every offering published right after the event at ``position``: what it says, and its card.

    An index is built of it as often as it is brought forward.
    """

    edition: Edition
    position: int
    anchor: str
    builder: Builder = field(init=False)
    cards: dict[str, bytes] = field(init=False, default_factory=dict[str, bytes])
    _decoder: OfferingDecoder = field(init=False)

    def __post_init__(self) -> None:
        """Begin with no offering."""
        vocabulary = self.edition.model.card.vocabulary
        self.builder = Builder(vocabulary)
        self._decoder = OfferingDecoder(vocabulary.stages, self.edition.words)

    @property
    def is_worn(self) -> bool:
        """Whether more has been let go of than is held: to read it anew takes less room."""
        return self.builder.let_go > len(self.cards)

    def let(self, ids: Collection[OfferingId]) -> None:
        """Let go of the offerings of these ``ids``."""
        gone = [*map(str, ids)]
        self.builder.let(gone)
        for offering_id in gone:
            self.cards.pop(offering_id, None)

    def take(
        self, rows: Sequence[PublishedOffering], pools: Mapping[OfferingId, frozenset[str]]
    ) -> None:
        """Take the offerings of ``rows``, which are in these ``pools``."""
        decoded = [
            self._decoder.decode(row, pools.get(row.offering_id, frozenset())) for row in rows
        ]
        self.builder.extend([each.line for each in decoded])
        self.cards.update((each.line.offering_id, each.card) for each in decoded)


async def gather(session: ReadSession, edition: Edition, position: int) -> Gathered:
    """What was published right after the event at ``position``, read whole."""
    found = Gathered(edition, position, await anchor_of(session, position))
    await _read(session, found, None)
    return found


async def advance(session: ReadSession, found: Gathered, position: int) -> None:
    """Bring ``found`` to a later position by reading what has turned in between."""
    turned = await turned_since(session, found.position)
    found.let(turned)
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
    published = catalog.published_offerings(session, found.position, only=only)
    taken: list[PublishedOffering] = []
    async with contextlib.aclosing(published) as rows:
        async for row in rows:
            taken.append(row)
            if len(taken) == _AT_A_TIME:
                found.take(taken, pools)
                taken.clear()
    found.take(taken, pools)
