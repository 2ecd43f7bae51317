"""Participations on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from uuid import UUID

import msgspec

from matchmaker.core.etags import Varying
from matchmaker.enterprise.participations.machine import ParticipationState
from matchmaker.enterprise.participations.models import ParticipationId
from matchmaker.identity.models import OrganisationId


class Participation(Varying, frozen=True, kw_only=True):
    """That a firm takes part in a programme: while it has joined, agencies see it by name."""

    id: ParticipationId
    organisation_id: OrganisationId
    programme_id: UUID
    agency_id: Annotated[OrganisationId, msgspec.Meta(description="Who keeps the programme")]
    state: ParticipationState
    note: str | None
    created_at: dt.datetime
    changed_at: dt.datetime
