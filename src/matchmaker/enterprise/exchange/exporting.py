"""Profiles as the lines that would import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matchmaker.enterprise.exchange import queries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId


async def profile_lines(
    session: ReadSession, owner: OrganisationId | None
) -> AsyncIterator[dict[str, Any]]:
    """The profile of ``owner``, or of every firm, by key."""
    async for row in queries.profiles(session, owner):
        yield {
            "type": "profile",
            "external_id": row.key,
            "name": row.name,
            "profile": row.facts,
        }
