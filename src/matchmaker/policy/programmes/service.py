"""Use-cases of programmes: entered by agencies and operators, read by everyone once published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.core import etags, events, rows, transitions
from matchmaker.core.errors import FieldFault, StaleVersion
from matchmaker.core.language import Bilingual
from matchmaker.core.patching import merged
from matchmaker.enterprise.participations import service as participations
from matchmaker.identity.access import actors_of, event_actor
from matchmaker.policy.issuing import outside_jurisdiction, reader_of
from matchmaker.policy.programmes import queries
from matchmaker.policy.programmes.checking import programme_faults
from matchmaker.policy.programmes.declaration import ProgrammeTerms, Window
from matchmaker.policy.programmes.errors import (
    ProgrammeArchived,
    ProgrammeNotFound,
    ProgrammeNotOpen,
)
from matchmaker.policy.programmes.machine import HAPPENED, PROGRAMME, ProgrammeState
from matchmaker.policy.programmes.models import Programme, ProgrammeId, new_programme_id
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    import datetime as dt

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.enterprise.participations.models import Participation
    from matchmaker.identity.access import Principal
    from matchmaker.policy.programmes.declaration import ProgrammePatch
    from matchmaker.policy.programmes.models import ProgrammeVersion
    from matchmaker.policy.programmes.queries import FoundProgramme
    from matchmaker.taxonomy.checking import Checker

MOST_ABOVE: Final = 10
"""Programmes above one another, at most."""


async def create(
    session: Session, checker: Checker, terms: ProgrammeTerms, principal: Principal
) -> FoundProgramme:
    """The new programme of the caller's organisation: a draft with version 1.

    Raises:
        UnusableInput: with every fault of what it says.
    """
    programme = Programme(id=new_programme_id(), organisation_id=principal.organisation_id)
    await _refuse_faults(session, checker, programme, terms, principal=principal)
    await queries.insert_programme(session, programme)
    await queries.insert_version(session, _version(programme, 1, terms))
    await events.append(session, _event("programme.drafted", programme, principal))
    return await find(session, programme.id, principal)


async def find(
    session: ReadSession, programme_id: ProgrammeId, visitor: Principal | None
) -> FoundProgramme:
    """The programme: one that was published for everyone, any for its owner and for operators.

    Raises:
        ProgrammeNotFound: there is none, or it is not for them.
    """
    found = await queries.find_programme(session, programme_id, reader_of(visitor))
    if found is None:
        raise ProgrammeNotFound
    return found


async def revise(
    session: Session,
    programme_id: ProgrammeId,
    patch: ProgrammePatch,
    *,
    principal: Principal,
    checker: Checker,
    revision: int,
) -> FoundProgramme:
    """The own programme after ``patch``: what it says now is a new version, if anything is new.

    Raises:
        ProgrammeNotFound: there is none, or it is somebody else's.
        StaleVersion: it is no longer at ``revision``.
        ProgrammeArchived: it stays as it was.
        UnusableInput: with every fault of what it would say.
    """
    found = await find(session, programme_id, principal)
    programme = found.programme
    if programme.organisation_id != principal.organisation_id:
        raise ProgrammeNotFound
    etags.expect(programme.revision, revision)
    if programme.state is ProgrammeState.ARCHIVED:
        raise ProgrammeArchived
    before = terms_of(found.version)
    after = merged(before, patch)
    if after == before:
        return found
    await _refuse_faults(session, checker, programme, after, principal=principal)
    number = programme.version + 1
    # The programme first: of two at once one waits here, and then finds another revision.
    values = {"version": number}
    revised = rows.revise(session, Programme, programme_id, revision=revision, values=values)
    if await revised is None:
        raise StaleVersion
    await queries.insert_version(session, _version(programme, number, after))
    changed = await find(session, programme_id, principal)
    told = _event("programme.revised", changed.programme, principal)
    await queries.follow_live(session, programme_id, await events.append(session, told))
    return changed


async def take_step(
    session: Session,
    programme_id: ProgrammeId,
    asked: transitions.TransitionRequest,
    *,
    principal: Principal,
    seen: int | None = None,
) -> FoundProgramme:
    """The programme after the step; of several callers at once one wins.

    Raises:
        ProgrammeNotFound: there is none, or it is a draft of somebody else's.
        StaleVersion: it is not at the revision ``seen``.
        UnknownTransition, NotYourTransition, IllegalTransition, TransitionHindered: as `checked`.
    """
    found = await find(session, programme_id, principal)
    programme = found.programme
    etags.expect(programme.revision, seen)
    step = transitions.checked(
        PROGRAMME,
        programme.state,
        asked.transition,
        actors=actors_of(principal, programme.organisation_id),
        hindrances=await hindrances(session, found),
    )
    # At the revision whose places were looked at: another version may be for others.
    source, revision = programme.state, programme.revision
    values = {"note": asked.note}
    moving = rows.move(
        session, Programme, programme_id, source=source, step=step, values=values, seen=revision
    )
    if await moving is None:
        there = (await find(session, programme_id, principal)).programme
        etags.expect(there.revision, revision if there.state is source else seen)
        raise transitions.IllegalTransition(extra={"state": there.state.value})
    over = step.target is ProgrammeState.ARCHIVED
    ended = await participations.end(session, programme_id, principal) if over else []
    moved = await find(session, programme_id, principal)
    told = _event(HAPPENED[step.name], moved.programme, principal)
    await queries.follow_live(session, programme_id, await events.append(session, *ended, told))
    return moved


async def join(
    session: Session, programme_id: ProgrammeId, principal: Principal, *, today: dt.date
) -> Participation:
    """The caller's firm in the programme, which is for firms and not known to be closed today.

    Raises:
        ProgrammeNotFound: there is none, or it is a draft of somebody else's.
        ProgrammeNotOpen: it cannot be joined now.
        AlreadyExists: the firm takes part already.
    """
    programme, version = await find(session, programme_id, principal)
    terms, keeper = terms_of(version), programme.organisation_id
    is_open = terms.beneficiary == "firm" and terms.window(today) in {None, Window.OPEN}
    if not is_open or not await queries.hold_joinable(session, programme_id, keeper):
        raise ProgrammeNotOpen
    return await participations.join(session, programme_id, keeper, principal)


async def hindrances(session: ReadSession, found: FoundProgramme) -> transitions.Hindrances:
    """What keeps the programme from being published: an agency speaks within its jurisdiction."""
    programme, version = found
    if programme.state is not ProgrammeState.DRAFT:
        return {}
    regions, owner = terms_of(version).regions, programme.organisation_id
    return {"publish": await outside_jurisdiction(session, owner, regions, "#/transition")}


def terms_of(version: ProgrammeVersion) -> ProgrammeTerms:
    """What a stored version says."""
    return msgspec.convert(version.terms, ProgrammeTerms)


def _version(programme: Programme, number: int, terms: ProgrammeTerms) -> dict[str, object]:
    return {
        "programme_id": programme.id,
        "organisation_id": programme.organisation_id,
        "number": number,
        "terms": msgspec.to_builtins(terms),
    }


async def _refuse_faults(
    session: ReadSession,
    checker: Checker,
    programme: Programme,
    terms: ProgrammeTerms,
    *,
    principal: Principal,
) -> None:
    faults = [*programme_faults(checker, terms)]
    if not await _may_be_part(session, programme.id, terms, principal):
        said = Bilingual(
            zh="没有这项政策，或它属于本政策", en="there is none, or it is part of this one"
        )
        faults.append(FieldFault("#/parent_id", "unusable_parent", said))
    if programme.state is ProgrammeState.PUBLISHED:
        owner = programme.organisation_id
        faults += await outside_jurisdiction(session, owner, terms.regions, "#/regions")
    if faults:
        raise UnusableInput(errors=faults)


async def _may_be_part(
    session: ReadSession, id_: ProgrammeId, terms: ProgrammeTerms, principal: Principal
) -> bool:
    """Whether the programme it is part of is there, and is not part of it in turn."""
    above = terms.parent_id
    for _ in range(MOST_ABOVE):
        if above is None:
            return True
        reader = reader_of(principal)
        found = await queries.find_programme(session, ProgrammeId(above), reader)
        if found is None or found.programme.id == id_:
            return False
        above = terms_of(found.version).parent_id
    return False


def _event(kind: str, programme: Programme, by: Principal) -> events.Event:
    return events.Event(
        kind=kind,
        subject_type="programme",
        subject_id=programme.id,
        organisation_id=programme.organisation_id,
        actor=event_actor(by),
        data={
            "state": programme.state.value,
            "revision": programme.revision,
            "version": programme.version,
        },
    )
