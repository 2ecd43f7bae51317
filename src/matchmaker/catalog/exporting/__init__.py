"""Providers and offerings as the lines that would import them, in a fixed order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matchmaker.catalog.exporting import queries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from matchmaker.core.db import ReadSession
    from matchmaker.identity.models import OrganisationId

__all__ = ("offering_lines", "provider_lines")


async def provider_lines(
    session: ReadSession, owner: OrganisationId | None
) -> AsyncIterator[dict[str, Any]]:
    """The supply cards of ``owner``, or of everybody, by key."""
    async for row in queries.providers(session, owner):
        yield _stated({"type": "provider", **row})


async def offering_lines(
    session: ReadSession, owner: OrganisationId | None
) -> AsyncIterator[dict[str, Any]]:
    """The offerings by provider and external id: what is published of everybody.

    Of ``owner`` they are all that are not retired, by their latest versions, so that its own file
    says again what its drafts say.
    """
    async for row in queries.offerings(session, owner):
        document = dict(row.document)
        if "attributes" in document:
            facts = document["attributes"].items()
            # The line says its kind once.
            document["attributes"] = {name: value for name, value in facts if name != "kind"}
        yield _stated(
            {
                "type": "offering",
                "provider": row.provider,
                "external_id": row.external_id,
                "title": row.title,
                "summary": row.summary,
                "must": row.must,
                **document,
                "packages": [
                    {"code": one["code"], "title": one["title"], **one["document"]}
                    for one in row.packages
                ],
            }
        )


def _stated(line: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in line.items() if value is not None}
