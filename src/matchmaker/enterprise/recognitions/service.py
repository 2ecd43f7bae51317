"""Use-cases of recognitions: claimed by a firm, verified by an operator, over by their date."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from matchmaker.core import etags, events, rows, transitions
from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor
from matchmaker.enterprise.recognitions import queries
from matchmaker.enterprise.recognitions.errors import RecognitionNotFound
from matchmaker.enterprise.recognitions.machine import HAPPENED, RECOGNITION
from matchmaker.enterprise.recognitions.models import Recognition, new_recognition_id
from matchmaker.identity.access import actors_of, event_actor
from matchmaker.taxonomy.checking import unknown_code
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.events import EventActor
    from matchmaker.enterprise.recognitions.declaration import RecognitionDraft
    from matchmaker.enterprise.recognitions.models import RecognitionId
    from matchmaker.identity.access import Principal
    from matchmaker.taxonomy.checking import Checker

EXPIRED_AT_ONCE: Final = 500
_SCHEMES: Final = "maturity_scheme"
_READERS: Final = frozenset({Actor.OWNER, Actor.OPERATOR})


async def create(
    session: Session, checker: Checker, draft: RecognitionDraft, principal: Principal
) -> Recognition:
    """The new claim of the caller's firm.

    Raises:
        UnusableInput: there is no such scheme or level, or it ends before it begins.
    """
    if faults := list(_faults(checker, draft)):
        raise UnusableInput(errors=faults)
    made = Recognition(
        id=new_recognition_id(),
        organisation_id=principal.organisation_id,
        **msgspec.structs.asdict(draft),
    )
    await queries.insert_recognition(session, made)
    await events.append(session, _event("recognition.claimed", made, event_actor(principal)))
    return made


async def find(
    session: ReadSession, recognition_id: RecognitionId, principal: Principal
) -> Recognition:
    """The recognition, for its firm and for operators.

    Raises:
        RecognitionNotFound: there is none, or it is not for this caller.
    """
    found = await queries.find_recognition(session, recognition_id)
    if found is None or not actors_of(principal, found.organisation_id) & _READERS:
        raise RecognitionNotFound
    return found


async def take_step(
    session: Session,
    recognition_id: RecognitionId,
    asked: transitions.TransitionRequest,
    *,
    principal: Principal,
    seen: int | None = None,
) -> Recognition:
    """The recognition after the step; of several callers at once one wins.

    Raises:
        RecognitionNotFound: there is none, or it is not for this caller.
        StaleVersion: it is not at the revision ``seen``.
        UnknownTransition, NotYourTransition, IllegalTransition: as `checked`.
    """
    found = await find(session, recognition_id, principal)
    etags.expect(found.revision, seen)
    step = transitions.checked(
        RECOGNITION,
        found.state,
        asked.transition,
        actors=actors_of(principal, found.organisation_id),
        hindrances={},
    )
    values = {"note": asked.note}
    moving = rows.move(
        session, Recognition, found.id, source=found.state, step=step, values=values, seen=seen
    )
    if await moving is None:
        there = await find(session, recognition_id, principal)
        etags.expect(there.revision, seen)
        raise transitions.IllegalTransition(extra={"state": there.state.value})
    moved = await find(session, recognition_id, principal)
    await events.append(session, _event(HAPPENED[step.name], moved, event_actor(principal)))
    return moved


async def expire_due(session: Session, today: dt.date) -> int:
    """How many recognitions were past their last day and have expired now."""
    done = await queries.expire(session, today, limit=EXPIRED_AT_ONCE)
    if done:
        told = (_event(HAPPENED["expire"], each, events.CLOCK) for each in done)
        await events.append(session, *told)
    return len(done)


def _faults(checker: Checker, draft: RecognitionDraft) -> Iterator[FieldFault]:
    known = {*checker.taxonomy.codes(_SCHEMES), draft.titles}
    if draft.scheme not in known:
        yield unknown_code("#/scheme", draft.scheme, _SCHEMES)
    else:
        yield from checker.code(draft.level, draft.scheme, "#/level")
    begin, end = draft.granted_on, draft.valid_until
    if begin is not None and end is not None and end < begin:
        said = Bilingual(zh="早于授予日期", en="is before the day it was granted")
        yield FieldFault("#/valid_until", "ends_before_it_begins", said)


def _event(kind: str, recognition: Recognition, by: EventActor) -> events.Event:
    return events.Event(
        kind=kind,
        subject_type="recognition",
        subject_id=recognition.id,
        organisation_id=recognition.organisation_id,
        actor=by,
        data={
            "scheme": recognition.scheme,
            "state": recognition.state.value,
            "revision": recognition.revision,
        },
    )
