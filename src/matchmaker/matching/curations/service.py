"""Use-cases of curations: kept by agencies and operators, read by everyone while in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.core import etags, events, rows, transitions
from matchmaker.core.errors import FieldFault, StaleVersion
from matchmaker.core.language import Bilingual
from matchmaker.core.patching import merged
from matchmaker.identity.access import actors_of, event_actor
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.curations import queries
from matchmaker.matching.curations.declaration import CurationTerms
from matchmaker.matching.curations.errors import CurationArchived, CurationNotFound
from matchmaker.matching.curations.machine import CURATION, HAPPENED, CurationState
from matchmaker.matching.curations.models import (
    Curation,
    new_curation_id,
    new_curation_version_id,
)
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.transitions import TransitionRequest
    from matchmaker.identity.access import Principal
    from matchmaker.matching.curations.declaration import CurationPatch
    from matchmaker.matching.curations.models import CurationId, CurationVersion
    from matchmaker.matching.curations.queries import FoundCuration
    from matchmaker.taxonomy.checking import Checker

_READ = frozenset({"offering"})
"""The noun that rules of curations read: they are answered once, for every match."""


async def create(
    session: Session, checker: Checker, terms: CurationTerms, principal: Principal
) -> FoundCuration:
    """The new curation of the caller's organisation: a draft with version 1.

    Raises:
        UnusableInput: with every fault of every rule and field.
    """
    _refuse_faults(checker, terms)
    curation = Curation(
        id=new_curation_id(),
        organisation_id=principal.organisation_id,
        of_operator=OrganisationRole.OPERATOR in principal.roles,
    )
    await queries.insert_curation(session, curation)
    await queries.insert_version(session, _version(curation, 1, terms))
    await events.append(session, _event("curation.created", curation, principal))
    return await find_own(session, curation.id, principal)


async def find(
    session: ReadSession, curation_id: CurationId, reader: Principal | None
) -> FoundCuration:
    """The curation: one in force for everyone, any for its organisation and for operators.

    Raises:
        CurationNotFound: there is none, or it is not for them.
    """
    found = await queries.find_curation(session, curation_id)
    if found is None:
        raise CurationNotFound
    if found.curation.state is CurationState.ACTIVE:
        return found
    if reader is None:
        raise CurationNotFound
    return await find_kept(session, curation_id, reader)


async def find_own(
    session: ReadSession, curation_id: CurationId, principal: Principal
) -> FoundCuration:
    """The curation of the caller's own organisation.

    Raises:
        CurationNotFound: there is none, or it is somebody else's.
    """
    found = await queries.find_curation(session, curation_id)
    if found is None or found.curation.organisation_id != principal.organisation_id:
        raise CurationNotFound
    return found


async def revise(
    session: Session,
    curation_id: CurationId,
    patch: CurationPatch,
    *,
    principal: Principal,
    checker: Checker,
    revision: int,
) -> FoundCuration:
    """The curation after ``patch``: what it asks for now is a new version, if anything is new.

    Raises:
        CurationNotFound: there is none, or it is somebody else's.
        StaleVersion: it is no longer at ``revision``.
        CurationArchived: it stays as it was.
        UnusableInput: with every fault of every rule and field.
    """
    found = await find_own(session, curation_id, principal)
    curation = found.curation
    if curation.revision != revision:
        raise StaleVersion
    if curation.state is CurationState.ARCHIVED:
        raise CurationArchived
    before = terms_of(found.version)
    after = merged(before, patch)
    if after == before:
        return found
    _refuse_faults(checker, after)
    number = curation.version + 1
    # The curation first: of two at once one waits here, and then finds another revision.
    values = {"version": number}
    if await rows.revise(session, Curation, curation_id, revision=revision, values=values) is None:
        raise StaleVersion
    await queries.insert_version(session, _version(curation, number, after))
    changed = await find_own(session, curation_id, principal)
    position = await events.append(session, _event("curation.revised", changed.curation, principal))
    await queries.follow_live(session, curation_id, position)
    return changed


async def take_step(
    session: Session,
    curation_id: CurationId,
    asked: TransitionRequest,
    *,
    principal: Principal,
    seen: int | None = None,
) -> FoundCuration:
    """The curation after the step; of several callers at once one wins.

    Raises:
        CurationNotFound: there is none, or it is not for this caller.
        StaleVersion: it is not at the revision ``seen``.
        UnknownTransition, NotYourTransition, IllegalTransition: as `checked`.
    """
    curation = (await find_kept(session, curation_id, principal)).curation
    etags.expect(curation.revision, seen)
    step = transitions.checked(
        CURATION,
        curation.state,
        asked.transition,
        actors=actors_of(principal, curation.organisation_id),
        hindrances={},
    )
    values = {"note": asked.note}
    moving = rows.move(
        session, Curation, curation_id, source=curation.state, step=step, values=values, seen=seen
    )
    if await moving is None:
        there = (await find_kept(session, curation_id, principal)).curation
        etags.expect(there.revision, seen)
        raise transitions.IllegalTransition(extra={"state": there.state.value})
    moved = await find_kept(session, curation_id, principal)
    position = await events.append(session, _event(HAPPENED[step.name], moved.curation, principal))
    await queries.follow_live(session, curation_id, position)
    return moved


async def find_kept(
    session: ReadSession, curation_id: CurationId, principal: Principal
) -> FoundCuration:
    """The curation of the caller's own organisation; for operators any.

    Raises:
        CurationNotFound: there is none, or it is not for this caller.
    """
    found = await queries.find_curation(session, curation_id)
    is_operator = OrganisationRole.OPERATOR in principal.roles
    if found is None or not (
        is_operator or found.curation.organisation_id == principal.organisation_id
    ):
        raise CurationNotFound
    return found


def terms_of(version: CurationVersion) -> CurationTerms:
    """What a stored version asks for."""
    return msgspec.convert(version.terms, CurationTerms)


def _version(curation: Curation, number: int, terms: CurationTerms) -> dict[str, object]:
    return {
        "id": new_curation_version_id(),
        "curation_id": curation.id,
        "organisation_id": curation.organisation_id,
        "number": number,
        "terms": msgspec.to_builtins(terms),
    }


def _refuse_faults(checker: Checker, terms: CurationTerms) -> None:
    if faults := list(_faults(checker, terms)):
        raise UnusableInput(errors=faults)


def _faults(checker: Checker, terms: CurationTerms) -> Iterator[FieldFault]:
    ruled = {"boosts": [b.rule for b in terms.boosts], "floors": [f.rule for f in terms.floors]}
    for name, rules in ruled.items():
        for place, rule in enumerate(rules):
            yield from checker.rule(rule, f"#/{name}/{place}/rule", reads=_READ)
    for place, each in enumerate(terms.diversity):
        if checker.fields.spec(each.field) is None:
            said = Bilingual(zh="没有这个字段", en="no such field of an offering")
            yield FieldFault(f"#/diversity/{place}/field", "unknown_field_name", said)


def _event(kind: str, curation: Curation, principal: Principal) -> events.Event:
    return events.Event(
        kind=kind,
        subject_type="curation",
        subject_id=curation.id,
        organisation_id=curation.organisation_id,
        actor=event_actor(principal),
        data={
            "state": curation.state.value,
            "revision": curation.revision,
            "version": curation.version,
        },
    )
