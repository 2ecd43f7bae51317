"""Recognitions on the wire."""

from __future__ import annotations

import datetime as dt

from matchmaker.core.etags import Varying
from matchmaker.enterprise.recognitions.machine import RecognitionState
from matchmaker.enterprise.recognitions.models import RecognitionId
from matchmaker.identity.models import OrganisationId


class Recognition(Varying, frozen=True, kw_only=True):
    """A level or title that an authority granted; ``stage`` is what it stands for on the ladder.

    The stage is null for titles. Only a verified recognition counts.
    """

    id: RecognitionId
    organisation_id: OrganisationId
    scheme: str
    level: str
    level_name: str
    stage: str | None
    issuer: str
    number: str | None
    granted_on: dt.date | None
    valid_until: dt.date | None
    state: RecognitionState
    note: str | None
    created_at: dt.datetime
    changed_at: dt.datetime
