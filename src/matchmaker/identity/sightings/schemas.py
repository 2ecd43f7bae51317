"""Who saw what, on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from matchmaker.core.wire import Text
from matchmaker.identity.models import OrganisationId
from matchmaker.identity.sightings.models import SightingId


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever saw something."""

    organisation_id: OrganisationId
    name: Text


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody else saw something of the organisation."""

    id: SightingId
    by: Viewer
    seen_as: Annotated[
        Literal["operator", "agency", "adviser", "partner"],
        msgspec.Meta(description="partner: it shares the need, or was asked to"),
    ]
    subject_type: Literal["profile", "need", "match_run", "expert_card"]
    subject_id: UUID
    way: Literal["read", "listed", "exported"]
    programmes: Annotated[
        list[UUID],
        msgspec.Meta(description="Those it takes part in, where an agency saw it because of that"),
    ]
    seen_at: dt.datetime
    request_id: Annotated[
        str | None, msgspec.Meta(description="By which an operator finds more about it")
    ]
