"""What the enterprise room answers."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from matchmaker.core.diffs import Change
from matchmaker.core.etags import Varying
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.identity.models import OrganisationId

Percent = Annotated[
    int,
    msgspec.Meta(
        ge=0, le=100, description="Of the facts a firm is asked for; rounded down, 100 is all"
    ),
]


class ScaleScheme(msgspec.Struct, frozen=True, kw_only=True):
    """The published rule that a size was computed by."""

    code: str
    edition: str


class MissingFact(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that is not known, and how to ask for it."""

    field: str
    question: str


class DerivedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from the stated facts.

    ``scale_basis`` is computed, estimated, declared or official, and only computed and official
    count for eligibility; ``scale_scheme`` is null unless a scheme computed or estimated the size.
    """

    scale: str | None
    scale_basis: str | None
    scale_scheme: ScaleScheme | None
    scale_counts_for_eligibility: bool
    scale_explanation: Annotated[
        list[str], msgspec.Meta(description="What the figures say; empty under another release")
    ]
    stage: str | None
    completeness: Percent
    missing: list[MissingFact]


class Profile(Varying, frozen=True, kw_only=True):
    """A version of what a firm states of itself, and what follows from it; null is unknown."""

    organisation_id: OrganisationId
    version: int
    facts: ProfileFacts
    derived: DerivedFacts
    created_at: dt.datetime


class ProfileSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a profile in a list."""

    version: int
    scale: str | None
    scale_basis: str | None
    stage: str | None
    completeness: Percent
    created_at: dt.datetime


class ProfileChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What one version of a profile states otherwise than another; pointers are into `facts`."""

    organisation_id: OrganisationId
    from_version: int
    to_version: int
    changes: list[Change]
