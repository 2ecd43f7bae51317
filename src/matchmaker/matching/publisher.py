"""Builds the index from what is published in the database and switches every worker to it."""

from __future__ import annotations

import contextlib
import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from matchmaker.core import events
from matchmaker.core.canonical import canonical, digest
from matchmaker.matching import editions, queries
from matchmaker.matching.archive import EDITION
from matchmaker.matching.curations import publishing as curations
from matchmaker.matching.gathering import (
    advance,
    anchor_of,
    gather,
    have_turned_beside,
    tidy,
    turned_since,
)
from matchmaker.matching.index import (
    Beside,
    IndexHolder,
    IndexNotReady,
    IndexVersions,
    building,
    current_name,
    fill,
    write,
)
from matchmaker.policy.programmes import publishing as programmes

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.matching.archive import Archive, Wanted
    from matchmaker.matching.editions import Edition
    from matchmaker.matching.gathering import Gathered
    from matchmaker.ranking.index import Index
    from matchmaker.ranking.text import TextStatistics

COMPACT_AT: Final = 10
"""Per cent of the offerings that may have turned since the base; with more the texts are weighed
anew, on a base of now."""


class Base(NamedTuple):
    """What a delta takes over of its base: where that is, and what it knows of words."""

    position: int
    statistics: TextStatistics
    text: str
    """Names the statistics."""


@dataclass(frozen=True, slots=True)
class Built:
    """An index with the cards of its offerings, in its order, and what it was built from."""

    index: Index
    cards: list[bytes]
    versions: IndexVersions
    beside: Beside


class _Current(NamedTuple):
    """What is published: where, what it was built from, and what its base knows of words."""

    name: str
    versions: IndexVersions
    statistics: TextStatistics


class Publisher:
    """Publishes into one folder, by one edition; keeps what it has read for the next time."""

    def __init__(self, folder: Path, edition: Edition) -> None:
        """Note where; nothing is read before it is needed."""
        self._folder, self._edition = folder, edition
        self._holder = IndexHolder(folder, lambda index: index.edition == edition.names)
        self._gathered: Gathered | None = None
        self._written: _Current | None = None

    async def is_current(self, session: ReadSession) -> bool:
        """Whether what is published in the folder is what is published now."""
        current = self._current()
        if current is None or not await _holds(session, current.versions):
            return False
        position = current.versions.position
        turned = await turned_since(session, position)
        return not turned and not await have_turned_beside(session, position)

    async def prepare(self, session: ReadSession) -> None:
        """Read what is published now, so that the next publication reads only what has turned.

        ``session`` must see one moment, as for `publish`.
        """
        if self._gathered is None:
            with _uncollected():
                await self._up_to(session, await events.head(session))

    async def publish(self, session: ReadSession, *, whole: bool = False) -> Index:
        """The index of everything published now, written and made current.

        What has turned since the base is a delta on it, unless that is much or ``whole`` is asked
        for. ``session`` must see one moment (repeatable read), or what is committed meanwhile is
        counted and not indexed.
        """
        with _uncollected():
            position = await events.head(session)
            gathered = await self._up_to(session, position)
            built = built_of(gathered, None if whole else await self._base(session, position))
            place = write(
                self._folder, built.index, built.cards, built.versions, beside=built.beside
            )
            self._written = _Current(place.name, built.versions, built.index.statistics)
        return built.index

    async def tidy(self, session: Session) -> None:
        """Keep what the last reading has coded anew, for whoever reads whole next."""
        if self._gathered is not None:
            await tidy(session, self._gathered)

    @property
    def is_prepared(self) -> bool:
        """Whether everything was read once."""
        return self._gathered is not None

    @property
    def is_tidy(self) -> bool:
        """Whether nothing is left to be kept, or to be forgotten."""
        found = self._gathered
        return found is None or not (found.fresh or found.worn)

    async def _up_to(self, session: ReadSession, position: int) -> Gathered:
        found = self._gathered
        if found is not None and found.is_worn:
            found = None
        if found is None or not await _is_of(session, found.position, found.anchor):
            found = await gather(session, self._edition, position)
        else:
            # Half of it read is worth nothing: the next time begins anew.
            self._gathered = None
            await advance(session, found, position)
        self._gathered = found
        return found

    async def _base(self, session: ReadSession, position: int) -> Base | None:
        """The base that goes on; None where a new one begins."""
        current = self._current()
        if current is None or not await _holds(session, current.versions):
            return None
        _, versions, known = current
        turned = await turned_since(session, versions.base)
        if versions.base >= position or len(turned) * 100 > COMPACT_AT * known.offerings:
            return None
        return Base(versions.base, known, versions.text)

    def _current(self) -> _Current | None:
        """What is published; only what another process has written is read."""
        with contextlib.suppress(IndexNotReady):
            name = current_name(self._folder)
            if self._written is None or self._written.name != name:
                found = self._holder.current()
                self._written = _Current(name, found.versions, found.index.statistics)
            return self._written
        return None


def built_of(gathered: Gathered, base: Base | None = None) -> Built:
    """The index of what was gathered: a base, or a delta on ``base``.

    A function of the rows that held at the two positions.
    """
    known = None if base is None else base.statistics
    index = gathered.builder.index(gathered.edition.model.card.text, known)
    versions = IndexVersions(
        base=gathered.position if base is None else base.position,
        delta=0 if base is None else gathered.position,
        anchor=gathered.anchor,
        text=_text_version(index.statistics) if base is None else base.text,
        edition=gathered.edition.names,
    )
    cards = [*map(gathered.cards.__getitem__, index.offering_ids)]
    beside = Beside(
        curations=curations.published(gathered.curations, index),
        programmes=programmes.published(gathered.programmes),
    )
    return Built(index, cards, versions, beside)


async def built_at(session: ReadSession, edition: Edition, base: int, delta: int) -> Built:
    """The index as it stood at these positions, by ``edition``; ``delta`` 0 is the base itself."""
    gathered = await gather(session, edition, base)
    if not delta:
        return built_of(gathered)
    known = gathered.builder.statistics()
    await advance(session, gathered, delta)
    return built_of(gathered, Base(base, known, _text_version(known)))


async def keep(session: Session, edition: Edition) -> None:
    """Keep the parts of ``edition``: what is answered with them can be replayed for ever.

    Raises:
        IncompatibleTables: the tables of a new model do not give what the ranker predicts.
    """
    names = msgspec.structs.asdict(edition.names)
    # Half a megabyte, and mostly it is there: it is looked for before it is sent.
    missing = names.keys() - await queries.kept_of(session, names)
    if "model" in missing:
        # What is kept was checked then. Scikit-learn takes as long to load as a third of a build,
        # and stays in memory: a match needs tables.
        from matchmaker.ranking import scorecard

        scorecard.check(edition.model.card, edition.model.tables)
    for part in missing:
        await queries.keep_part(session, part, names[part], edition.parts[part])


async def rebuild(session: ReadSession, archive: Archive, wanted: Wanted, edition: Edition) -> bool:
    """Whether the index that is ``wanted`` could be built; it is in ``archive`` then.

    ``edition`` is that of this release; another one is read from what is kept.
    """
    is_past = max(wanted.base, wanted.delta) <= await events.head(session)
    if not is_past or 0 < wanted.delta <= wanted.base:
        archive.refuse(wanted)
        return False
    with building(archive.built) as place, _uncollected():
        used = edition
        if wanted.edition != edition.names:
            names = msgspec.structs.asdict(wanted.edition)
            parts = await queries.parts_of(session, names)
            if parts.keys() != names.keys():
                archive.refuse(wanted)
                place.rmdir()
                return False
            editions.restore(place / EDITION, parts)
            used = editions.opened(editions.Kept(wanted.edition, place / EDITION))
        built = await built_at(session, used, wanted.base, wanted.delta)
        fill(place, built.index, built.cards, built.versions, beside=built.beside)
        archive.put(wanted, place)
    return True


@contextlib.contextmanager
def _uncollected() -> Generator[None]:
    """The search for cycles rests: it took a third of a build, and millions of facts have none."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _holds(session: ReadSession, versions: IndexVersions) -> bool:
    return await _is_of(session, versions.position, versions.anchor)


async def _is_of(session: ReadSession, position: int, anchor: str) -> bool:
    """Whether the history of the database had this at the position: a folder may outlive it."""
    return await anchor_of(session, position) == anchor


def _text_version(known: TextStatistics) -> str:
    """Names the frozen statistics of the text: equal statistics, equal name."""
    lengths = {language: repr(length) for language, length in known.average_length.items()}
    return digest(
        canonical(
            {"offerings": known.offerings, "lengths": lengths, "holding": dict(known.holding)}
        )
    )[:16]
