"""Which firms an agency reads by name, and what it is told of the others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from matchmaker.core.machine import Actor
from matchmaker.enterprise import service
from matchmaker.enterprise.participations import queries as participations
from matchmaker.enterprise.reach import counting, queries
from matchmaker.enterprise.reach.counting import Table, Traits
from matchmaker.identity import queries as organisations
from matchmaker.identity.access import actors_of, note
from matchmaker.identity.models import OrganisationRole
from matchmaker.taxonomy import region

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.enterprise.reach.queries import NamedFirm, StatedFirm
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.taxonomy.registry import Taxonomy

_DIVISION = re.compile(r"[A-Z]\d{2}", re.ASCII)
_SETS: Final = ("clusters", "programmes")
_WHOLE = frozenset({Actor.OWNER, Actor.OPERATOR})


class Within(NamedTuple):
    """A jurisdiction as it is asked about.

    The leading digits of its places, its clusters, its programmes and who keeps some.
    """

    regions: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    programmes: tuple[str, ...] = ()

    @classmethod
    def of(cls, said: Mapping[str, Any] | None, agency: OrganisationId | None = None) -> Within:
        """The jurisdiction as it is stored, with the programmes that ``agency`` keeps itself."""
        found = said or {}
        joined = (*found.get("programmes", ()), *(() if agency is None else (str(agency),)))
        places = (re.sub("(00)+$", "", place) for place in found.get("regions", ()))
        # Nothing is left of a code of zeros, and every place begins with nothing.
        return cls(tuple(filter(None, places)), tuple(found.get("clusters", ())), joined)

    def holds(self, traits: Traits) -> bool:
        """Whether a firm of these traits is its business."""
        place = traits.place or ""
        return (
            any(place.startswith(each) for each in self.regions)
            or not {*self.clusters}.isdisjoint(traits.clusters)
            or not {*self.programmes}.isdisjoint(traits.programmes)
        )


async def check_reader(session: ReadSession, reader: Principal, owner: OrganisationId) -> None:
    """Let the firm itself, operators, and an agency that may name it read its profile now.

    Raises:
        ProfileNotFound: for everybody else, as if there were none.
    """
    actors = actors_of(reader, owner)
    may_name = Actor.AGENCY in actors and not actors & _WHOLE
    if may_name and (found := await firms(session, reader, only=owner)):
        note(reader, owner, "profile", owner, programmes=tuple(found[0].programmes))
        return
    service.check_reader(reader, owner)


async def firms(
    session: ReadSession,
    reader: Principal,
    *,
    after: UUID | None = None,
    limit: int = 1,
    only: OrganisationId | None = None,
) -> list[NamedFirm]:
    """The firms that ``reader`` may name, by id: verified, in its jurisdiction, and they agree.

    Who takes part in a programme agrees by that, to those whose programme it is.
    """
    if OrganisationRole.AGENCY not in reader.roles:
        return []
    agency = await organisations.organisation(session, reader.organisation_id)
    within = Within.of(None if agency is None else agency.jurisdiction, reader.organisation_id)
    return await queries.named_firms(session, *within, after=after, limit=limit, only=only)


async def count(session: Session, taxonomy: Taxonomy, least: int) -> int:
    """Count the firms for every agency anew; how many are counted otherwise than before."""
    within = {id_: Within.of(said, id_) for id_, said in await queries.agencies(session)}
    before = {
        id_: Traits(**{**said, **{name: tuple(said.get(name, ())) for name in _SETS}})
        for id_, said in (await queries.counted_firms(session)).items()
    }
    joined = await participations.joined_by_firm(session)
    now = {
        each.id: _joined(_traits(each, taxonomy), joined.get(each.id, ()), within.values())
        for each in await queries.stated_firms(session)
    }

    def groups(traits: Traits) -> frozenset[OrganisationId]:
        return frozenset(id_ for id_, each in within.items() if each.holds(traits))

    after = counting.settled(before, now, groups, least)
    told = counting.tables(after, groups, least)
    await queries.replace_counts(
        session,
        [{"organisation_id": id_, "traits": traits._asdict()} for id_, traits in after.items()],
        [row for id_ in within for row in _rows(id_, told.get(id_, counting.NOTHING))],
    )
    return sum(before.get(id_) != after.get(id_) for id_ in before.keys() | after.keys())


def _joined(traits: Traits, ids: Collection[UUID], within: Collection[Within]) -> Traits:
    """With what the firm has joined, where that makes it the business of another agency.

    Where it changes nothing it is left out: else joining and leaving were changes of a parcel that
    move no number, and who makes four of them waits for the fifth.
    """
    named = {str(id_) for id_ in ids}
    others = [{*each.programmes} & named for each in within if not each.holds(traits)]
    return traits._replace(programmes=tuple(sorted(set[str]().union(*others))))


def _traits(found: StatedFirm, taxonomy: Taxonomy) -> Traits:
    facts = found.facts or {}
    place = found.region
    above = None if place is None else region.prefecture(taxonomy, place)
    first = next(iter(facts.get("industries") or ()), "")
    division = _DIVISION.match(first)
    return Traits(
        place=place,
        clusters=tuple(facts.get("clusters") or ()),
        region=above or (None if place is None else region.province(taxonomy, place)),
        industry=division[0] if division else first[:1] or None,
        scale=found.scale,
        stage=found.stage,
    )


def _rows(agency: OrganisationId, table: Table) -> Iterator[dict[str, Any]]:
    yield {"organisation_id": agency, "dimension": "", "code": "", "firms": table.total}
    for dimension, cells in table.cells.items():
        for code, firms_ in cells.items():
            yield {
                "organisation_id": agency,
                "dimension": dimension.value,
                "code": code or "",
                "firms": firms_,
            }
