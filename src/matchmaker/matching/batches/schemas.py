"""Batches on the wire."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Annotated, Literal

import msgspec

from matchmaker.core.etags import Varying
from matchmaker.core.jobs.models import JobId, JobState
from matchmaker.core.wire import Text
from matchmaker.feed.schemas import JobProgress
from matchmaker.identity.models import OrganisationId
from matchmaker.matching.batches.declaration import BatchRequest
from matchmaker.matching.batches.models import BatchId
from matchmaker.matching.schemas import UsedVersions

FitPoints = Annotated[float, msgspec.Meta(description="In points of fit, 0 to 100")]


class OfferingLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one offering.

    ``wanted`` are the firms whose first choice it is, ``load`` those it was given to, ``shown``
    those that see it. ``congestion`` is what one place more would add to the sum of fit: 0 where
    places are left, below 0 where its floor costs others something.
    """

    offering_id: str
    title: Text
    provider_id: str
    capacity: int | None
    floor: int
    wanted: int
    load: int
    shown: int
    congestion: FitPoints


class ProviderLoad(msgspec.Struct, frozen=True, kw_only=True):
    """What came of all offerings of one provider."""

    provider_id: str
    name: Text
    wanted: int
    load: int
    shown: int


class Shortfall(msgspec.Struct, frozen=True, kw_only=True):
    """Why floors are not all met: only ``eligible`` firms may take any of these offerings."""

    offerings: list[str]
    eligible: int
    asked: int


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """That no allocation is better: the sum of fit reached the bound that the prices prove.

    Checked over all ``pairs`` of firm and offering, in whole numbers, before it was written.
    """

    total: FitPoints
    pairs: int
    floors_asked: int
    floors_filled: int
    shortfall: Shortfall | None


class Exposure(msgspec.Struct, frozen=True, kw_only=True):
    """How the firms are spread over the offerings: 0 of ``gini`` is evenly, 1 all on one."""

    offerings: int
    with_load: int
    gini: float


class BatchReport(msgspec.Struct, frozen=True, kw_only=True):
    """A batch in sum; it names no firm."""

    firms: int
    matched: int
    unmatched: Annotated[
        dict[Literal["nothing_considered", "all_excluded", "no_place", "unusable_profile"], int],
        msgspec.Meta(description="How many firms got nothing, by why"),
    ]
    excluded: Annotated[
        dict[str, int], msgspec.Meta(description="By rule how many pairs it excluded")
    ]
    mean_fit: FitPoints | None
    exposure: Exposure
    certificate: Annotated[
        Certificate | None, msgspec.Meta(description="Null where no place was limited")
    ]
    providers: list[ProviderLoad]
    offerings: list[OfferingLoad]
    versions: UsedVersions


class Batch(Varying, frozen=True, kw_only=True):
    """A batch: what was asked, how far it is, and in sum what came of it."""

    id: BatchId
    organisation_id: OrganisationId
    job_id: JobId
    state: JobState
    progress: JobProgress | None
    as_of: str
    request: BatchRequest
    created_at: dt.datetime


class BatchSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A batch in a list."""

    id: BatchId
    job_id: JobId
    state: JobState
    as_of: str
    created_at: dt.datetime


class LineFormat(enum.StrEnum):
    """How the lines of a batch are written."""

    JSONL = "jsonl"
    CSV = "csv"
