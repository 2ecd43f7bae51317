"""The statement that coverage is counted by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import func, select

from matchmaker.catalog.models import OfferingVersion
from matchmaker.catalog.queries import public, published

if TYPE_CHECKING:
    import datetime as dt

    from matchmaker.core.db import ReadSession


class NamedSets(NamedTuple):
    """What some offerings name, and how many they are."""

    scenarios: list[str] | None
    standards: list[dict[str, Any]] | None
    offerings: int


async def count_named(session: ReadSession, *, today: dt.date) -> list[NamedSets]:
    """What public offerings live on ``today`` name, each distinct answer with how many give it."""
    named = (OfferingVersion.document["scenarios"], OfferingVersion.document["standards"])
    statement = published(select(*named, func.count())).where(*public(today)).group_by(*named)
    return [NamedSets(*row) for row in await session.execute(statement)]
