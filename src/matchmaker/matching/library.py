"""The indexes one process can replay on: those published, and those rebuilt for it."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from matchmaker.matching import editions, index
from matchmaker.matching.archive import EDITION, Archive, Wanted
from matchmaker.matching.editions import EditionNames, Kept
from matchmaker.matching.errors import CannotReplay
from matchmaker.matching.learned.shelf import CARD, parts_of
from matchmaker.matching.run import ENGINE, RULES
from matchmaker.ranking.storage import UnreadableIndex

if TYPE_CHECKING:
    from pathlib import Path

    from matchmaker.matching.index import Published
    from matchmaker.matching.learned.shelf import VersionParts
    from matchmaker.matching.matcher import Matcher
    from matchmaker.matching.schemas import UsedVersions
    from matchmaker.matching.service import Model

OPEN: Final = 2
"""Rebuilt indexes that a process holds open."""


@dataclass(frozen=True, slots=True)
class Place:
    """An index, and a matcher of the edition it was built with."""

    published: Published
    matcher: Matcher


@dataclass(slots=True)
class Library:
    """Finds the index of an answer by its versions."""

    matcher: Matcher
    archive: Archive
    _open: OrderedDict[str, Place] = field(default_factory=OrderedDict[str, Place])

    async def find(self, versions: UsedVersions) -> Place | None:
        """The place where just these versions answer; None while it is being rebuilt.

        Raises:
            CannotReplay: another engine made the answer, or its index cannot be rebuilt.
            IndexNotReady: nothing has been published for this release.
        """
        current = self.matcher.holder.current()
        if (versions.engine, versions.rules) != (ENGINE, RULES):
            raise self._cannot(versions)
        used = parts_of(versions.model)
        card = used.card
        if card == self.matcher.model.version:
            matcher = self._ranking_by(self.matcher, used, versions)
            published = matcher.at_hand(versions)
            if published is not None:
                return Place(published, matcher)
        wanted = Wanted(
            base=versions.index.base,
            delta=versions.index.delta,
            edition=EditionNames(
                model=card, taxonomy=versions.taxonomy, glossary=versions.glossary
            ),
        )
        # No answer rests on an index that was not published: nobody has such a receipt.
        is_ahead = max(wanted.base, wanted.delta) > current.versions.position
        if is_ahead or self.archive.is_refused(wanted):
            raise self._cannot(versions)
        place = await self._rebuilt(wanted)
        if place is None:
            return None
        return Place(place.published, self._ranking_by(place.matcher, used, versions))

    def _ranking_by(self, matcher: Matcher, used: VersionParts, versions: UsedVersions) -> Matcher:
        """``matcher`` with the models that ranked then, and no others.

        Raises:
            CannotReplay: a learned model is not there, or not the one that was kept.
        """

        def found(key: str | None) -> Model:
            if key is None or key == CARD:
                return matcher.model
            shelf = self.matcher.shelf
            model = None if shelf is None else shelf.find(key, matcher.model)
            if model is None:
                raise self._cannot(versions)
            return model

        if matcher.shelf is None and used.learned is None and used.rival is None:
            return matcher
        rival = None if used.rival is None else found(used.rival)
        return replace(matcher, model=found(used.learned), rival=rival, shelf=None)

    async def _rebuilt(self, wanted: Wanted) -> Place | None:
        folder = self.archive.find(wanted)
        if wanted.key not in self._open and folder is not None:
            try:
                # In a thread: an edition takes a second to load, and others want their matches.
                self._open[wanted.key] = await asyncio.to_thread(self._opened, folder)
            except (UnreadableIndex, FileNotFoundError):
                # An older release may have built it: this one does so again, in its own format.
                self.archive.drop(wanted)
        if wanted.key not in self._open:
            self.archive.want(wanted)
            return None
        self._open.move_to_end(wanted.key)
        while len(self._open) > OPEN:
            self._open.popitem(last=False)
        return self._open[wanted.key]

    def _opened(self, folder: Path) -> Place:
        published = index.read(folder)
        if not (folder / EDITION).exists():
            return Place(published, self.matcher)
        edition = editions.opened(Kept(published.versions.edition, folder / EDITION))
        return Place(published, replace(self.matcher, model=edition.model, reader=edition.reader))

    def _cannot(self, versions: UsedVersions) -> CannotReplay:
        now = self.matcher.versions(self.matcher.holder.current().versions).canonical()
        return CannotReplay(extra={"then": versions, "now": now})
