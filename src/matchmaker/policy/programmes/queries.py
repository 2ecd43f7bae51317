"""Every statement about programmes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import and_, exists, func, insert, or_, select
from sqlalchemy.dialects.postgresql import array

from matchmaker.core.living import follow, held_at, turned_after
from matchmaker.policy.programmes.machine import ProgrammeState
from matchmaker.policy.programmes.models import Programme, ProgrammeLive, ProgrammeVersion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from sqlalchemy import ColumnElement, Select

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import OrganisationId
    from matchmaker.policy.issuing import Reader
    from matchmaker.policy.programmes.models import ProgrammeId


class FoundProgramme(NamedTuple):
    """A programme with the version in force."""

    programme: Programme
    version: ProgrammeVersion


class LiveProgramme(NamedTuple):
    """A programme as it was published at a position."""

    id: ProgrammeId
    organisation_id: UUID
    number: int
    terms: dict[str, Any]


class ProgrammeFilter(NamedTuple):
    """Which programmes are listed: for these industries and places, each up to its top.

    None asks for all.
    """

    industries: tuple[str, ...] | None = None
    places: tuple[str, ...] | None = None
    state: ProgrammeState | None = None


async def insert_programme(session: Session, programme: Programme) -> None:
    """Add the programme; its first version has to follow in the same transaction."""
    session.add(programme)
    await session.flush()


async def insert_version(session: Session, values: dict[str, Any]) -> None:
    """Add a version to a programme."""
    await session.execute(insert(ProgrammeVersion).values(**values))


async def find_programme(
    session: ReadSession, programme_id: ProgrammeId, reader: Reader
) -> FoundProgramme | None:
    """The programme as it stands, if it is there for ``reader``."""
    statement = _programmes().where(Programme.id == programme_id, *_seen_by(reader))
    rows = await session.execute(statement, execution_options={"populate_existing": True})
    row = rows.one_or_none()
    return None if row is None else FoundProgramme(*row)


async def list_programmes(
    session: ReadSession, wanted: ProgrammeFilter, reader: Reader, *, after: UUID | None, limit: int
) -> list[FoundProgramme]:
    """Up to ``limit`` programmes for ``reader``, by id, after the programme ``after``."""
    statement = _programmes().where(*_seen_by(reader), *_wanted(wanted))
    if after is not None:
        statement = statement.where(Programme.id > after)
    rows = await session.execute(statement.order_by(Programme.id).limit(limit))
    return [FoundProgramme(*row) for row in rows]


async def hold_joinable(
    session: Session, programme_id: ProgrammeId, keeper: OrganisationId
) -> bool:
    """Whether ``keeper`` has it published; it stays so until this transaction ends.

    By a function of the owner: the wall lets nobody hold what is another's.
    """
    found = await session.execute(select(func.mm.is_joinable(programme_id, keeper)))
    return bool(found.scalar_one())


async def follow_live(session: Session, programme_id: ProgrammeId, position: int) -> None:
    """Let what is published of the programme by now be so from the event at ``position``."""
    now = select(
        Programme.id.label("programme_id"),
        Programme.organisation_id,
        Programme.version.label("number"),
    ).where(Programme.state == ProgrammeState.PUBLISHED)
    await follow(session, ProgrammeLive, now, subjects=[programme_id], position=position)


async def live_programmes(session: ReadSession, position: int) -> list[LiveProgramme]:
    """The programmes that were published right after the event at ``position``, by id."""
    rows = await session.execute(
        select(
            ProgrammeLive.programme_id,
            ProgrammeLive.organisation_id,
            ProgrammeLive.number,
            ProgrammeVersion.terms,
        )
        .join(ProgrammeVersion, _version_of(ProgrammeLive.programme_id, ProgrammeLive.number))
        .where(*held_at(ProgrammeLive, position))
        .order_by(ProgrammeLive.programme_id)
    )
    return [LiveProgramme(*row) for row in rows]


async def have_turned(session: ReadSession, position: int) -> bool:
    """Whether others are published than at ``position``."""
    turned = select(ProgrammeLive.programme_id).where(turned_after(ProgrammeLive, position))
    return await session.scalar(turned.limit(1)) is not None


def _programmes() -> Select[*tuple[Any, ...]]:
    return cast(
        "Select[*tuple[Any, ...]]",
        select(Programme, ProgrammeVersion).join(
            ProgrammeVersion, _version_of(Programme.id, Programme.version)
        ),
    )


def _version_of(programme_id: Any, number: Any) -> ColumnElement[bool]:  # noqa: ANN401  (columns)
    return and_(ProgrammeVersion.programme_id == programme_id, ProgrammeVersion.number == number)


def _seen_by(reader: Reader) -> list[ColumnElement[bool]]:
    """What was published once stays for everyone, its archived versions too."""
    if reader.sees_all:
        return []
    was_published = exists().where(ProgrammeLive.programme_id == Programme.id)
    return [or_(was_published, Programme.organisation_id == reader.organisation_id)]


def _wanted(wanted: ProgrammeFilter) -> list[ColumnElement[bool]]:
    """The conditions; a programme of no industries or no regions is for any."""
    found = [
        _names(name, codes)
        for name, codes in (("industries", wanted.industries), ("regions", wanted.places))
        if codes is not None
    ]
    if wanted.state is not None:
        found.append(Programme.state == wanted.state)
    return found


def _names(name: str, codes: Sequence[str]) -> ColumnElement[bool]:
    said = ProgrammeVersion.terms[name]
    is_for_any = func.jsonb_array_length(said) == 0
    return or_(is_for_any, said.has_any(array(codes))) if codes else is_for_any
