"""Every statement about expert cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from matchmaker.core import rows as revisions
from matchmaker.identity import queries as rows
from matchmaker.identity.experts.models import ExpertCard
from matchmaker.identity.models import CARD, OrganisationState

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from uuid import UUID

    from sqlalchemy import Select

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.models import MemberId, OrganisationId


class Shown(NamedTuple):
    """A card, and what its organisation is called."""

    card: ExpertCard
    organisation: dict[str, Any]


def _shown(reader: OrganisationId) -> Select[tuple[ExpertCard, dict[str, Any]]]:
    """Cards of members of verified organisations, and of the reader's own."""
    return (
        select(ExpertCard, CARD.c.name)
        .join(CARD, CARD.c.id == ExpertCard.organisation_id)
        .where(
            or_(
                CARD.c.state == OrganisationState.VERIFIED,
                ExpertCard.organisation_id == reader,
            )
        )
    )


async def card(session: ReadSession, id_: MemberId, *, reader: OrganisationId) -> Shown | None:
    """The member's card as it stands now; None if there is none for the reader."""
    statement = _shown(reader).where(ExpertCard.id == id_)
    found = await session.execute(statement.execution_options(populate_existing=True))
    row = found.one_or_none()
    return None if row is None else Shown(*row)


class ExpertFilter(NamedTuple):
    """Which cards a list holds."""

    only: OrganisationId | None = None
    skill: str | None = None


async def list_cards(
    session: ReadSession,
    wanted: ExpertFilter,
    *,
    reader: OrganisationId,
    after: UUID | None,
    limit: int,
) -> list[Shown]:
    """Cards in the order in which their members were recorded."""
    statement = _shown(reader)
    if wanted.only is not None:
        statement = statement.where(ExpertCard.organisation_id == wanted.only)
    if wanted.skill is not None:
        statement = statement.where(ExpertCard.skills.contains([wanted.skill]))
    if after is not None:
        statement = statement.where(ExpertCard.id > after)
    found = await session.execute(statement.order_by(ExpertCard.id).limit(limit))
    return [Shown(*row) for row in found]


async def missing(
    session: ReadSession, organisation_ids: Collection[OrganisationId]
) -> set[OrganisationId]:
    """Those of the organisations that there are not."""
    found = await session.scalars(select(CARD.c.id).where(CARD.c.id.in_(organisation_ids)))
    return set(organisation_ids) - set(found)


async def add(session: Session, id_: MemberId, values: Mapping[str, Any]) -> bool:
    """Whether the member had no card and has this one now."""
    added = await session.execute(
        insert(ExpertCard)
        .values(id=id_, **values)
        .on_conflict_do_nothing()
        .returning(ExpertCard.id)
    )
    return added.one_or_none() is not None


async def revise(session: Session, id_: MemberId, revision: int, values: Mapping[str, Any]) -> bool:
    """Whether the card was still at ``revision`` and has ``values`` now, consented to anew."""
    stated = {**values, "consented_at": func.now()}
    written = await revisions.revise(session, ExpertCard, id_, revision=revision, values=stated)
    return written is not None


async def remove(session: Session, id_: MemberId, revision: int) -> bool:
    """Whether the card was still at ``revision``, and is gone now."""
    statement = delete(ExpertCard).where(ExpertCard.id == id_, ExpertCard.revision == revision)
    return await rows.changed(session, statement, ExpertCard.id)


async def cards_of(session: ReadSession, ids: Collection[UUID]) -> Sequence[ExpertCard]:
    """What these members say of themselves."""
    return (await session.scalars(select(ExpertCard).where(ExpertCard.id.in_(ids)))).all()


async def remove_cards(session: Session, ids: Collection[UUID]) -> int:
    """Remove what these members said of themselves; how many."""
    found = await session.execute(
        delete(ExpertCard).where(ExpertCard.id.in_(ids)).returning(ExpertCard.id)
    )
    return len(found.all())
