"""Every statement about organisations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, insert, select, update

from matchmaker.identity.models import Organisation, OrganisationId

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

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
            update(Organisation).where(Organisation.id == bindparam("of")), rows
        )
