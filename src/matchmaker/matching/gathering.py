"""What an index is built of, as of an event; brought forward by what has turned since."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias
from uuid import UUID

import numpy as np

from matchmaker.catalog import queries as catalog
from matchmaker.catalog.admissions import queries as admissions
from matchmaker.catalog.models import OfferingId
from matchmaker.core import events
from matchmaker.core.clock import utc_now
from matchmaker.identity import queries as identity
from matchmaker.matching import packing, queries
from matchmaker.matching.curations import queries as curated
from matchmaker.matching.decoding import OfferingDecoder, name_of
from matchmaker.matching.packing import Unpacker, UnreadableBlock
from matchmaker.policy.programmes import queries as programmes
from matchmaker.ranking.building import Builder

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matchmaker.catalog.queries import PublishedOffering
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.matching.curations.queries import LiveCuration
    from matchmaker.matching.editions import Edition
    from matchmaker.matching.packing import Coded
    from matchmaker.matching.queries import FoundBlock
    from matchmaker.policy.programmes.queries import LiveProgramme


_AT_A_TIME: Final = 4096
"""Offerings that are coded together, and kept as one block."""
_KEPT_FOR: Final = dt.timedelta(days=7)
"""How long blocks stay that another release has coded: it may serve beside this one."""
Names: TypeAlias = "Mapping[bytes, bytes]"
"""What providers are called, by the bytes of their ids, as a card shows it."""
Pools: TypeAlias = "Mapping[str, frozenset[str]]"
"""The pools that offerings are in; the others are in none."""
_NOWHERE: Final = frozenset[str]()


@dataclass(slots=True)
class Gathered:
    """Every offering published right after the event at ``position``: what it says, and its card.

    An index is built of it as often as it is brought forward.
    """

    edition: Edition
    position: int
    anchor: str
    curations: list[LiveCuration] = field(init=False, default_factory=list["LiveCuration"])
    programmes: list[LiveProgramme] = field(init=False, default_factory=list["LiveProgramme"])
    builder: Builder = field(init=False)
    cards: dict[str, bytes] = field(init=False, default_factory=dict[str, bytes])
    encoder: str = field(init=False)
    fresh: list[bytes] = field(init=False, default_factory=list[bytes])
    """Blocks that were coded anew, packed: to be kept."""
    worn: list[UUID] = field(init=False, default_factory=list[UUID])
    """Kept blocks of which most is not published any more, or that cannot be read."""
    _decoder: OfferingDecoder = field(init=False)

    def __post_init__(self) -> None:
        """Begin with no offering."""
        vocabulary, words = self.edition.model.card.vocabulary, self.edition.words
        self.builder = Builder(vocabulary)
        self.encoder = packing.encoder_name(vocabulary.stages, words.version)
        self._decoder = OfferingDecoder(vocabulary.stages, words)

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

    def code(self, rows: Sequence[PublishedOffering]) -> Coded:
        """The offerings of ``rows`` as codes."""
        return packing.coded([*map(self._decoder.decode, rows)])

    def take(self, coded: Coded, names: Names, pools: Pools) -> None:
        """Take these offerings, with what is no part of their versions."""
        ids = coded.block.ids
        self.builder.join(coded.block, [pools.get(id_, _NOWHERE) for id_ in ids])
        called = map(names.__getitem__, coded.providers)
        cards = (card.naming(name) for card, name in zip(coded.cards, called, strict=True))
        self.cards.update(zip(ids, cards, strict=True))


async def gather(session: ReadSession, edition: Edition, position: int) -> Gathered:
    """What was published right after the event at ``position``, read whole.

    From the blocks that are kept, as far as they reach; the rest from the versions.
    """
    found = Gathered(edition, position, await anchor_of(session, position))
    await _beside(session, found)
    pools = await _pools(session, position)
    live = await catalog.live_versions(session, position)
    total, unpacker = len(live), Unpacker(found.encoder)
    called = await identity.names_at(session, position)
    names = {provider.bytes: name_of(name) for provider, name in called.items()}
    async with contextlib.aclosing(queries.encoded_blocks(session, found.encoder)) as blocks:
        async for block in blocks:
            coded = _unpacked(unpacker, block)
            here = None if coded is None else _live(coded, live)
            if here is None:
                found.worn.append(block.id)
            else:
                found.take(here, names, pools)
    if live:
        rest = [OfferingId(UUID(bytes=id_)) for id_ in live.values()]
        await _read(session, found, pools, rest if len(rest) < total else None, keeps=True)
    return found


async def advance(session: ReadSession, found: Gathered, position: int) -> None:
    """Bring ``found`` to a later position by reading what has turned in between."""
    turned = await turned_since(session, found.position)
    found.let(turned)
    found.position, found.anchor = position, await anchor_of(session, position)
    await _beside(session, found)
    # A great import is kept now; of a few a block would hold too little.
    keeps = len(turned) >= _AT_A_TIME
    await _read(session, found, await _pools(session, position), turned, keeps=keeps)


async def turned_since(session: ReadSession, position: int) -> frozenset[OfferingId]:
    """The offerings of which an index says something else now than at ``position``."""
    turned = await catalog.turned_offerings(session, position)
    return turned | await admissions.turned_offerings(session, position)


async def have_turned_beside(session: ReadSession, position: int) -> bool:
    """Whether what stands beside the offerings in an index is other than at ``position``."""
    turned = await curated.have_turned(session, position)
    return turned or await programmes.have_turned(session, position)


async def anchor_of(session: ReadSession, position: int) -> str:
    """The hash of the event there, empty where there is none: tells a history from any other."""
    found = await events.anchor(session, position)
    return "" if found is None else found.hash.hex()


async def tidy(session: Session, found: Gathered) -> None:
    """Keep the blocks that were coded anew, and forget those that are worn."""
    fresh, worn = found.fresh, found.worn
    found.fresh, found.worn = [], []
    await queries.drop_blocks(session, worn)
    for body in fresh:
        await queries.add_block(session, found.encoder, packing.seal(found.encoder, body), body)
    if fresh:
        await queries.drop_other_blocks(session, found.encoder, utc_now() - _KEPT_FOR)


def _unpacked(unpacker: Unpacker, block: FoundBlock) -> Coded | None:
    """What is in ``block``; None where it is not as it was packed."""
    try:
        return unpacker.unpack(block.seal, block.body)
    except UnreadableBlock:
        return None


def _live(coded: Coded, live: dict[bytes, bytes]) -> Coded | None:
    """What is ``live`` of ``coded``, and is looked for no more; None if that is less than half."""
    here = [place for place, version in enumerate(coded.versions) if version in live]
    if 2 * len(here) < len(coded.versions):
        return None
    chosen = coded if len(here) == len(coded.versions) else coded.at(np.array(here, np.int64))
    for version in chosen.versions:
        del live[version]
    return chosen


async def _beside(session: ReadSession, found: Gathered) -> None:
    """Take what stands beside the offerings at the position of ``found``, whole: it is little."""
    found.curations = await curated.live_curations(session, found.position)
    found.programmes = await programmes.live_programmes(session, found.position)


async def _pools(session: ReadSession, position: int) -> Pools:
    found = await admissions.pool_codes(session, position)
    return {str(offering): codes for offering, codes in found.items()}


async def _read(
    session: ReadSession,
    found: Gathered,
    pools: Pools,
    only: Collection[OfferingId] | None,
    *,
    keeps: bool = False,
) -> None:
    """Take what was published from its versions; ``keeps`` the blocks it makes of them."""

    def take(rows: Sequence[PublishedOffering]) -> None:
        coded = found.code(rows)
        found.take(coded, {r.organisation_id.bytes: name_of(r.provider_name) for r in rows}, pools)
        if keeps:
            # What cannot be packed is read from its version each time.
            with contextlib.suppress(OverflowError):
                found.fresh.append(packing.pack(coded))

    published = catalog.published_offerings(session, found.position, only=only)
    taken: list[PublishedOffering] = []
    async with contextlib.aclosing(published) as rows:
        async for row in rows:
            taken.append(row)
            if len(taken) == _AT_A_TIME:
                take(taken)
                taken.clear()
    if taken:
        take(taken)
