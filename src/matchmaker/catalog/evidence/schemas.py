"""What evidence says on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.catalog.evidence.declaration import Claim, Figure, Scenes
from matchmaker.catalog.evidence.machine import EvidenceState
from matchmaker.catalog.evidence.models import EvidenceId, EvidenceType
from matchmaker.catalog.models import OfferingId
from matchmaker.core.wire import Line, Text
from matchmaker.identity.models import OrganisationId
from matchmaker.taxonomy.coded import CertificateCode, IndustryCode


class EvidenceRequest(Claim, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A claim as it is made: of an offering, or of the organisation as a whole (null)."""

    type: EvidenceType
    offering_id: OfferingId | None = None


class EvidencePatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may change of a claim; null makes a fact unknown."""

    claim: Text | UnsetType = UNSET
    metric: Text | UnsetType | None = UNSET
    unit: Line | UnsetType | None = UNSET
    before: Figure | UnsetType | None = UNSET
    after: Figure | UnsetType | None = UNSET
    issuer: Line | UnsetType | None = UNSET
    certificate: CertificateCode | UnsetType | None = UNSET
    number: Line | UnsetType | None = UNSET
    valid_until: dt.date | UnsetType | None = UNSET
    scenes: Scenes | UnsetType = UNSET
    industry: IndustryCode | UnsetType | None = UNSET


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One claim, and how far it was verified; only verified evidence counts."""

    id: EvidenceId
    organisation_id: OrganisationId
    offering_id: OfferingId | None
    type: EvidenceType
    claim: Text
    metric: Text | None
    unit: str | None
    before: float | None
    after: float | None
    issuer: str | None
    certificate: str | None
    number: str | None
    valid_until: dt.date | None
    scenes: list[str]
    industry: str | None
    state: EvidenceState
    verified_by: Annotated[
        OrganisationId | None, msgspec.Meta(description="Who verified it; never its owner")
    ]
    note: Annotated[str | None, msgspec.Meta(description="Said with the last transition")]
    revision: int
    created_at: dt.datetime
    changed_at: dt.datetime
