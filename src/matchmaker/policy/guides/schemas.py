"""Guides on the wire."""

from __future__ import annotations

import datetime as dt

from matchmaker.core.etags import Varying
from matchmaker.enterprise.assessments.schemas import NamedCode
from matchmaker.identity.models import OrganisationId
from matchmaker.policy.guides.machine import GuideState
from matchmaker.policy.guides.models import GuideId


class Guide(Varying, frozen=True, kw_only=True):
    """What is recommended to firms of some industries and region, by whom, and where it stands.

    No industries: of any; no region: anywhere. ``organisation_id`` is who entered it; null, it is
    released with the product, and not official.
    """

    id: GuideId
    organisation_id: OrganisationId | None
    code: str
    edition: str
    issuer: str
    source: str
    industries: list[NamedCode]
    region: NamedCode | None
    scenes: list[NamedCode]
    pitfalls: list[str]
    state: GuideState
    note: str | None
    created_at: dt.datetime | None
