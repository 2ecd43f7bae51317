"""Every statement about organisations, their members and consents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import (
    Text,
    and_,
    bindparam,
    cast,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY

from matchmaker.core.db import Base
from matchmaker.core.living import follow, held_at
from matchmaker.identity.models import (
    HOLDING,
    ApiKeyId,
    Consent,
    ConsentId,
    ConsentPurpose,
    Member,
    MemberId,
    Organisation,
    OrganisationId,
    OrganisationLive,
    OrganisationRole,
    OrganisationState,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement, Delete, Select, Update
    from sqlalchemy.orm import InstrumentedAttribute

    from matchmaker.core.db import ReadSession, Session

R = TypeVar("R", bound=Base)


class OrganisationCard(NamedTuple):
    """What an operator's file says of an organisation, and its id."""

    id: OrganisationId
    external_id: str
    """Its key in files: the external id, or the id of one that has none."""
    name: dict[str, Any]
    roles: list[str]
    provider_kind: str | None
    region: str | None
    uscc: str | None


async def cards_by_external_id(
    session: ReadSession, keys: Collection[str]
) -> dict[str, OrganisationCard]:
    """The organisations known in files by ``keys``, by that name."""
    rows = await session.execute(
        select(
            Organisation.id,
            key_in_files(),
            Organisation.name,
            Organisation.roles,
            Organisation.provider_kind,
            Organisation.region,
            Organisation.uscc,
        ).where(is_known_by(keys))
    )
    return {card.external_id: card for card in (OrganisationCard(*row) for row in rows)}


def key_in_files() -> ColumnElement[str]:
    """What files know an organisation by: its external id, or its id where it has none."""
    return func.coalesce(Organisation.external_id, cast(Organisation.id, Text))


def is_known_by(keys: Collection[str]) -> ColumnElement[bool]:
    """That one of ``keys`` is the organisation's in files."""
    ids = [id_ for id_ in map(_as_id, keys) if id_ is not None]
    by_name = Organisation.external_id == bindparam("keys", list(keys), type_=ARRAY(Text)).any_()
    if not ids:
        return by_name
    return or_(by_name, and_(Organisation.external_id.is_(None), Organisation.id.in_(ids)))


def _as_id(key: str) -> UUID | None:
    try:
        found = UUID(key)
    except ValueError:
        return None
    return found if str(found) == key else None


async def holders_of_credit_codes(
    session: ReadSession, codes: Collection[str]
) -> dict[str, str | None]:
    """The external id of the organisation that holds each of ``codes``, of those that are held."""
    rows = await session.execute(
        select(Organisation.uscc, Organisation.external_id).where(
            Organisation.uscc.in_(codes), Organisation.state.in_(HOLDING)
        )
    )
    return {code: external_id for code, external_id in rows if code is not None}


async def states_credit_code(
    session: ReadSession,
    code: str,
    *,
    but: OrganisationId | None,
    states: Collection[OrganisationState],
) -> bool:
    """Whether an organisation in one of ``states``, ``but`` apart, states the credit code."""
    statement = select(Organisation.id).where(
        Organisation.uscc == code, Organisation.state.in_(states)
    )
    if but is not None:
        statement = statement.where(Organisation.id != but)
    return await session.scalar(statement.limit(1)) is not None


async def insert_organisations(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Add the organisations."""
    if rows:
        await session.execute(insert(Organisation), rows)


async def update_organisations(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Replace what a file may say of organisations; each row names its organisation as ``of``."""
    if rows:
        connection = await session.connection()
        await connection.execute(
            update(Organisation)
            .where(Organisation.id == bindparam("of"))
            .values(revision=Organisation.revision + 1, changed_at=func.now()),
            rows,
        )


async def follow_live(
    session: Session, organisation_ids: Collection[OrganisationId], position: int
) -> None:
    """Let what is verified of these organisations by now be so from the event at ``position``."""
    now = select(Organisation.id.label("organisation_id"), Organisation.name)
    verified = now.where(Organisation.state == OrganisationState.VERIFIED)
    await follow(session, OrganisationLive, verified, subjects=organisation_ids, position=position)


async def add(session: Session, *rows: Base) -> None:
    """Add the rows, in this order."""
    for row in rows:
        session.add(row)
        await session.flush()


async def organisation(session: ReadSession, id_: OrganisationId) -> Organisation | None:
    """The organisation as it stands now; None if there is none."""
    return await one(session, select(Organisation).where(Organisation.id == id_))


async def organisation_named(session: ReadSession, external_id: str) -> Organisation | None:
    """The organisation that an operator's files know by this name; None if there is none."""
    return await one(session, select(Organisation).where(Organisation.external_id == external_id))


class OrganisationFilter(NamedTuple):
    """Which organisations a list holds."""

    only: OrganisationId | None = None
    state: OrganisationState | None = None
    role: OrganisationRole | None = None


async def list_organisations(
    session: ReadSession, wanted: OrganisationFilter, *, after: UUID | None, limit: int
) -> Sequence[Organisation]:
    """Organisations in the order they were registered."""
    statement = select(Organisation)
    if wanted.only is not None:
        statement = statement.where(Organisation.id == wanted.only)
    if wanted.state is not None:
        statement = statement.where(Organisation.state == wanted.state)
    if wanted.role is not None:
        statement = statement.where(Organisation.roles.contains([wanted.role.value]))
    return await page(session, statement, Organisation.id, after=after, limit=limit)


async def member(session: ReadSession, id_: MemberId) -> Member | None:
    """The member as it stands now; None if there is none."""
    return await one(session, select(Member).where(Member.id == id_))


async def list_members(
    session: ReadSession, organisation_id: OrganisationId, *, after: UUID | None, limit: int
) -> Sequence[Member]:
    """Members in the order they were recorded."""
    statement = select(Member).where(Member.organisation_id == organisation_id)
    return await page(session, statement, Member.id, after=after, limit=limit)


async def remove_member(session: Session, id_: MemberId, *, revision: int) -> bool:
    """Forget a member; False if it is no longer at ``revision``."""
    return await changed(
        session, delete(Member).where(Member.id == id_, Member.revision == revision), Member.id
    )


async def consent(session: ReadSession, id_: ConsentId) -> Consent | None:
    """The consent as it stands now; None if there is none."""
    return await one(session, select(Consent).where(Consent.id == id_))


async def list_consents(
    session: ReadSession, organisation_id: OrganisationId, *, after: UUID | None, limit: int
) -> Sequence[Consent]:
    """Consents in the order they were given, withdrawn ones too."""
    statement = select(Consent).where(Consent.organisation_id == organisation_id)
    return await page(session, statement, Consent.id, after=after, limit=limit)


async def withdraw_consent(
    session: Session, id_: ConsentId, *, by: tuple[ApiKeyId | None, MemberId | None]
) -> bool:
    """End a consent now, by a key or a member; False if it was withdrawn before."""
    key_id, member_id = by
    statement = update(Consent).where(Consent.id == id_, Consent.withdrawn_at.is_(None))
    values = {
        "withdrawn_at": func.now(),
        "withdrawn_by": key_id,
        "withdrawn_by_member": member_id,
    }
    return await changed(session, statement.values(values), Consent.id)


async def consenting(
    session: ReadSession, organisation_ids: Collection[OrganisationId], purpose: ConsentPurpose
) -> frozenset[OrganisationId]:
    """Those of the organisations that allow ``purpose`` now."""
    rows = await session.scalars(
        select(Consent.organisation_id).where(
            Consent.organisation_id.in_(organisation_ids),
            Consent.purpose == purpose,
            Consent.withdrawn_at.is_(None),
        )
    )
    return frozenset(rows)


async def one(session: ReadSession, statement: Select[R]) -> R | None:
    """The row as the database has it, also where the session has read it before."""
    rows = await session.execute(statement.execution_options(populate_existing=True))
    return rows.scalar_one_or_none()


async def page(
    session: ReadSession,
    statement: Select[R],
    id_: InstrumentedAttribute[Any],
    *,
    after: UUID | None,
    limit: int,
) -> Sequence[R]:
    """Rows in the order of their ids, from the one after ``after``."""
    if after is not None:
        statement = statement.where(id_ > after)
    return (await session.scalars(statement.order_by(id_).limit(limit))).all()


async def changed(
    session: Session, statement: Update | Delete, id_: InstrumentedAttribute[Any]
) -> bool:
    """Whether ``statement`` found the row as it expected it."""
    rows = await session.execute(
        statement.returning(id_).execution_options(synchronize_session=False)
    )
    return rows.scalar_one_or_none() is not None


async def names_at(session: ReadSession, position: int) -> dict[OrganisationId, str]:
    """What every organisation was called right after the event at ``position``; JSON as text."""
    rows = await session.execute(
        select(OrganisationLive.organisation_id, cast(OrganisationLive.name, Text)).where(
            *held_at(OrganisationLive, position)
        )
    )
    return {row[0]: row[1] for row in rows}
