"""Noting who saw what, in a transaction that ends before they are told it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import structlog

from matchmaker.identity.models import OrganisationRole
from matchmaker.identity.sightings import queries
from matchmaker.identity.sightings.models import new_sighting_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matchmaker.core.db import Session
    from matchmaker.identity.access import Look, Principal


async def record(session: Session, by: Principal, looks: Iterable[Look]) -> None:
    """Note what ``by`` saw of others, each thing once."""
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    rows: list[dict[str, Any]] = [
        {
            "id": new_sighting_id(),
            "organisation_id": look.owner,
            "subject_type": look.subject_type,
            "subject_id": look.subject_id,
            "by_organisation_id": by.acting_id,
            "seen_as": _seen_as(by),
            "way": look.way,
            "programmes": list(look.programmes),
            "request_id": request_id,
        }
        for look in dict.fromkeys(looks)
    ]
    if rows:
        await queries.insert_sightings(session, rows)


def _seen_as(by: Principal) -> str:
    """In which part somebody sees what is another's; a firm that is neither shares a need."""
    if by.adviser is not None:
        return "adviser"
    for role in (OrganisationRole.OPERATOR, OrganisationRole.AGENCY):
        if role in by.roles:
            return role.value
    return "partner"
