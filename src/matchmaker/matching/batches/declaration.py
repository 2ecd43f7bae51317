"""What a batch is asked, on the wire."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

import msgspec

from matchmaker.core.wire import Code, Described
from matchmaker.demand.declaration import NeedFacts
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.matching.cohorts.declaration import Criteria
from matchmaker.matching.cohorts.models import CohortId
from matchmaker.matching.schemas import OfferingName, Pools

MOST_PLACES = 1_000_000
MOST_LIMITED = 5000
"""Offerings whose places one batch may state."""
WHOSE = ("cohort_id", "criteria", "enterprises")

Count: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=MOST_PLACES)]
Counts: TypeAlias = Annotated[dict[OfferingName, Count], msgspec.Meta(max_length=MOST_LIMITED)]


class Enterprise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A firm that the portal knows and we do not: what its books call it, and what it states."""

    reference: Code
    profile: ProfileFacts | None = None


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One need, as every firm of a cohort would ask it.

    The firms are those of a kept cohort, those that ``criteria`` choose, or listed with what they
    state. ``capacity`` is how many firms each offering can take and ``capacities`` say so for some;
    ``floors`` are firms that an offering is to be given, where that can be.
    """

    cohort_id: CohortId | None = None
    criteria: Criteria | None = None
    enterprises: Annotated[list[Enterprise], msgspec.Meta(max_length=10_000)] | None = None
    need: NeedFacts
    pools: Pools | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    capacity: Count | None = None
    capacities: Counts = {}
    floors: Counts = {}

    json_schema: ClassVar[Described] = {
        "oneOf": [
            {
                "required": [given],
                "properties": {
                    name: {"not": {"type": "null"}} if name == given else {"type": "null"}
                    for name in WHOSE
                },
            }
            for given in WHOSE
        ]
    }

    def __post_init__(self) -> None:
        """Refuse a request that says in no way, or in two, whose matches are wanted."""
        if sum(getattr(self, name) is not None for name in WHOSE) != 1:
            raise ValueError(f"exactly one of {', '.join(WHOSE)}")

    @property
    def is_limited(self) -> bool:
        """Whether places are few, or some are to be filled: otherwise nobody is in another's way.

        Whatever is limited, nobody is given more than one offering.
        """
        return self.capacity is not None or bool(self.capacities) or any(self.floors.values())
