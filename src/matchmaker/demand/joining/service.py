"""Joint needs: whom the owner asks, and who joins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core import etags, events, rows, transitions
from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor
from matchmaker.demand import queries
from matchmaker.demand.errors import FirmNotInvitable, NeedMemberNotFound, NeedNotEditable
from matchmaker.demand.machine import EDITABLE, NEED_MEMBER, MemberState
from matchmaker.demand.models import NeedMember, new_need_member_id
from matchmaker.demand.service import event, find_own, find_whole
from matchmaker.identity.access import event_actor

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.demand.models import NeedId
    from matchmaker.demand.queries import FoundNeed
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId


async def find_member(
    session: ReadSession, need_id: NeedId, firm: OrganisationId, reader: Principal
) -> tuple[FoundNeed, NeedMember]:
    """The need and how the firm stands to it.

    Raises:
        NeedNotFound: there is no such need, or they may not see all of it.
        NeedMemberNotFound: the firm neither shares it nor was asked to.
    """
    found = await find_whole(session, need_id, reader)
    member = await queries.find_member(session, need_id, firm)
    if member is None:
        raise NeedMemberNotFound
    return found, member


async def invite(
    session: Session, need_id: NeedId, firm: OrganisationId, principal: Principal
) -> NeedMember:
    """The firm's place in the need, asked now or before.

    Raises:
        NeedNotFound: there is none, or it is somebody else's.
        NeedNotEditable: it is past being shared anew.
        FirmNotInvitable: the firm is the owner, no active one, or none at all.
    """
    _refuse_closed(await find_own(session, need_id, principal))
    if firm == principal.organisation_id or not await queries.is_active_firm(session, firm):
        raise FirmNotInvitable
    values = {
        "id": new_need_member_id(),
        "need_id": need_id,
        "organisation_id": firm,
        "state": NEED_MEMBER.initial,
        "revision": 1,
    }
    is_new = await queries.insert_member(session, values) is not None
    # It may have been engaged on since it was read; what is held now can no longer change.
    await queries.hold_need(session, need_id)
    found = await find_own(session, need_id, principal)
    _refuse_closed(found)
    member = await queries.find_member(session, need_id, firm)
    if member is None:
        raise NeedMemberNotFound
    if is_new:
        await _tell(session, "need.member_invited", found, firm=firm, principal=principal)
    return member


def _refuse_closed(found: FoundNeed) -> None:
    if found.need.state not in EDITABLE:
        raise NeedNotEditable(extra={"state": found.need.state.value})


def hindrances_of(found: FoundNeed) -> transitions.Hindrances:
    """By step what is missing for it: one joins what may still be reworded."""
    if found.need.state in EDITABLE:
        return {}
    said = Bilingual(zh="该需求已不再接受新的共同方", en="the need takes no more members")
    return {"accept": [FieldFault("#/transition", "need_closed_to_members", said)]}


def actors_of(member: NeedMember, principal: Principal) -> frozenset[Actor]:
    """As whom the principal acts on the firm's place: a firm joins for itself only."""
    is_own = member.organisation_id == principal.organisation_id
    return frozenset({Actor.OWNER} if is_own else ())


async def take_step(
    session: Session,
    need_id: NeedId,
    firm: OrganisationId,
    asked: transitions.TransitionRequest,
    *,
    principal: Principal,
    seen: int | None = None,
) -> tuple[FoundNeed, NeedMember]:
    """The need and the firm's place in it after the step.

    Raises:
        StaleVersion: the place is not at the revision ``seen``.
        NeedNotFound, NeedMemberNotFound: they may not see the need, or the firm has no part in it.
        UnknownTransition, NotYourTransition: there is no such step, or not for them.
        IllegalTransition: it does not start where the firm stands, or somebody came first.
        TransitionHindered: the need takes no more members.
    """
    found, member = await find_member(session, need_id, firm, principal)
    etags.expect(member.revision, seen)
    source = member.state
    step = transitions.checked(
        NEED_MEMBER,
        source,
        asked.transition,
        actors=actors_of(member, principal),
        hindrances=hindrances_of(found),
    )
    values = {"note": asked.note}
    moving = rows.move(
        session, NeedMember, member.id, source=source, step=step, values=values, seen=seen
    )
    if await moving is None:
        _, now = await find_member(session, need_id, firm, principal)
        etags.expect(now.revision, seen)
        raise transitions.IllegalTransition(extra={"state": now.state.value})
    # As in `invite`: the hindrance is the need's, whose row was not held when it was looked at.
    await queries.hold_need(session, need_id)
    found, moved = await find_member(session, need_id, firm, principal)
    if missing := hindrances_of(found).get(step.name):
        raise transitions.TransitionHindered(errors=missing, extra={"state": source.value})
    await _tell(session, "need.member_joined", found, firm=firm, principal=principal)
    return found, moved


async def remove(
    session: Session, need_id: NeedId, firm: OrganisationId, principal: Principal
) -> None:
    """End the firm's part in the need: by the owner, or by the firm itself.

    Raises:
        NeedNotFound: there is no such need, or it is neither's.
        NeedMemberNotFound: the firm has no part in it.
    """
    found, member = await find_member(session, need_id, firm, principal)
    if principal.organisation_id not in {found.need.organisation_id, firm}:
        raise NeedMemberNotFound
    stood = await queries.delete_member(session, member.id)
    if stood is None:
        raise NeedMemberNotFound
    was = {MemberState.INVITED: "need.invitation_ended", MemberState.ACCEPTED: "need.member_left"}
    await _tell(session, was[stood], found, firm=firm, principal=principal)


async def _tell(
    session: Session, kind: str, found: FoundNeed, *, firm: OrganisationId, principal: Principal
) -> None:
    await events.append(session, event(kind, found, event_actor(principal), member=str(firm)))
