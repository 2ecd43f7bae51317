"""Programmes on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from matchmaker.core.etags import Varying
from matchmaker.identity.models import OrganisationId
from matchmaker.policy.programmes.declaration import ProgrammeTerms, Window
from matchmaker.policy.programmes.machine import ProgrammeState
from matchmaker.policy.programmes.models import ProgrammeId


class Programme(Varying, frozen=True, kw_only=True):
    """A programme, who entered it, and what it says now.

    ``organisation_id`` is who entered it; the issuers are those it names.
    """

    id: ProgrammeId
    organisation_id: OrganisationId
    state: ProgrammeState
    version: int
    window: Annotated[
        Window | None, msgspec.Meta(description="By its dates; null: nobody has said them")
    ]
    terms: ProgrammeTerms
    note: str | None
    created_at: dt.datetime
    changed_at: dt.datetime
