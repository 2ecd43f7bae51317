"""What admissions say on the wire: where an offering stands in a pool, and why."""

from __future__ import annotations

import datetime as dt

import msgspec

from matchmaker.catalog.admissions.machine import AdmissionState
from matchmaker.catalog.admissions.models import AdmissionId
from matchmaker.catalog.models import OfferingId
from matchmaker.catalog.pools.models import PoolId
from matchmaker.catalog.pools.schemas import PoolCheck
from matchmaker.catalog.schemas import ProviderName
from matchmaker.core.wire import Prose, Text
from matchmaker.identity.models import OrganisationId


class AdmissionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The offering that applies."""

    offering_id: OfferingId


class DecisionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That the rule shall be answered anew, and why."""

    note: Prose | None = None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was done with an admission, by whom, and on what grounds; `decided_by` null: the clock.

    `check` is what was found then, under the version of the pool that held then.
    """

    number: int
    action: str
    state: AdmissionState
    is_exception: bool
    note: str | None
    decided_by: OrganisationId | None
    created_at: dt.datetime
    check: PoolCheck


class AdmissionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """An offering in a pool, as a list shows it."""

    id: AdmissionId
    pool_id: PoolId
    pool_code: str
    offering_id: OfferingId
    title: Text
    provider: ProviderName
    state: AdmissionState
    tier: str | None
    valid_until: dt.date | None


class Admission(msgspec.Struct, frozen=True, kw_only=True):
    """An offering's standing in a pool with the decision it rests on."""

    id: AdmissionId
    pool_id: PoolId
    pool_code: str
    offering_id: OfferingId
    provider_id: OrganisationId
    title: Text
    state: AdmissionState
    tier: str | None
    valid_until: dt.date | None
    revision: int
    decision: Decision
