"""Needs as the lines that would import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from matchmaker.demand import content
from matchmaker.demand.exchange import queries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId


async def need_lines(
    session: ReadSession, owner: OrganisationId | None
) -> AsyncIterator[dict[str, Any]]:
    """The needs of ``owner``, or of every firm, by firm and external id."""
    async for row in queries.needs(session, owner):
        terms = msgspec.to_builtins(content.terms(row.need, row.version))
        stated = cast("dict[str, Any]", terms)
        yield {
            "type": "need",
            "profile": row.firm,
            "external_id": row.need.external_id,
            "need": {name: value for name, value in stated.items() if value is not None},
        }
