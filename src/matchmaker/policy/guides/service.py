"""Use-cases of guides: entered by agencies and operators, and found for a firm."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import msgspec

from matchmaker.core import etags, events, rows, transitions
from matchmaker.identity.access import actors_of, event_actor
from matchmaker.policy.guides import queries
from matchmaker.policy.guides.checking import guide_faults
from matchmaker.policy.guides.declaration import GuideTerms
from matchmaker.policy.guides.errors import GuideNotFound
from matchmaker.policy.guides.machine import GUIDE, HAPPENED, GuideState
from matchmaker.policy.guides.models import Guide, GuideId, new_guide_id
from matchmaker.policy.guides.queries import GuideFilter
from matchmaker.policy.issuing import Reader, chains, outside_jurisdiction, reader_of
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.machine import Actor
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.policy.guides.released import General
    from matchmaker.taxonomy.checking import Checker
    from matchmaker.taxonomy.registry import Taxonomy

MOST_LOOKED_AT: Final = 1_000
"""Guides among which those of one firm are found: many times what there are."""
_SHOWN: Final = (None, GuideState.PUBLISHED)
"""States asked for in which the released guide is listed."""


class FoundGuide(NamedTuple):
    """A guide, stored or released; nobody owns the one that is released."""

    id: GuideId
    organisation_id: OrganisationId | None
    terms: GuideTerms
    state: GuideState
    revision: int = 1
    note: str | None = None
    created_at: dt.datetime | None = None


async def create(
    session: Session, checker: Checker, said: GuideTerms, principal: Principal
) -> FoundGuide:
    """The new draft of the caller.

    Raises:
        UnusableInput: it names what there is not, or a scene twice.
    """
    if faults := list(guide_faults(checker, said)):
        raise UnusableInput(errors=faults)
    columns = cast("dict[str, Any]", msgspec.to_builtins(said))
    made = Guide(id=new_guide_id(), organisation_id=principal.organisation_id, **columns)
    await queries.insert_guide(session, made)
    await events.append(session, _event("guide.drafted", made, principal))
    return _stored(made)


async def find(
    session: ReadSession, general: General, guide_id: GuideId, visitor: Principal | None
) -> FoundGuide:
    """The guide.

    Raises:
        GuideNotFound: there is none, or it is a draft of somebody else's.
    """
    if guide_id == general.id:
        return _released(general)
    return _stored(await _find(session, guide_id, visitor))


async def listed(
    session: ReadSession,
    general: General,
    wanted: GuideFilter,
    visitor: Principal | None,
    *,
    after: UUID | None,
    limit: int,
) -> list[FoundGuide]:
    """Up to ``limit`` guides by id, after ``after``: the general one is the first of all."""
    first = [_released(general)] if after is None and wanted.state in _SHOWN else []
    found = await queries.list_guides(
        session, wanted, reader_of(visitor), after=after, limit=limit - len(first)
    )
    return [*first, *map(_stored, found)]


async def take_step(
    session: Session,
    general: General,
    guide_id: GuideId,
    asked: transitions.TransitionRequest,
    *,
    principal: Principal,
    seen: int | None = None,
) -> FoundGuide:
    """The guide after the step; the edition of the same code that was published is superseded.

    Raises:
        GuideNotFound: there is none, or it is a draft of somebody else's.
        StaleVersion: it is not at the revision ``seen``.
        UnknownTransition, NotYourTransition, IllegalTransition, TransitionHindered: as `checked`.
    """
    found = await find(session, general, guide_id, principal)
    etags.expect(found.revision, seen)
    owner = found.organisation_id
    editions = await queries.hold_editions(session, owner, found.terms.code) if owner else []
    found = await find(session, general, guide_id, principal)
    etags.expect(found.revision, seen)
    step = transitions.checked(
        GUIDE,
        found.state,
        asked.transition,
        actors=actors(principal, found),
        hindrances=await hindrances(session, found),
    )
    changes = {found.id: step}
    over = GUIDE.step("supersede")
    if step.target is GuideState.PUBLISHED and over is not None:
        standing = [each.id for each in editions if each.state is GuideState.PUBLISHED]
        changes = {**dict.fromkeys(standing, over), **changes}
    for id_, taken in changes.items():
        before = await _find(session, id_, principal)
        values = {"note": asked.note} if id_ == found.id else {}
        source = before.state
        moved = await rows.move(session, Guide, id_, source=source, step=taken, values=values)
        if moved is None:
            raise transitions.IllegalTransition(extra={"state": source.value})
        after = await _find(session, id_, principal)
        await events.append(session, _event(HAPPENED[taken.name], after, principal))
    return await find(session, general, guide_id, principal)


async def hindrances(session: ReadSession, found: FoundGuide) -> transitions.Hindrances:
    """What keeps the guide from being published: an agency recommends within its jurisdiction."""
    if found.organisation_id is None or found.state is not GuideState.DRAFT:
        return {}
    places = [] if found.terms.region is None else [found.terms.region]
    return {
        "publish": await outside_jurisdiction(
            session, found.organisation_id, places, "#/transition"
        )
    }


async def fitting(
    session: ReadSession,
    general: General,
    taxonomy: Taxonomy,
    *,
    industries: Sequence[str],
    region: str | None,
    limit: int,
) -> list[FoundGuide]:
    """Up to ``limit`` published guides for such a firm, the most specific first, the general last.

    By the length of the prefix of the industry, then by how small the place is, then the newest.
    """
    above, around = chains(taxonomy, industries, region)
    wanted = GuideFilter(above, around, GuideState.PUBLISHED)
    found = await queries.list_guides(session, wanted, Reader(), after=None, limit=MOST_LOOKED_AT)
    found.sort(key=lambda guide: guide.id, reverse=True)
    found.sort(key=lambda guide: _narrow(guide, above), reverse=True)
    return [*map(_stored, found[: limit - 1]), _released(general)]


def actors(principal: Principal, found: FoundGuide) -> frozenset[Actor]:
    """As whom ``principal`` may act on the guide; nobody acts on what is released."""
    if found.organisation_id is None:
        return frozenset()
    return actors_of(principal, found.organisation_id)


async def _find(session: ReadSession, guide_id: GuideId, visitor: Principal | None) -> Guide:
    found = await queries.find_guide(session, guide_id, reader_of(visitor))
    if found is None:
        raise GuideNotFound
    return found


def _narrow(guide: Guide, industries: Sequence[str]) -> tuple[int, int]:
    prefixes = [len(code) for code in guide.industries if code in industries]
    place = re.sub("(00)+$", "", guide.region or "")
    return max(prefixes, default=0), len(place)


def _stored(found: Guide) -> FoundGuide:
    said = {name: getattr(found, name) for name in GuideTerms.__struct_fields__}
    return FoundGuide(
        id=found.id,
        organisation_id=found.organisation_id,
        terms=msgspec.convert(said, GuideTerms),
        state=found.state,
        revision=found.revision,
        note=found.note,
        created_at=found.created_at,
    )


def _released(general: General) -> FoundGuide:
    return FoundGuide(GuideId(general.id), None, general.guide, GuideState.PUBLISHED)


def _event(kind: str, guide: Guide, by: Principal) -> events.Event:
    return events.Event(
        kind=kind,
        subject_type="guide",
        subject_id=guide.id,
        organisation_id=guide.organisation_id,
        actor=event_actor(by),
        data={
            "code": guide.code,
            "edition": guide.edition,
            "state": guide.state.value,
            "revision": guide.revision,
        },
    )
