"""Every statement about shortlists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import aliased

from matchmaker.catalog.machine import OfferingState
from matchmaker.catalog.models import Offering, OfferingVersion
from matchmaker.matching.models import MatchRow
from matchmaker.matching.shortlists.models import Shortlist, ShortlistEntry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import OrganisationId
    from matchmaker.matching.shortlists.models import ShortlistId


class FoundEntry(NamedTuple):
    """An entry of a shortlist with what the run showed of it, and what is published now."""

    offering_id: OfferingId
    title: dict[str, Any]
    version: int
    package: str
    rank: int
    score: int
    fit: int | None
    note: str | None
    current_version: int | None


async def insert_shortlist(
    session: Session, shortlist: Shortlist, entries: Sequence[dict[str, Any]]
) -> None:
    """Add the shortlist with its entries."""
    session.add(shortlist)
    await session.flush()
    await _insert_entries(session, shortlist.id, entries)


async def replace_entries(
    session: Session, shortlist_id: ShortlistId, entries: Sequence[dict[str, Any]]
) -> None:
    """Let the shortlist hold ``entries`` and nothing else."""
    await session.execute(delete(ShortlistEntry).where(ShortlistEntry.shortlist_id == shortlist_id))
    await _insert_entries(session, shortlist_id, entries)


async def _insert_entries(
    session: Session, shortlist_id: ShortlistId, entries: Sequence[dict[str, Any]]
) -> None:
    if entries:
        await session.execute(
            insert(ShortlistEntry),
            [
                {**entry, "shortlist_id": shortlist_id, "position": place}
                for place, entry in enumerate(entries)
            ],
        )


async def find_shortlist(session: ReadSession, shortlist_id: ShortlistId) -> Shortlist | None:
    """The shortlist of this id, as it is now."""
    found = await session.scalars(
        select(Shortlist)
        .where(Shortlist.id == shortlist_id)
        .execution_options(populate_existing=True)
    )
    return found.one_or_none()


async def list_shortlists(
    session: ReadSession, owner: OrganisationId, *, after: UUID | None, limit: int
) -> list[Shortlist]:
    """Up to ``limit`` shortlists of ``owner``, by id, after the shortlist ``after``."""
    statement = select(Shortlist).where(Shortlist.organisation_id == owner)
    if after is not None:
        statement = statement.where(Shortlist.id > after)
    return list(await session.scalars(statement.order_by(Shortlist.id).limit(limit)))


async def entries_of(
    session: ReadSession, shortlist_ids: Sequence[ShortlistId]
) -> dict[ShortlistId, list[FoundEntry]]:
    """The entries of each shortlist in their order."""
    shown, current = aliased(OfferingVersion), aliased(OfferingVersion)
    rows = await session.execute(
        select(
            ShortlistEntry.shortlist_id,
            ShortlistEntry.offering_id,
            shown.title,
            shown.number,
            MatchRow.package,
            MatchRow.rank,
            MatchRow.score,
            MatchRow.fit,
            ShortlistEntry.note,
            current.number,
        )
        .join(
            MatchRow,
            (MatchRow.run_id == ShortlistEntry.run_id)
            & (MatchRow.offering_id == ShortlistEntry.offering_id),
        )
        .join(shown, shown.id == MatchRow.version_id)
        .join(Offering, Offering.id == ShortlistEntry.offering_id)
        .outerjoin(
            current,
            (current.id == Offering.published_version_id)
            & (Offering.state == OfferingState.PUBLISHED),
        )
        .where(ShortlistEntry.shortlist_id.in_(shortlist_ids))
        .order_by(ShortlistEntry.shortlist_id, ShortlistEntry.position)
    )
    found: dict[ShortlistId, list[FoundEntry]] = {id_: [] for id_ in shortlist_ids}
    for row in rows:
        found[row[0]].append(FoundEntry(*row[1:]))
    return found
