"""Cohorts on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from matchmaker.enterprise.reach.counting import Dimension
from matchmaker.identity.models import OrganisationId
from matchmaker.matching.cohorts.declaration import Criteria
from matchmaker.matching.cohorts.models import CohortId


class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """What chooses firms, under a name."""

    id: CohortId
    organisation_id: OrganisationId
    name: str
    criteria: Criteria
    created_at: dt.datetime
    changed_at: dt.datetime


class ToldCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many firms of the jurisdiction, named or not, one of the lists holds, as last counted."""

    by: Dimension
    firms: int


class CohortCount(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a batch would match now, and what may be told of the others."""

    within_reach: Annotated[int, msgspec.Meta(description="Firms that you may match by name")]
    firms: Annotated[int, msgspec.Meta(description="Those of them that the criteria choose")]
    unstated: Annotated[
        int, msgspec.Meta(description="Of the chosen those without a profile: all is unknown")
    ]
    all_firms: Annotated[
        list[ToldCount],
        msgspec.Meta(
            description="By one list at a time, never by two: `/v1/jurisdiction/aggregates` says"
            " why. Empty for operators, who may match everyone"
        ),
    ]
