"""What chooses the firms of a cohort, on the wire."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.core.wire import Line
from matchmaker.enterprise.declaration import (
    Clusters,
    Industries,
    Region,
    ScaleCode,
    StageCode,
)
from matchmaker.identity.models import OrganisationId

MOST_LISTED = 1000
"""Firms that one list names; more are chosen by what they are."""

Regions: TypeAlias = Annotated[list[Region], msgspec.Meta(max_length=50)]
Scales: TypeAlias = Annotated[list[ScaleCode], msgspec.Meta(max_length=4)]
Stages: TypeAlias = Annotated[list[StageCode], msgspec.Meta(max_length=6)]
Firms: TypeAlias = Annotated[list[OrganisationId], msgspec.Meta(max_length=MOST_LISTED)]


class Criteria(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Firms that are one of each list that is there; no list, every firm within reach.

    A region holds every place whose code begins like it, an industry every one below it. What is
    not known of a firm is none of the list.
    """

    regions: Regions | None = None
    industries: Industries | None = None
    scales: Scales | None = None
    stages: Stages | None = None
    clusters: Clusters | None = None
    firms: Firms | None = None


class CohortTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a cohort that its owner may change."""

    name: Line
    criteria: Criteria = Criteria()


class CohortPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a cohort; the criteria are replaced whole."""

    name: Line | UnsetType = UNSET
    criteria: Criteria | UnsetType = UNSET
