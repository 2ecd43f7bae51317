"""Every statement about API keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sqlalchemy import and_, bindparam, false, func, or_, select, true, update
from sqlalchemy.orm import aliased

from matchmaker.identity import queries as rows
from matchmaker.identity.models import (
    ApiKey,
    ApiKeyId,
    Member,
    MemberRole,
    Organisation,
    OrganisationId,
    OrganisationState,
)

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from sqlalchemy import CTE, ColumnElement, Select

    from matchmaker.core.db import ReadSession, Session


class MemberMaker(NamedTuple):
    """The member that made a key, as they are now; all None once they were removed."""

    role: MemberRole | None
    roles: list[str] | None
    """Of their organisation."""
    state: OrganisationState | None


class Maker(NamedTuple):
    """A key that another one was made with, itself or by way of others, and whose it is."""

    scopes: list[str]
    roles: list[str]
    state: OrganisationState
    member: MemberMaker | None
    is_ended: bool
    """Revoked or expired with no key in its place."""


class Credential(NamedTuple):
    """A key that acts now, and the organisation it acts for."""

    key_id: ApiKeyId
    secret_hash: bytes
    scopes: list[str]
    organisation_id: OrganisationId
    roles: list[str]
    state: OrganisationState
    expires_at: dt.datetime | None
    allowed_from: list[str] | None
    jwks: dict[str, Any] | None = None
    member: MemberMaker | None = None
    """None where no member made it."""
    makers: tuple[Maker, ...] = ()


def _live() -> tuple[ColumnElement[bool], ...]:
    """That a key acts: by the database's clock, for every server has its own."""
    return (
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
    )


def _line(which: ColumnElement[bool]) -> CTE:
    """The key and those it was made with; where one has ended, also the one in its place."""
    acts = and_(*_live()).label("acts")
    columns = (ApiKey.id, ApiKey.created_by, ApiKey.replaced_by, acts)
    line = (
        select(*columns, true().label("is_own")).where(which, *_live()).cte("line", recursive=True)
    )
    return line.union(
        # A key may stand in for one it was made with: what was found before is not found again.
        select(*columns, false()).join(
            line,
            or_(
                ApiKey.id == line.c.created_by,
                and_(line.c.acts.is_(False), ApiKey.id == line.c.replaced_by),
            ),
        )
    )


def _of_line(which: ColumnElement[bool]) -> Select[Any]:
    """The line of a key, each with its maker: what `_credential` reads."""
    line, home = _line(which), aliased(Organisation)
    return (
        select(
            line.c.is_own,
            line.c.acts,
            ApiKey.id,
            ApiKey.secret_hash,
            ApiKey.scopes,
            ApiKey.organisation_id,
            Organisation.roles,
            Organisation.state,
            ApiKey.expires_at,
            ApiKey.allowed_from,
            ApiKey.jwks,
            ApiKey.replaced_by,
            ApiKey.created_by_member,
            Member.role,
            home.roles,
            home.state,
        )
        .join(ApiKey, ApiKey.id == line.c.id)
        .join(Organisation, Organisation.id == ApiKey.organisation_id)
        .outerjoin(Member, Member.id == ApiKey.created_by_member)
        .outerjoin(home, home.id == Member.organisation_id)
    )


# Built once: with every request whose key is not remembered it took longer than asking it.
_NAMED: Final = _of_line(ApiKey.public_id == bindparam("named", type_=ApiKey.public_id.type))
_NUMBERED: Final = _of_line(ApiKey.id == bindparam("numbered", type_=ApiKey.id.type))


async def live_credential(session: ReadSession, public_id: str) -> Credential | None:
    """The key of that name; None where there is none or it was revoked or has expired."""
    return _credential(await session.execute(_NAMED, {"named": public_id}))


async def live_key(session: ReadSession, key_id: ApiKeyId) -> Credential | None:
    """The key; None where it was revoked or has expired."""
    return _credential(await session.execute(_NUMBERED, {"numbered": key_id}))


def _credential(line: Iterable[Sequence[Any]]) -> Credential | None:
    own: Credential | None = None
    makers: list[Maker] = []
    for is_own, acts, *key_, replaced_by, member_id, role, roles, state in line:
        member = None if member_id is None else MemberMaker(role, roles, state)
        found = Credential(*key_)._replace(member=member)
        if is_own:
            own = found
        else:
            is_ended = not acts and replaced_by is None
            makers.append(Maker(found.scopes, found.roles, found.state, member, is_ended))
    return None if own is None else own._replace(makers=tuple(makers))


async def note_use(session: Session, key_id: ApiKeyId) -> None:
    """Set when the key was last used, to the minute; a row somebody else holds is left alone."""
    due = (
        select(ApiKey.id)
        .where(
            ApiKey.id == key_id,
            or_(
                ApiKey.last_used_at.is_(None),
                ApiKey.last_used_at < func.now() - func.make_interval(0, 0, 0, 0, 0, 1),
            ),
        )
        .with_for_update(skip_locked=True)
    )
    await session.execute(
        update(ApiKey)
        .where(ApiKey.id.in_(due))
        .values(last_used_at=func.now())
        .execution_options(synchronize_session=False)
    )


async def key(session: ReadSession, id_: ApiKeyId) -> ApiKey | None:
    """The key as it stands now; None if there is none."""
    return await rows.one(session, select(ApiKey).where(ApiKey.id == id_))


async def key_named(session: ReadSession, public_id: str) -> ApiKey | None:
    """The key people see as ``public_id``; None if there is none."""
    return await rows.one(session, select(ApiKey).where(ApiKey.public_id == public_id))


async def list_keys(
    session: ReadSession, organisation_id: OrganisationId, *, after: UUID | None, limit: int
) -> Sequence[ApiKey]:
    """Keys in the order they were made."""
    statement = select(ApiKey).where(ApiKey.organisation_id == organisation_id)
    return await rows.page(session, statement, ApiKey.id, after=after, limit=limit)


async def has_live_predecessor(session: ReadSession, id_: ApiKeyId) -> bool:
    """Whether a key that this one replaced still acts."""
    found = await session.scalar(select(ApiKey.id).where(ApiKey.replaced_by == id_, *_live()))
    return found is not None


async def replace_key(session: Session, id_: ApiKeyId, *, by: ApiKeyId, overlap_days: int) -> bool:
    """Let a key act until the overlap has passed at most; False if it does not act any more."""
    end = func.now() + func.make_interval(0, 0, 0, overlap_days)
    return await rows.changed(
        session,
        update(ApiKey)
        .where(ApiKey.id == id_, ApiKey.replaced_by.is_(None), *_live())
        .values(replaced_by=by, expires_at=func.least(ApiKey.expires_at, end)),
        ApiKey.id,
    )


async def revoke_key(session: Session, id_: ApiKeyId) -> bool:
    """End a key now; False if it was revoked before."""
    statement = update(ApiKey).where(ApiKey.id == id_, ApiKey.revoked_at.is_(None))
    return await rows.changed(session, statement.values(revoked_at=func.now()), ApiKey.id)
