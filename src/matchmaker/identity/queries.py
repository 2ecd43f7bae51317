"""Every statement about organisations and their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, func, insert, or_, select, update

from matchmaker.identity.models import (
    ApiKey,
    ApiKeyId,
    Organisation,
    OrganisationId,
    OrganisationState,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import ColumnElement

    from matchmaker.core.db import ReadSession, Session


class OrganisationCard(NamedTuple):
    """What an operator's file says of an organisation, and its id."""

    id: OrganisationId
    external_id: str
    name: dict[str, Any]
    roles: list[str]
    provider_kind: str | None
    region: str | None
    uscc: str | None


async def cards_by_external_id(
    session: ReadSession, external_ids: Collection[str]
) -> dict[str, OrganisationCard]:
    """The organisations known by ``external_ids``, by that name."""
    rows = await session.execute(
        select(
            Organisation.id,
            Organisation.external_id,
            Organisation.name,
            Organisation.roles,
            Organisation.provider_kind,
            Organisation.region,
            Organisation.uscc,
        ).where(Organisation.external_id.in_(external_ids))
    )
    return {card.external_id: card for card in (OrganisationCard(*row) for row in rows)}


async def holders_of_credit_codes(
    session: ReadSession, codes: Collection[str]
) -> dict[str, str | None]:
    """The external id of the organisation that holds each of ``codes``, of those that are held."""
    rows = await session.execute(
        select(Organisation.uscc, Organisation.external_id).where(Organisation.uscc.in_(codes))
    )
    return {code: external_id for code, external_id in rows if code is not None}


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


class Credential(NamedTuple):
    """A key that acts now, and the organisation it acts for."""

    key_id: ApiKeyId
    secret_hash: bytes
    scopes: list[str]
    organisation_id: OrganisationId
    roles: list[str]
    state: OrganisationState


async def live_credential(session: ReadSession, public_id: str) -> Credential | None:
    """The key of that name; None where there is none or it was revoked or has expired."""
    rows = await session.execute(
        select(
            ApiKey.id,
            ApiKey.secret_hash,
            ApiKey.scopes,
            ApiKey.organisation_id,
            Organisation.roles,
            Organisation.state,
        )
        .join(Organisation, Organisation.id == ApiKey.organisation_id)
        .where(ApiKey.public_id == public_id, *_live())
    )
    found = rows.one_or_none()
    return None if found is None else Credential(*found)


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


def _live() -> tuple[ColumnElement[bool], ...]:
    """That a key acts: by the database's clock, for every server has its own."""
    return (
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > func.now()),
    )
