"""Which firms a cohort is for whoever uses it: those it may match by name, as they stand now."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from matchmaker.core.access import ScopeMissing
from matchmaker.enterprise.reach import queries as reach_queries
from matchmaker.enterprise.reach import service as reach
from matchmaker.enterprise.reach.counting import Dimension
from matchmaker.identity.access import Scope
from matchmaker.identity.models import OrganisationRole

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from matchmaker.core.db import ReadSession
    from matchmaker.enterprise.reach.queries import NamedFirm, StatedFirm
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.matching.cohorts.declaration import Criteria

_AT_A_TIME: Final = 1000


class Firm(NamedTuple):
    """A firm that may be matched by name, and what it states; ``facts`` None: nothing yet."""

    id: OrganisationId
    region: str | None
    facts: dict[str, Any] | None
    scale: str | None
    stage: str | None
    programmes: tuple[UUID, ...] = ()
    """Those it takes part in, where that is why it may be."""


async def within_reach(session: ReadSession, reader: Principal) -> list[Firm]:
    """Every firm that ``reader`` may match by name, in order of id.

    An operator everyone that is verified, an agency those of its jurisdiction that agreed.

    Raises:
        ScopeMissing: the credential may not read what firms state.
    """
    if Scope.PROFILES_READ not in reader.scopes:
        raise ScopeMissing(extra={"scope": Scope.PROFILES_READ.value})
    if OrganisationRole.OPERATOR in reader.roles:
        everyone = await reach_queries.stated_firms(session)
        return sorted(map(_firm, everyone), key=lambda firm: firm.id)
    found: list[Firm] = []
    after: UUID | None = None
    while True:
        page = await reach.firms(session, reader, after=after, limit=_AT_A_TIME)
        found += map(_firm, page)
        if len(page) < _AT_A_TIME:
            return found
        after = page[-1].id


def chosen(firms: Sequence[Firm], criteria: Criteria) -> list[Firm]:
    """Those that are one of each list that is there."""
    listed = None if criteria.firms is None else frozenset(criteria.firms)
    return [
        firm
        for firm in firms
        if (listed is None or firm.id in listed)
        and _begins(_prefixes(criteria.regions), [firm.region or ""])
        and _begins(criteria.industries, (firm.facts or {}).get("industries") or ())
        and (criteria.scales is None or firm.scale in criteria.scales)
        and (criteria.stages is None or firm.stage in criteria.stages)
        and _meets(criteria.clusters, (firm.facts or {}).get("clusters") or ())
    ]


async def told_of_all(
    session: ReadSession, reader: Principal, criteria: Criteria
) -> list[tuple[Dimension, int]]:
    """What an agency is told anyway of all its firms, by each list alone; nothing to operators.

    Sums of cells that everybody of the agency reads: no new number comes of it.
    """
    if OrganisationRole.OPERATOR in reader.roles:
        return []
    wanted: dict[Dimension, Sequence[str] | None] = {
        Dimension.REGION: _prefixes(criteria.regions),
        Dimension.INDUSTRY: criteria.industries,
        Dimension.SCALE: criteria.scales,
        Dimension.STAGE: criteria.stages,
    }
    found: list[tuple[Dimension, int]] = []
    for dimension, codes in wanted.items():
        if codes is not None:
            cells = await reach_queries.counts(session, reader.organisation_id, dimension.value)
            own = (cell for cell in cells if cell.dimension and cell.code)
            found.append((dimension, sum(c.firms for c in own if _begins(codes, [c.code]))))
    return found


def _firm(found: NamedFirm | StatedFirm) -> Firm:
    joined = tuple(found.programmes) if isinstance(found, reach_queries.NamedFirm) else ()
    return Firm(found.id, found.region, found.facts, found.scale, found.stage, joined)


def _prefixes(regions: Sequence[str] | None) -> list[str] | None:
    """The leading digits of places: whatever lies in them has a code that begins so."""
    return None if regions is None else [re.sub("(00)+$", "", place) for place in regions]


def _begins(wanted: Sequence[str] | None, codes: Collection[str]) -> bool:
    return wanted is None or any(code.startswith(each) for code in codes for each in wanted)


def _meets(wanted: Sequence[str] | None, codes: Collection[str]) -> bool:
    return wanted is None or not frozenset(wanted).isdisjoint(codes)
