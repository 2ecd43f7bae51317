"""What a pathway is asked for with, on the wire."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from matchmaker.core.wire import Currency
from matchmaker.enterprise.assessments.models import AssessmentId
from matchmaker.enterprise.declaration import MinorUnits
from matchmaker.pathway.models import PathwayId

Target = Annotated[int, msgspec.Meta(ge=1, le=4)]
Budgets: TypeAlias = Annotated[
    list[MinorUnits],
    msgspec.Meta(min_length=1, max_length=5, description="By year, in minor units"),
]


class PathwayRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to compute a pathway for.

    Without an assessment the profile alone is read; without a target the next level is aimed at.
    Without budgets the profile's yearly budget stands for each year; if that is unknown too,
    there is no limit. ``previous_id`` is the pathway that the new one takes the place of.
    """

    assessment_id: AssessmentId | None = None
    target: Target | None = None
    budgets: Budgets | None = None
    currency: Currency | None = None
    previous_id: PathwayId | None = None
