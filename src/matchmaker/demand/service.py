"""Use-cases of demand: who may read a need, how it changes, how it lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from matchmaker.core import etags, events, patching, rows, transitions
from matchmaker.core.diffs import diff
from matchmaker.core.errors import StaleVersion
from matchmaker.demand import content, queries, writing
from matchmaker.demand.checking import terms_faults
from matchmaker.demand.errors import (
    NeedExternalIdTaken,
    NeedIncomplete,
    NeedNotEditable,
    NeedNotFound,
    NeedVersionNotFound,
)
from matchmaker.demand.hindrances import hindrances, missing_to_open
from matchmaker.demand.machine import EDITABLE, HAPPENED, NEED, MemberState, NeedState
from matchmaker.demand.models import Need
from matchmaker.identity.access import INACTIVE, actors_of, event_actor, note
from matchmaker.identity.models import OrganisationRole
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    import datetime as dt

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.diffs import Change
    from matchmaker.demand.declaration import NeedDraft, NeedFacts, NeedPatch, NeedTerms
    from matchmaker.demand.models import NeedId, NeedVersion, NeedVersionId
    from matchmaker.demand.queries import FoundNeed
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId
    from matchmaker.taxonomy.checking import Checker
    from matchmaker.taxonomy.registry import Taxonomy

EXPIRED_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredNeed:
    """One version of a stored need as a match reads it."""

    id: NeedId
    version_id: NeedVersionId
    number: int
    organisation_id: OrganisationId
    facts: NeedFacts
    pools: tuple[str, ...]
    state: NeedState


def sees_whole(found: FoundNeed, reader: Principal | None) -> bool:
    """Whether nothing of the need is kept from ``reader``: its firms and operators."""
    if reader is None:
        return False
    is_own = found.need.organisation_id == reader.organisation_id
    return is_own or found.membership is not None or OrganisationRole.OPERATOR in reader.roles


def is_public(found: FoundNeed) -> bool:
    """Whether everyone may read the need, short of what is not for everyone."""
    return (
        found.need.state is NeedState.OPEN
        and found.need.visibility in queries.FOUND_BY_ALL
        and found.owner not in INACTIVE
    )


async def find(session: ReadSession, need_id: NeedId, reader: Principal | None) -> FoundNeed:
    """The need, if ``reader`` may see it at all.

    Raises:
        NeedNotFound: there is none, or it is not for them.
    """
    asker = reader.organisation_id if reader is not None else None
    found = await queries.find_need(session, need_id, asker)
    if found is None or not (sees_whole(found, reader) or is_public(found)):
        raise NeedNotFound
    if reader is not None and sees_whole(found, reader):
        note(reader, found.need.organisation_id, "need", need_id)
    return found


async def find_whole(session: ReadSession, need_id: NeedId, reader: Principal) -> FoundNeed:
    """The need, if nothing of it is kept from ``reader``.

    Raises:
        NeedNotFound: there is none, or they may not see all of it.
    """
    found = await queries.find_need(session, need_id, reader.organisation_id)
    if found is None or not sees_whole(found, reader):
        raise NeedNotFound
    note(reader, found.need.organisation_id, "need", need_id)
    return found


async def get_need(
    session: ReadSession, need_id: NeedId, principal: Principal, taxonomy: Taxonomy
) -> StoredNeed:
    """The current version of the need for a match that ``principal`` asks for.

    A firm that was asked to share it reads it, and matches it once it has joined.

    Raises:
        NeedNotFound: there is none, or they may not match it.
    """
    need, version, _, membership = await find_whole(session, need_id, principal)
    if membership is MemberState.INVITED and OrganisationRole.OPERATOR not in principal.roles:
        raise NeedNotFound
    return StoredNeed(
        id=need.id,
        version_id=version.id,
        number=version.number,
        organisation_id=need.organisation_id,
        facts=content.facts(content.stated(version), taxonomy),
        pools=tuple(need.pools),
        state=need.state,
    )


async def find_version(
    session: ReadSession, need_id: NeedId, number: int, reader: Principal
) -> NeedVersion:
    """The version of this number.

    Raises:
        NeedNotFound: there is no such need, or they may not see all of it.
        NeedVersionNotFound: it has no such version.
    """
    await find_whole(session, need_id, reader)
    found = await queries.find_version(session, need_id, number)
    if found is None:
        raise NeedVersionNotFound
    return found


async def changes_between(
    session: ReadSession, need_id: NeedId, reader: Principal, *, since: int, until: int
) -> list[Change]:
    """Every place in which what version ``until`` says differs from ``since``.

    Raises:
        NeedNotFound: there is no such need, or they may not see all of it.
        NeedVersionNotFound: it has not both versions.
    """
    before = await find_version(session, need_id, since, reader)
    after = await find_version(session, need_id, until, reader)
    return diff(content.whole(before), content.whole(after))


async def create(
    session: Session,
    draft: NeedDraft,
    *,
    organisation_id: OrganisationId,
    by: events.EventActor,
    checker: Checker,
) -> FoundNeed:
    """The new need of the organisation: a draft with version 1.

    Raises:
        UnusableInput: with every unknown code and every rule that cannot hold.
        NeedExternalIdTaken: the organisation has a need of that name.
    """
    _refuse_faults(checker, draft)
    found = await writing.add(session, draft, organisation_id)
    if found is None:
        assert draft.external_id is not None  # noqa: S101  (nulls never conflict)
        taken = await queries.id_by_external_id(session, organisation_id, draft.external_id)
        raise NeedExternalIdTaken(extra={"need_id": str(taken)})
    await events.append(session, event("need.created", found, by, version=1))
    return found


async def revise(
    session: Session,
    need_id: NeedId,
    patch: NeedPatch,
    *,
    principal: Principal,
    revision: int,
    checker: Checker,
    today: dt.date,
) -> FoundNeed:
    """The need after ``patch``; a new version if what it says has changed.

    Raises:
        NeedNotFound: there is none, or it is somebody else's.
        StaleVersion: it is no longer at ``revision``.
        NeedNotEditable: it is past being reworded.
        UnusableInput: the result names something unknown, or a rule cannot hold.
        NeedIncomplete: it is open, and the result lacks what an open need must have.
    """
    found = await find_own(session, need_id, principal)
    need, version = found.need, found.version
    if need.revision != revision:
        raise StaleVersion
    if need.state not in EDITABLE:
        raise NeedNotEditable(extra={"state": need.state.value})
    before = content.terms(need, version)
    after = patching.merged(before, patch)
    if writing.says_the_same(before, after):
        return found
    _refuse_faults(checker, after)
    if need.state is NeedState.OPEN:
        missing = list(missing_to_open(after, found.owner, today))
        if missing:
            raise NeedIncomplete(errors=missing)
    changed = await writing.replace(session, found, after)
    said = event("need.revised", changed, event_actor(principal), version=changed.version.number)
    await events.append(session, said)
    return changed


async def find_own(session: ReadSession, need_id: NeedId, principal: Principal) -> FoundNeed:
    """The need of the principal's own organisation.

    Raises:
        NeedNotFound: there is none, or it is somebody else's.
    """
    found = await queries.find_need(session, need_id, principal.organisation_id)
    if found is None or found.need.organisation_id != principal.organisation_id:
        raise NeedNotFound
    return found


def hindrances_of(found: FoundNeed, today: dt.date) -> transitions.Hindrances:
    """By step what the need lacks for it on ``today``."""
    return hindrances(content.terms(found.need, found.version), found.owner, today)


async def take_step(
    session: Session,
    need_id: NeedId,
    asked: transitions.TransitionRequest,
    *,
    principal: Principal,
    now: dt.datetime,
    seen: int | None = None,
) -> FoundNeed:
    """The need after the step; of several callers at once one wins.

    Raises:
        NeedNotFound: there is none, or they may not see all of it.
        StaleVersion: it is not at the revision ``seen``.
        UnknownTransition, NotYourTransition: there is no such step, or not for them.
        IllegalTransition: it does not start where the need stands, or somebody came first.
        TransitionHindered: something is missing for it.
    """
    found = await find_whole(session, need_id, principal)
    etags.expect(found.need.revision, seen)
    source, owner = found.need.state, found.need.organisation_id
    step = transitions.checked(
        NEED,
        source,
        asked.transition,
        actors=actors_of(principal, owner),
        hindrances=hindrances_of(found, now.date()),
    )
    values: dict[str, object] = {"note": asked.note}
    if step.target is NeedState.OPEN:
        values["opened_at"] = now
    moving = rows.move(session, Need, need_id, source=source, step=step, values=values, seen=seen)
    if await moving is None:
        there = await find_whole(session, need_id, principal)
        etags.expect(there.need.revision, seen)
        raise transitions.IllegalTransition(extra={"state": there.need.state.value})
    moved = await find_whole(session, need_id, principal)
    # What was read may have been reworded since; what is held now can no longer change.
    if missing := hindrances_of(moved, now.date()).get(step.name):
        raise transitions.TransitionHindered(errors=missing, extra={"state": source.value})
    said = event(HAPPENED[step.name], moved, event_actor(principal), version=moved.version.number)
    await events.append(session, said)
    return moved


async def expire_due(
    session: Session, today: dt.date, *, limit: int = EXPIRED_AT_ONCE
) -> list[NeedId]:
    """The open needs, up to ``limit``, whose last day has passed and that are expired now."""
    expired = await queries.expire(session, today, limit)
    if expired:
        await events.append(
            session,
            *(
                events.Event(
                    kind=HAPPENED["expire"],
                    subject_type="need",
                    subject_id=each.id,
                    organisation_id=each.organisation_id,
                    actor=events.CLOCK,
                    data={"state": NeedState.EXPIRED.value, "revision": each.revision},
                )
                for each in expired
            ),
        )
    return [each.id for each in expired]


def _refuse_faults(checker: Checker, need: NeedTerms) -> None:
    faults = list(terms_faults(checker, need))
    if faults:
        raise UnusableInput(errors=faults)


def event(kind: str, found: FoundNeed, actor: events.EventActor, **data: object) -> events.Event:
    """What has happened to the need, which stands now as ``found``."""
    need = found.need
    return events.Event(
        kind=kind,
        subject_type="need",
        subject_id=need.id,
        organisation_id=need.organisation_id,
        actor=actor,
        data={
            "state": need.state.value,
            "visibility": need.visibility.value,
            "revision": need.revision,
            **data,
        },
    )
