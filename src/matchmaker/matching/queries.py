"""Every statement about match runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import ColumnElement, Integer, and_, cast, delete, func, insert, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert

from matchmaker.core.ids import uuid7
from matchmaker.demand.models import NeedVersion
from matchmaker.enterprise.models import ProfileVersion
from matchmaker.matching.models import EditionPart, EncodedBlock, MatchRow, MatchRunRow

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
    from uuid import UUID

    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.demand.models import NeedId
    from matchmaker.identity.models import OrganisationId
    from matchmaker.matching.models import RunId


class FoundRun(NamedTuple):
    """A stored run, and the numbers of the versions it read."""

    run: MatchRunRow
    need_version: int | None
    profile_version: int | None


class FoundBlock(NamedTuple):
    """An encoded block as it is kept."""

    id: UUID
    seal: bytes
    body: bytes


class ListedRun(NamedTuple):
    """A stored run in a list."""

    id: RunId
    organisation_id: OrganisationId
    need_id: NeedId | None
    as_of: dt.datetime
    digest: str
    shown: int
    created_at: dt.datetime


async def insert_run(session: Session, run: MatchRunRow, matches: Sequence[dict[str, Any]]) -> None:
    """Add the run with what it showed."""
    session.add(run)
    await session.flush()
    if matches:
        await session.execute(insert(MatchRow), matches)


async def find_run(session: ReadSession, run_id: RunId) -> FoundRun | None:
    """The run of this id."""
    row = (
        await session.execute(
            select(MatchRunRow, NeedVersion.number, ProfileVersion.number)
            .outerjoin(NeedVersion, NeedVersion.id == MatchRunRow.need_version_id)
            .outerjoin(ProfileVersion, ProfileVersion.id == MatchRunRow.profile_version_id)
            .where(MatchRunRow.id == run_id)
        )
    ).one_or_none()
    return None if row is None else FoundRun(*row)


async def list_runs(
    session: ReadSession,
    reader: OrganisationId,
    *,
    asked_by: OrganisationId | None,
    need_id: NeedId | None,
    after: UUID | None,
    limit: int,
) -> list[ListedRun]:
    """Up to ``limit`` runs of ``reader``, or that ``asked_by`` asked for, after ``after``."""
    own = MatchRunRow.organisation_id == reader
    statement = select(
        MatchRunRow.id,
        MatchRunRow.organisation_id,
        MatchRunRow.need_id,
        MatchRunRow.as_of,
        MatchRunRow.digest,
        cast(MatchRunRow.body["funnel"]["shown"].astext, Integer),
        MatchRunRow.created_at,
    ).where(
        MatchRunRow.erased_at.is_(None),
        own if asked_by is None else or_(own, MatchRunRow.asked_by == asked_by),
    )
    if need_id is not None:
        statement = statement.where(MatchRunRow.need_id == need_id)
    if after is not None:
        statement = statement.where(MatchRunRow.id > after)
    rows = await session.execute(statement.order_by(MatchRunRow.id).limit(limit))
    return [ListedRun(*row) for row in rows]


async def erase_runs(session: Session, organisation_id: OrganisationId) -> int:
    """How many runs that read an erased profile of the firm were emptied now; the digests stay.

    Whoever asked them; and its own runs that were given a profile inline.
    """
    erased = await session.execute(select(func.mm.erase_match_runs(organisation_id)))
    return int(erased.scalar_one())


async def inputs_of_firm(
    session: ReadSession, organisation_id: OrganisationId
) -> list[tuple[RunId, dict[str, Any]]]:
    """What the stored matches of the firm were asked."""
    rows = await session.execute(
        select(MatchRunRow.id, MatchRunRow.input).where(
            MatchRunRow.organisation_id == organisation_id, MatchRunRow.erased_at.is_(None)
        )
    )
    return [(id_, asked) for id_, asked in rows]


async def erase_matches(session: Session, organisation_id: OrganisationId) -> int:
    """How many runs of the firm, and of its needs, were emptied now; its lists say nothing."""
    erased = await session.execute(select(func.mm.erase_matches(organisation_id)))
    return int(erased.scalar_one())


async def offerings_of(session: ReadSession, run_id: RunId) -> frozenset[UUID]:
    """The offerings that the run showed."""
    found = await session.scalars(select(MatchRow.offering_id).where(MatchRow.run_id == run_id))
    return frozenset(found)


async def find_match(
    session: ReadSession, run_id: RunId, offering_id: OfferingId
) -> MatchRow | None:
    """How the run showed the offering; None where it did not."""
    found = await session.scalars(
        select(MatchRow).where(MatchRow.run_id == run_id, MatchRow.offering_id == offering_id)
    )
    return found.one_or_none()


async def parts_of(session: ReadSession, names: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The texts of the parts that are kept under ``names``, by part."""
    wanted = select(EditionPart.part, EditionPart.texts).where(_called(names))
    return {row[0]: row[1] for row in await session.execute(wanted)}


async def kept_of(session: ReadSession, names: Mapping[str, str]) -> frozenset[str]:
    """Which parts are kept under their ``names``."""
    return frozenset(await session.scalars(select(EditionPart.part).where(_called(names))))


def _called(names: Mapping[str, str]) -> ColumnElement[bool]:
    called = (
        and_(EditionPart.part == part, EditionPart.name == name) for part, name in names.items()
    )
    return or_(*called)


async def keep_part(session: Session, part: str, name: str, texts: Mapping[str, str]) -> None:
    """Keep the texts of a part under its name; one that is kept already stays."""
    added = upsert(EditionPart).values(part=part, name=name, texts=dict(texts))
    await session.execute(added.on_conflict_do_nothing())


async def encoded_blocks(session: ReadSession, encoder: str) -> AsyncGenerator[FoundBlock]:
    """The blocks that ``encoder`` has coded, the oldest first, one after the other as consumed."""
    wanted = (
        select(EncodedBlock.id, EncodedBlock.seal, EncodedBlock.body)
        .where(EncodedBlock.encoder == encoder)
        .order_by(EncodedBlock.id)
    )
    # Several megabytes each.
    rows = await session.stream(wanted, execution_options={"yield_per": 1})
    try:
        async for row in rows:
            yield FoundBlock(*row)
    finally:
        await rows.close()


async def add_block(session: Session, encoder: str, seal: bytes, body: bytes) -> None:
    """Keep a block."""
    # Not through the session: it would remember the body until it ends.
    values = {"id": uuid7(), "encoder": encoder, "seal": seal, "body": body}
    await session.execute(insert(EncodedBlock).values(values))


async def drop_blocks(session: Session, ids: Collection[UUID]) -> None:
    """Forget the blocks of these ``ids``."""
    await session.execute(delete(EncodedBlock).where(EncodedBlock.id.in_(ids)))


async def drop_other_blocks(session: Session, encoder: str, before: dt.datetime) -> None:
    """Forget what other encoders than ``encoder`` have coded ``before`` that time."""
    old = and_(EncodedBlock.encoder != encoder, EncodedBlock.created_at < before)
    await session.execute(delete(EncodedBlock).where(old))
