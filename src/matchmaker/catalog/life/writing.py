"""The rows that a new draft and the next version of an offering are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.catalog.life import queries, steps
from matchmaker.catalog.life.applying import replaced
from matchmaker.catalog.life.queries import Written
from matchmaker.catalog.machine import OFFERING
from matchmaker.catalog.models import Kind, Visibility, new_version_id
from matchmaker.core.errors import StaleVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.catalog.importing.prepared import PreparedOffering
    from matchmaker.catalog.life.queries import Stored
    from matchmaker.catalog.models import OfferingId
    from matchmaker.core.db import Session
    from matchmaker.identity.models import OrganisationId


async def add(
    session: Session,
    new: Sequence[tuple[OfferingId, PreparedOffering]],
    organisation_id: OrganisationId,
    *,
    text_version: str,
) -> None:
    """Add what was prepared as the first drafts of new offerings.

    Raises:
        IntegrityError: the organisation has an offering of such an external id.
    """
    written = [Written(new_version_id(), id_, 1, prepared) for id_, prepared in new]
    rows = [
        {
            "id": each.offering_id,
            "organisation_id": organisation_id,
            "external_id": each.prepared.external_id,
            "kind": Kind(each.prepared.kind),
            "visibility": Visibility(each.prepared.visibility),
            "state": OFFERING.initial,
            "draft_version_id": each.version_id,
            "revision": 1,
        }
        for each in written
    ]
    await queries.insert_offerings(session, rows)
    await queries.insert_versions(session, written, organisation_id, text_version)


async def revise(
    session: Session, found: Stored, prepared: PreparedOffering, *, text_version: str
) -> tuple[Stored, int]:
    """The offering with what was prepared as its draft, and the number of that version.

    ``found`` takes an edit now (`steps.is_editable`).

    Raises:
        StaleVersion: it is no longer as it was ``found``.
    """
    wanted = steps.edited(found, new_version_id())
    if found.published_version_id is None:
        wanted = wanted._replace(visibility=Visibility(prepared.visibility))
    after = await replaced(session, found, wanted)
    if after is None:
        raise StaleVersion
    number = await queries.next_number(session, found.offering_id)
    written = Written(after.latest, after.offering_id, number, prepared)
    await queries.insert_versions(session, [written], after.organisation_id, text_version)
    return after, number
