"""Use-cases of expert cards: their person states and withdraws them, others look for experts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from matchmaker.core.errors import FieldFault, StaleVersion, VersionRequired
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import InvalidContent
from matchmaker.identity.access import actors_of, note
from matchmaker.identity.errors import ExpertNotFound
from matchmaker.identity.experts import queries
from matchmaker.identity.experts.queries import ExpertFilter, Shown
from matchmaker.identity.history import tell
from matchmaker.identity.models import OrganisationRole
from matchmaker.taxonomy.checking import unknown_code

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.access import Principal
    from matchmaker.identity.experts.models import ExpertCard
    from matchmaker.identity.experts.schemas import StatedExpert
    from matchmaker.identity.models import MemberId
    from matchmaker.taxonomy.registry import Taxonomy

_SKILL = "skill"
_SEEKERS = frozenset({OrganisationRole.AGENCY, OrganisationRole.OPERATOR})
"""Who looks for experts in organisations of others."""


async def state(
    session: Session,
    taxonomy: Taxonomy,
    said: StatedExpert,
    *,
    revision: int | None,
    by: Principal,
) -> Shown:
    """The card of the person who is logged in, which is what they say now.

    Raises:
        ExpertNotFound: who asks is nobody's member.
        InvalidContent: they do not consent; a skill or an organisation does not exist.
        VersionRequired, StaleVersion: there is a card, and it is not at ``revision``.
    """
    member_id = _member(by)
    if faults := [fault async for fault in _faults(session, taxonomy, said)]:
        raise InvalidContent(errors=faults)
    values = _values(said)
    if revision is None:
        added = {**values, "organisation_id": by.acting_id, "revision": 1}
        if not await queries.add(session, member_id, added):
            raise VersionRequired
    elif not await queries.revise(session, member_id, revision, values):
        raise StaleVersion
    now = await own(session, by=by)
    # Skills only: an event cannot be erased, and the rest is the person's.
    await _tell(session, "expert_card.stated", now.card, by=by)
    return now


async def own(session: ReadSession, *, by: Principal) -> Shown:
    """The card of the person who is logged in.

    Raises:
        ExpertNotFound: they have none for the organisation that they act for.
    """
    found = await queries.card(session, _member(by), reader=by.acting_id)
    if found is None:
        raise ExpertNotFound
    return found


async def withdraw(session: Session, *, revision: int, by: Principal) -> None:
    """Nobody sees the card of the person who is logged in any more; nothing of it is kept.

    Raises:
        ExpertNotFound: they have none.
        StaleVersion: it is not at ``revision``.
    """
    found = await own(session, by=by)
    if not await queries.remove(session, found.card.id, revision):
        raise StaleVersion
    await _tell(session, "expert_card.withdrawn", found.card, by=by)


async def read(session: ReadSession, member_id: MemberId, *, by: Principal) -> Shown:
    """A card, for the member's organisation and for whoever looks for experts.

    Raises:
        ExpertNotFound: there is none that the caller may see.
    """
    found = await queries.card(session, member_id, reader=by.organisation_id)
    if found is None or not actors_of(by, found.card.organisation_id):
        raise ExpertNotFound
    note(by, found.card.organisation_id, "expert_card", found.card.id)
    return found


def visible_to(by: Principal, skill: str | None) -> ExpertFilter:
    """The cards that the caller lists: everybody's, or those of its own members."""
    return ExpertFilter(only=None if by.roles & _SEEKERS else by.organisation_id, skill=skill)


async def list_cards(
    session: ReadSession, wanted: ExpertFilter, *, by: Principal, after: UUID | None, limit: int
) -> list[Shown]:
    """Up to ``limit`` cards that the caller sees."""
    return await queries.list_cards(
        session, wanted, reader=by.organisation_id, after=after, limit=limit
    )


def _member(by: Principal) -> MemberId:
    if by.seat is None:
        raise ExpertNotFound
    return by.seat.member_id


def _values(said: StatedExpert) -> dict[str, Any]:
    return {
        "name": said.name,
        "titles": msgspec.to_builtins(said.titles),
        "skills": sorted({*said.skills}),
        "conflicts": msgspec.to_builtins(said.conflicts),
    }


async def _faults(
    session: ReadSession, taxonomy: Taxonomy, said: StatedExpert
) -> AsyncIterator[FieldFault]:
    if not said.consents:
        message = Bilingual(zh="未经本人同意不予公开", en="no card without consent")
        yield FieldFault("#/consents", "consent_needed", message)
    known = taxonomy.codes(_SKILL)
    for place, code in enumerate(said.skills):
        if code not in known:
            yield unknown_code(f"#/skills/{place}", code, _SKILL)
    named = [each.organisation_id for each in said.conflicts]
    unknown = await queries.missing(session, [id_ for id_ in named if id_ is not None])
    for place, id_ in enumerate(named):
        if id_ in unknown:
            message = Bilingual(zh="没有这个组织", en="no such organisation")
            yield FieldFault(f"#/conflicts/{place}/organisation_id", "unknown", message)


async def _tell(session: Session, kind: str, of: ExpertCard, *, by: Principal) -> None:
    await tell(session, kind, of, by=by, data={"skills": of.skills})
