"""What public bodies enter: whose drafts are whose to see, and where an agency speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.enterprise.reach.service import Within
from matchmaker.identity import queries as organisations
from matchmaker.identity.models import OrganisationRole
from matchmaker.taxonomy import industry
from matchmaker.taxonomy import region as places

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matchmaker.core.db import ReadSession
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.taxonomy.registry import Taxonomy


class Reader(NamedTuple):
    """For whom something is read: drafts are shown to their owner and to whoever sees all."""

    organisation_id: OrganisationId | None = None
    sees_all: bool = False


def reader_of(visitor: Principal | None) -> Reader:
    """For whom is read where ``visitor`` asks."""
    if visitor is None:
        return Reader()
    return Reader(visitor.organisation_id, sees_all=OrganisationRole.OPERATOR in visitor.roles)


async def outside_jurisdiction(
    session: ReadSession, owner: OrganisationId, regions: Sequence[str], at: str
) -> list[FieldFault]:
    """The fault of an agency that speaks for places, or with none for the country, not its own.

    An operator speaks for any place.
    """
    found = await organisations.organisation(session, owner)
    if found is None or OrganisationRole.OPERATOR.value in found.roles:
        return []
    own = Within.of(found.jurisdiction).regions
    if regions and all(place.startswith(own) for place in regions):
        return []
    said = Bilingual(
        zh="所列地区不在本机构的管辖范围内", en="its region is not in the jurisdiction"
    )
    return [FieldFault(at, "outside_jurisdiction", said)]


def chains(
    taxonomy: Taxonomy, industries: Sequence[str], region: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The industries and the place with everything above them; what is unknown has nothing."""
    known = [industry.normalise(taxonomy, code) for code in industries]
    above = [each for code in known if code for each in industry.chain(taxonomy, code)]
    return tuple(dict.fromkeys(above)), places.chain(taxonomy, region) if region else ()
