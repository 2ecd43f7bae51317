"""Shortlists: what a run showed, kept for a decision and frozen against the versions it showed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from matchmaker.core import etags, events, rows, transitions
from matchmaker.core.errors import FieldFault, StaleVersion
from matchmaker.core.language import Bilingual
from matchmaker.core.patching import merged
from matchmaker.identity.access import actors_of, event_actor
from matchmaker.matching import runs
from matchmaker.matching.errors import NotInRun, RunNotFound
from matchmaker.matching.queries import offerings_of
from matchmaker.matching.shortlists import queries, schemas
from matchmaker.matching.shortlists.errors import ShortlistClosed, ShortlistNotFound
from matchmaker.matching.shortlists.machine import HAPPENED, SHORTLIST, ShortlistState
from matchmaker.matching.shortlists.models import Shortlist, new_shortlist_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.access import Principal
    from matchmaker.matching.shortlists.models import ShortlistId

_AT = "#/entries"


async def create(
    session: Session, draft: schemas.ShortlistDraft, principal: Principal
) -> Shortlist:
    """The new shortlist of the caller's organisation.

    Raises:
        RunNotFound: there is no such run of theirs.
        ProfileErased: the profile it read was erased.
        NotInRun: an entry was not shown by the run, or is there twice.
    """
    found = await runs.find(session, draft.run_id, principal)
    if found.run.organisation_id != principal.organisation_id:
        raise RunNotFound
    shortlist = Shortlist(
        id=new_shortlist_id(),
        organisation_id=principal.organisation_id,
        run_id=draft.run_id,
        title=draft.title,
    )
    entries = await _entries(session, shortlist, draft.entries)
    await queries.insert_shortlist(session, shortlist, entries)
    await events.append(session, _event("shortlist.created", shortlist, principal))
    return shortlist


async def find(session: ReadSession, shortlist_id: ShortlistId, principal: Principal) -> Shortlist:
    """The shortlist of the caller's organisation.

    Raises:
        ShortlistNotFound: there is none, or it is somebody else's.
    """
    found = await queries.find_shortlist(session, shortlist_id)
    if found is None or found.organisation_id != principal.organisation_id:
        raise ShortlistNotFound
    return found


async def revise(
    session: Session,
    shortlist_id: ShortlistId,
    patch: schemas.ShortlistPatch,
    *,
    principal: Principal,
    revision: int,
) -> Shortlist:
    """The shortlist after ``patch``.

    Raises:
        ShortlistNotFound: there is none, or it is somebody else's.
        StaleVersion: it is no longer at ``revision``.
        ShortlistClosed: it is frozen or discarded.
        NotInRun: an entry was not shown by the run, or is there twice.
    """
    found = await find(session, shortlist_id, principal)
    if found.revision != revision:
        raise StaleVersion
    if found.state is not ShortlistState.OPEN:
        raise ShortlistClosed(extra={"state": found.state.value})
    before = await _terms(session, found)
    after = merged(before, patch)
    if after == before:
        return found
    entries = await _entries(session, found, after.entries)
    values = {"title": after.title}
    # The shortlist first: of two at once one waits here, and then finds another revision.
    if await rows.revise(session, Shortlist, found.id, revision=revision, values=values) is None:
        raise StaleVersion
    if after.entries != before.entries:
        await queries.replace_entries(session, found.id, entries)
    changed = await find(session, shortlist_id, principal)
    await events.append(session, _event("shortlist.revised", changed, principal))
    return changed


async def take_step(
    session: Session,
    shortlist_id: ShortlistId,
    asked: transitions.TransitionRequest,
    principal: Principal,
    *,
    seen: int | None = None,
) -> Shortlist:
    """The shortlist after the step; of several callers at once one wins.

    Raises:
        ShortlistNotFound: there is none, or it is somebody else's.
        StaleVersion: it is not at the revision ``seen``.
        UnknownTransition, NotYourTransition, IllegalTransition, TransitionHindered: as `checked`.
    """
    found = await find(session, shortlist_id, principal)
    etags.expect(found.revision, seen)
    source = found.state
    step = transitions.checked(
        SHORTLIST,
        source,
        asked.transition,
        actors=actors_of(principal, found.organisation_id),
        hindrances=await hindrances(session, found),
    )
    values = {"note": asked.note}
    moving = rows.move(
        session, Shortlist, found.id, source=source, step=step, values=values, seen=seen
    )
    if await moving is None:
        there = await find(session, shortlist_id, principal)
        etags.expect(there.revision, seen)
        raise transitions.IllegalTransition(extra={"state": there.state.value})
    moved = await find(session, shortlist_id, principal)
    # What was read may have been emptied since; what is held now can no longer change.
    if missing := (await hindrances(session, moved)).get(step.name):
        raise transitions.TransitionHindered(errors=missing, extra={"state": source.value})
    await events.append(session, _event(HAPPENED[step.name], moved, principal))
    return moved


async def hindrances(session: ReadSession, shortlist: Shortlist) -> transitions.Hindrances:
    """What the shortlist lacks: an empty one decides nothing."""
    found = await queries.entries_of(session, [shortlist.id])
    if found[shortlist.id]:
        return {}
    said = Bilingual(zh="清单为空", en="the shortlist is empty")
    return {"freeze": [FieldFault(_AT, "empty", said)]}


async def _terms(session: ReadSession, shortlist: Shortlist) -> schemas.ShortlistTerms:
    found = await queries.entries_of(session, [shortlist.id])
    return schemas.ShortlistTerms(
        title=shortlist.title,
        entries=[
            schemas.EntryDraft(offering_id=entry.offering_id, note=entry.note)
            for entry in found[shortlist.id]
        ],
    )


async def _entries(
    session: ReadSession, shortlist: Shortlist, drafts: Sequence[schemas.EntryDraft]
) -> list[dict[str, object]]:
    """The rows of the entries.

    Raises:
        NotInRun: an entry was not shown by the run, or is there twice.
    """
    shown = await offerings_of(session, shortlist.run_id)
    faults = list(_faults(drafts, shown))
    if faults:
        raise NotInRun(errors=faults)
    return [
        {
            **msgspec.structs.asdict(draft),
            "organisation_id": shortlist.organisation_id,
            "run_id": shortlist.run_id,
        }
        for draft in drafts
    ]


def _faults(drafts: Sequence[schemas.EntryDraft], shown: frozenset[object]) -> Iterator[FieldFault]:
    seen: set[object] = set()
    for place, draft in enumerate(drafts):
        at = f"{_AT}/{place}/offering_id"
        if draft.offering_id not in shown:
            said = Bilingual(zh="该匹配没有展示这个产品", en="the run did not show it")
            yield FieldFault(at, "not_shown", said)
        elif draft.offering_id in seen:
            yield FieldFault(at, "repeated", Bilingual(zh="重复", en="is there twice"))
        seen.add(draft.offering_id)


def _event(kind: str, shortlist: Shortlist, principal: Principal) -> events.Event:
    return events.Event(
        kind=kind,
        subject_type="shortlist",
        subject_id=shortlist.id,
        organisation_id=shortlist.organisation_id,
        actor=event_actor(principal),
        data={
            "state": shortlist.state.value,
            "revision": shortlist.revision,
            "run_id": str(shortlist.run_id),
        },
    )
