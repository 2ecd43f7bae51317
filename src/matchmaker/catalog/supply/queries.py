"""The statements that write supply cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert

from matchmaker.catalog.models import Provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.core.db import Session
    from matchmaker.identity.models import OrganisationId


async def add(session: Session, organisation_id: OrganisationId, values: Mapping[str, Any]) -> bool:
    """Whether the organisation had no card and has this one now."""
    added = await session.execute(
        insert(Provider)
        .values(organisation_id=organisation_id, **values)
        .on_conflict_do_nothing()
        .returning(Provider.organisation_id)
    )
    return added.one_or_none() is not None


async def revise(
    session: Session, organisation_id: OrganisationId, revision: int, values: Mapping[str, Any]
) -> bool:
    """Whether the card was still at ``revision`` and has ``values`` now."""
    changed = await session.execute(
        update(Provider)
        .where(Provider.organisation_id == organisation_id, Provider.revision == revision)
        .values(**values, revision=Provider.revision + 1, changed_at=func.clock_timestamp())
        .returning(Provider.revision)
        .execution_options(synchronize_session=False)
    )
    return changed.one_or_none() is not None
