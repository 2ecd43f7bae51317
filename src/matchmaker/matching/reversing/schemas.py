"""Needs that fit an offering, on the wire."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec

from matchmaker.demand.schemas import Need
from matchmaker.matching.schemas import Contribution, MatchFunnel, Shown, UsedVersions


class ReverseRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A published offering of your own."""

    offering_id: UUID
    limit: Shown = 10


class FittingNeed(msgspec.Struct, frozen=True, kw_only=True):
    """A need, as everyone may read it, and how the offering fits what it says."""

    need: Need
    fit: int | None
    package: str
    contributions: list[Contribution]
    unconfirmed: Annotated[
        dict[str, str],
        msgspec.Meta(description="Rules that nobody can answer yet, each with its sentence"),
    ]
    cautions: list[str]


class ReverseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The needs that the offering fits best, and what became of the others.

    The funnel counts needs: those that rules of the offering or of the need exclude, by which.
    """

    offering_id: UUID
    items: list[FittingNeed]
    funnel: MatchFunnel
    has_more: Annotated[
        bool, msgspec.Meta(description="Whether older needs of the kind were not looked at")
    ]
    as_of: str
    versions: UsedVersions
