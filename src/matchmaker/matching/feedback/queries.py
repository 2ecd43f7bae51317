"""Every statement about feedback and judgements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from matchmaker.matching.feedback.models import Feedback

if TYPE_CHECKING:
    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.matching.feedback.models import Action, Judgement
    from matchmaker.matching.models import RunId


async def find_feedback(
    session: ReadSession, run_id: RunId, offering_id: OfferingId, action: Action
) -> Feedback | None:
    """What was said so of the offering."""
    found = await session.scalars(
        select(Feedback).where(
            Feedback.run_id == run_id,
            Feedback.offering_id == offering_id,
            Feedback.action == action,
        )
    )
    return found.one_or_none()


async def insert_feedback(session: Session, said: Feedback) -> bool:
    """Whether ``said`` was added: it is said once."""
    columns = ("id", "organisation_id", "said_by", "run_id", "offering_id", "provider_id")
    values = {name: getattr(said, name) for name in (*columns, "action", "reason")}
    added = await session.scalars(
        upsert(Feedback).values(values).on_conflict_do_nothing().returning(Feedback.id)
    )
    return added.one_or_none() is not None


async def insert_judgement(session: Session, judgement: Judgement) -> None:
    """Add the judgement."""
    session.add(judgement)
    await session.flush()
