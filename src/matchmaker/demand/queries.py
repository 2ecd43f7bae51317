"""Every statement about needs, their versions and members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    SQLColumnExpression,
    Text,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert

from matchmaker.demand.declaration import NeedVisibility
from matchmaker.demand.machine import NEED, MemberState, NeedState
from matchmaker.demand.models import (
    Need,
    NeedId,
    NeedMember,
    NeedMemberId,
    NeedVersion,
    NeedVersionId,
)
from matchmaker.identity.access import INACTIVE
from matchmaker.identity.models import CARD, OrganisationId, OrganisationState

if TYPE_CHECKING:
    import datetime as dt
    from typing import Any
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session

FOUND_BY_ALL = (NeedVisibility.PUBLIC, NeedVisibility.OPEN_CALL)


class FoundNeed(NamedTuple):
    """A need as it stands, with its current version."""

    need: Need
    version: NeedVersion
    owner: OrganisationState
    """The state of the organisation it belongs to."""
    membership: MemberState | None
    """Of whoever asked."""


class ListedVersion(NamedTuple):
    """A version without its content."""

    id: NeedVersionId
    number: int
    content_hash: bytes
    created_at: dt.datetime


class ExpiredNeed(NamedTuple):
    """A need that has just expired."""

    id: NeedId
    organisation_id: OrganisationId
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedFilter:
    """What a list of needs is narrowed to."""

    kind: str | None = None
    state: NeedState | None = None
    visibility: NeedVisibility | None = None
    joined: bool = False
    """Those that others own and the asker shares or was asked to, instead of its own."""
    scenario: str | None = None
    standards: tuple[str, ...] = ()
    """Any of these: a class of the standard system and what is below it."""


async def find_need(
    session: ReadSession, need_id: NeedId, asker: OrganisationId | None
) -> FoundNeed | None:
    """The need, whoever may see it."""
    rows = await session.execute(
        _needs(asker).where(Need.id == need_id), execution_options={"populate_existing": True}
    )
    row = rows.one_or_none()
    return None if row is None else FoundNeed(*row)


async def list_needs(
    session: ReadSession,
    asker: OrganisationId,
    wanted: NeedFilter,
    *,
    after: UUID | None,
    limit: int,
) -> list[FoundNeed]:
    """Up to ``limit`` needs of the asker, or that it shares; newest first, below ``after``."""
    whose = NeedMember.id.is_not(None) if wanted.joined else Need.organisation_id == asker
    return await _listed(session, _needs(asker).where(whose), wanted, after=after, limit=limit)


async def list_public_needs(
    session: ReadSession, wanted: NeedFilter, *, after: UUID | None, limit: int
) -> list[FoundNeed]:
    """Up to ``limit`` open needs that everyone finds; newest first, below ``after``."""
    public = _needs(None).where(
        Need.state == NeedState.OPEN,
        Need.visibility.in_(FOUND_BY_ALL),
        CARD.c.state.not_in(INACTIVE),
    )
    return await _listed(session, public, wanted, after=after, limit=limit)


async def hold_need(session: Session, need_id: NeedId) -> None:
    """Let nobody change the need until this transaction ends; what is read from now on stays."""
    await session.execute(select(Need.id).where(Need.id == need_id).with_for_update(read=True))


async def insert_need(session: Session, values: dict[str, Any]) -> NeedId | None:
    """The id of the new need; None if its organisation has one of that external id."""
    added = await session.execute(
        insert(Need)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["organisation_id", "external_id"])
        .returning(Need.id)
    )
    return added.scalar_one_or_none()


async def id_by_external_id(
    session: ReadSession, organisation_id: OrganisationId, external_id: str
) -> NeedId | None:
    """The need that the organisation knows by this name."""
    found: NeedId | None = await session.scalar(
        select(Need.id).where(
            Need.organisation_id == organisation_id, Need.external_id == external_id
        )
    )
    return found


async def insert_version(
    session: Session, need_id: NeedId, organisation_id: OrganisationId, values: dict[str, Any]
) -> None:
    """Add a version of the need."""
    await session.execute(
        insert(NeedVersion).values(need_id=need_id, organisation_id=organisation_id, **values)
    )


async def list_versions(
    session: ReadSession, need_id: NeedId, *, after: UUID | None, limit: int
) -> list[ListedVersion]:
    """Up to ``limit`` versions of the need, newest last, after the version ``after``."""
    statement = select(
        NeedVersion.id, NeedVersion.number, NeedVersion.content_hash, NeedVersion.created_at
    ).where(NeedVersion.need_id == need_id)
    if after is not None:
        number = select(NeedVersion.number).where(NeedVersion.id == after).scalar_subquery()
        statement = statement.where(NeedVersion.number > number)
    rows = await session.execute(statement.order_by(NeedVersion.number).limit(limit))
    return [ListedVersion(*row) for row in rows]


async def find_version(session: ReadSession, need_id: NeedId, number: int) -> NeedVersion | None:
    """The version of this number."""
    found: NeedVersion | None = await session.scalar(
        select(NeedVersion).where(NeedVersion.need_id == need_id, NeedVersion.number == number)
    )
    return found


async def expire(session: Session, today: dt.date, limit: int) -> list[ExpiredNeed]:
    """Up to ``limit`` open needs whose last day is before ``today``, which are expired now.

    Whoever changes one at the same time comes first, and the need is looked at again another time.
    """
    step = NEED.step("expire")
    assert step is not None  # noqa: S101  (declared in the same room; the types cannot say so)
    due = (
        select(Need.id)
        .join(NeedVersion, NeedVersion.id == Need.current_version_id)
        .where(Need.state.in_(step.sources), _is_over(today))
        .order_by(Need.id)
        .limit(limit)
        .with_for_update(of=Need, skip_locked=True)
    )
    rows = await session.execute(
        update(Need)
        .where(Need.id.in_(due.scalar_subquery()), Need.state.in_(step.sources))
        .values(
            state=step.target,
            note=None,
            revision=Need.revision + 1,
            changed_at=func.clock_timestamp(),
        )
        .returning(Need.id, Need.organisation_id, Need.revision)
        .execution_options(synchronize_session=False)
    )
    return sorted(ExpiredNeed(*row) for row in rows)


def needs_shared_with(organisation_id: SQLColumnExpression[Any]) -> Select[NeedId]:
    """The needs of others that an organisation shares, or was asked to share."""
    return select(NeedMember.need_id).where(NeedMember.organisation_id == organisation_id)


async def list_members(
    session: ReadSession, need_id: NeedId, *, after: UUID | None, limit: int
) -> list[NeedMember]:
    """Up to ``limit`` who share the need or were asked to, as they were asked, after ``after``."""
    statement = select(NeedMember).where(NeedMember.need_id == need_id)
    if after is not None:
        statement = statement.where(NeedMember.id > after)
    rows = await session.scalars(
        statement.order_by(NeedMember.id).limit(limit),
        execution_options={"populate_existing": True},
    )
    return list(rows)


async def find_member(
    session: ReadSession, need_id: NeedId, organisation_id: OrganisationId
) -> NeedMember | None:
    """How the firm stands to the need."""
    found: NeedMember | None = await session.scalar(
        select(NeedMember).where(
            NeedMember.need_id == need_id, NeedMember.organisation_id == organisation_id
        ),
        execution_options={"populate_existing": True},
    )
    return found


async def insert_member(session: Session, values: dict[str, Any]) -> NeedMemberId | None:
    """The id of the new member; None if the firm was asked before."""
    added = await session.execute(
        insert(NeedMember).values(**values).on_conflict_do_nothing().returning(NeedMember.id)
    )
    return added.scalar_one_or_none()


async def delete_member(session: Session, member_id: NeedMemberId) -> MemberState | None:
    """Where it stood, now that it is gone; None if it was gone before."""
    gone = await session.execute(
        delete(NeedMember)
        .where(NeedMember.id == member_id)
        .returning(NeedMember.state)
        .execution_options(synchronize_session=False)
    )
    return gone.scalar_one_or_none()


async def is_active_firm(session: ReadSession, organisation_id: OrganisationId) -> bool:
    """Whether it is an organisation with the role sme that may act."""
    found = await session.scalar(
        select(CARD.c.id).where(
            CARD.c.id == organisation_id,
            CARD.c.roles.contains(["sme"]),
            CARD.c.state.not_in(INACTIVE),
        )
    )
    return found is not None


async def _listed(
    session: ReadSession,
    statement: Select[Need, NeedVersion, OrganisationState, MemberState],
    wanted: NeedFilter,
    *,
    after: UUID | None,
    limit: int,
) -> list[FoundNeed]:
    if wanted.kind is not None:
        statement = statement.where(Need.kind == wanted.kind)
    if wanted.state is not None:
        statement = statement.where(Need.state == wanted.state)
    if wanted.visibility is not None:
        statement = statement.where(Need.visibility == wanted.visibility)
    if wanted.scenario is not None:
        statement = statement.where(NeedVersion.facts["scenarios"].has_key(wanted.scenario))
    if wanted.standards:
        named = literal(list(wanted.standards), ARRAY(Text))
        statement = statement.where(NeedVersion.facts["standards"].has_any(named))
    if after is not None:
        statement = statement.where(Need.id < after)
    rows = await session.execute(
        statement.order_by(Need.id.desc()).limit(limit),
        execution_options={"populate_existing": True},
    )
    return [FoundNeed(*row) for row in rows]


async def versions_of_firm(
    session: ReadSession, organisation_id: OrganisationId
) -> list[NeedVersion]:
    """Everything that the firm ever looked for, short of what was erased."""
    found = await session.scalars(
        select(NeedVersion)
        .where(NeedVersion.organisation_id == organisation_id, NeedVersion.erased_at.is_(None))
        .order_by(NeedVersion.need_id, NeedVersion.number)
    )
    return list(found)


async def erase_needs(session: Session, organisation_id: OrganisationId) -> int:
    """How many versions of needs of the firm were emptied now; its needs are not found any more."""
    erased = await session.execute(select(func.mm.erase_needs(organisation_id)))
    return int(erased.scalar_one())


def _needs(
    asker: OrganisationId | None,
) -> Select[Need, NeedVersion, OrganisationState, MemberState]:
    mine = and_(NeedMember.need_id == Need.id, NeedMember.organisation_id == asker)
    return (
        select(Need, NeedVersion, CARD.c.state, NeedMember.state)
        .select_from(Need)
        .join(NeedVersion, NeedVersion.id == Need.current_version_id)
        .join(CARD, CARD.c.id == Need.organisation_id)
        .outerjoin(NeedMember, mine)
        .where(NeedVersion.erased_at.is_(None))
    )


def _is_over(today: dt.date) -> ColumnElement[bool]:
    # ISO dates of four-digit years compare as text.
    deadline = NeedVersion.open_call["deadline"].astext
    return or_(
        Need.expires_on < today,
        and_(Need.visibility == NeedVisibility.OPEN_CALL, deadline < today.isoformat()),
    )
