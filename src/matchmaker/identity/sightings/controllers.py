"""The page that says who saw what."""

from __future__ import annotations

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath, SkipValidation

from matchmaker.core.cursors import Cursor, CursorInvalid, Cursors, Limit, Listing
from matchmaker.core.db import ReadSession
from matchmaker.core.problems import problems
from matchmaker.core.wire import Page, Text
from matchmaker.identity import access
from matchmaker.identity.access import Principal, Scope
from matchmaker.identity.errors import OrganisationNotFound
from matchmaker.identity.models import OrganisationId
from matchmaker.identity.people.service import require_own
from matchmaker.identity.sightings import queries, schemas


class SightingController(Controller):
    """Who saw what an organisation stated."""

    path = "/organisations/{organisation_id:uuid}/sightings"
    tags = ("Identity",)

    @get(
        operation_id="listSightings",
        responses=problems(OrganisationNotFound, CursorInvalid),
        opt=access.needs(Scope.CONSENTS_READ),
    )
    async def list(
        self,
        organisation_id: FromPath[OrganisationId],
        read_session: NamedDependency[ReadSession],
        principal: NamedDependency[Principal],
        cursors: NamedDependency[SkipValidation[Cursors]],
        *,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Page[schemas.Sighting]:
        """List who else read or got what is the organisation's, newest first.

        Its profile, needs, matches and its members' expert cards; for the organisation itself.
        What everybody may read of an open need is not among it.
        """
        require_own(organisation_id, principal)
        listing = Listing("sightings", organisation_id, principal.organisation_id)
        found = await queries.list_sightings(
            read_session, organisation_id, before=cursors.read(cursor, listing), limit=limit + 1
        )
        shown, page = cursors.page(found, limit, listing, lambda seen: seen.sighting.id)
        return Page(items=[_told(seen) for seen in shown], page=page)


def _told(seen: queries.Seen) -> schemas.Sighting:
    row = seen.sighting
    return msgspec.convert(
        {
            "id": row.id,
            "by": schemas.Viewer(
                organisation_id=row.by_organisation_id, name=msgspec.convert(seen.name, Text)
            ),
            "seen_as": row.seen_as,
            "subject_type": row.subject_type,
            "subject_id": row.subject_id,
            "way": row.way,
            "programmes": row.programmes,
            "seen_at": row.seen_at,
            "request_id": row.request_id,
        },
        schemas.Sighting,
    )
