"""Use-cases of assessments: answered, completed once, and then what a firm's profile rests on."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from matchmaker.core import etags, events, rows, transitions
from matchmaker.core.clock import utc_now
from matchmaker.core.errors import StaleVersion
from matchmaker.core.machine import Actor
from matchmaker.core.patching import merged
from matchmaker.enterprise import service as profiles
from matchmaker.enterprise.assessments import peers, queries
from matchmaker.enterprise.assessments.declaration import AssessmentTerms
from matchmaker.enterprise.assessments.errors import (
    AssessmentClosed,
    AssessmentErased,
    AssessmentNotFound,
)
from matchmaker.enterprise.assessments.machine import ASSESSMENT, HAPPENED, AssessmentState
from matchmaker.enterprise.assessments.models import Assessment, new_assessment_id
from matchmaker.enterprise.assessments.peers import Cell
from matchmaker.enterprise.assessments.reading import Outcome
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.enterprise.errors import ProfileNotFound
from matchmaker.identity.access import actors_of, event_actor
from matchmaker.identity.service import Outcome as Written
from matchmaker.taxonomy.asking import Hint
from matchmaker.taxonomy.errors import UnusableInput

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.events import EventActor
    from matchmaker.enterprise.assessments.declaration import AssessmentDraft, AssessmentPatch
    from matchmaker.enterprise.assessments.models import AssessmentId
    from matchmaker.enterprise.assessments.policy import Policy
    from matchmaker.enterprise.assessments.reading import Reader
    from matchmaker.enterprise.service import StoredProfile
    from matchmaker.identity.access import Principal
    from matchmaker.identity.models import OrganisationId

COUNTED_AT_ONCE: Final = 5_000
_READERS: Final = frozenset({Actor.OWNER, Actor.OPERATOR})
_COLUMNS: Final = ("mode", "assessed_on", "assessor")


async def create(
    session: Session, reader: Reader, draft: AssessmentDraft, principal: Principal
) -> Assessment:
    """The new draft of the caller's firm.

    Raises:
        UnusableInput: with every unknown code and every answer that its question does not have.
    """
    faults = list(reader.scheme_faults(draft.scheme))
    if faults or (faults := list(reader.faults(draft.scheme, draft))):
        raise UnusableInput(errors=faults)
    made = Assessment(
        id=new_assessment_id(),
        organisation_id=principal.organisation_id,
        scheme=draft.scheme,
        checkpoint=draft.checkpoint,
        **stored(draft),
    )
    await queries.insert_assessment(session, made)
    await events.append(session, _event("assessment.started", made, event_actor(principal)))
    return made


async def find(
    session: ReadSession, assessment_id: AssessmentId, principal: Principal
) -> Assessment:
    """The assessment, for its firm and for operators.

    Raises:
        AssessmentNotFound: there is none, or it is not for this caller.
    """
    found = await queries.find_assessment(session, assessment_id)
    if found is None or not actors_of(principal, found.organisation_id) & _READERS:
        raise AssessmentNotFound
    return found


async def revise(
    session: Session,
    reader: Reader,
    assessment_id: AssessmentId,
    patch: AssessmentPatch,
    *,
    principal: Principal,
    revision: int,
) -> Assessment:
    """The draft after ``patch``.

    Raises:
        AssessmentNotFound: there is none, or it is somebody else's.
        StaleVersion: it is no longer at ``revision``.
        AssessmentErased: what it said was erased.
        AssessmentClosed: it is completed.
        UnusableInput: as `create`.
    """
    found = await find(session, assessment_id, principal)
    if Actor.OWNER not in actors_of(principal, found.organisation_id):
        raise AssessmentNotFound
    if found.erased_at is not None:
        raise AssessmentErased
    if found.revision != revision:
        raise StaleVersion
    if found.state is not AssessmentState.DRAFT:
        raise AssessmentClosed(extra={"state": found.state.value})
    before = terms(found)
    after = merged(before, patch)
    if after == before:
        return found
    faults = list(reader.faults(found.scheme, after))
    if faults:
        raise UnusableInput(errors=faults)
    values = stored(after)
    if await rows.revise(session, Assessment, found.id, revision=revision, values=values) is None:
        raise StaleVersion
    changed = await find(session, assessment_id, principal)
    await events.append(session, _event("assessment.revised", changed, event_actor(principal)))
    return changed


async def take_step(
    session: Session,
    reader: Reader,
    assessment_id: AssessmentId,
    asked: transitions.TransitionRequest,
    *,
    principal: Principal,
    seen: int | None = None,
) -> Assessment:
    """The assessment after the step; of several callers at once one wins.

    A completed one takes the place of what stood at its checkpoint, and the profile says what it
    found, unless a later one stands.

    Raises:
        AssessmentNotFound: there is none, or it is somebody else's.
        AssessmentErased: what it said was erased.
        StaleVersion: it is not at the revision ``seen``, or the profile changed at the same time.
        UnknownTransition, NotYourTransition, IllegalTransition, TransitionHindered: as `checked`.
    """
    found = await find(session, assessment_id, principal)
    await queries.hold_series(session, found.organisation_id)
    found = await find(session, assessment_id, principal)
    if found.erased_at is not None:
        raise AssessmentErased
    etags.expect(found.revision, seen)
    step = transitions.checked(
        ASSESSMENT,
        found.state,
        asked.transition,
        actors=actors_of(principal, found.organisation_id),
        hindrances=hindrances(reader, found),
    )
    by = event_actor(principal)
    values: dict[str, Any] = {"note": asked.note}
    told: list[events.Event] = []
    if step.target is AssessmentState.COMPLETED:
        stated, also = await _complete(session, reader, found, by)
        values |= stated
        told += also
    moved = await rows.move(
        session, Assessment, found.id, source=found.state, step=step, values=values, seen=seen
    )
    if moved is None:
        there = await find(session, assessment_id, principal)
        raise transitions.IllegalTransition(extra={"state": there.state.value})
    after = await find(session, assessment_id, principal)
    await events.append(session, _event(HAPPENED[step.name], after, by), *told)
    return after


def hindrances(reader: Reader, assessment: Assessment) -> transitions.Hindrances:
    """What the assessment lacks: one whose level is open says nothing yet."""
    if assessment.state is not AssessmentState.DRAFT:
        return {}
    lack = reader.lacks(assessment.scheme, terms(assessment))
    return {} if lack is None else {"complete": [lack]}


async def _complete(
    session: Session, reader: Reader, found: Assessment, by: EventActor
) -> tuple[dict[str, Any], list[events.Event]]:
    """What to store with the completed assessment, and what else has happened."""
    outcome = reader.outcome(found.scheme, terms(found))
    assert outcome is not None  # noqa: S101  (nothing hinders it)
    told = [
        _event(HAPPENED["supersede"], found, by, id_=id_, revision=revision)
        for id_, revision in await queries.supersede(
            session, found.organisation_id, found.scheme, found.checkpoint
        )
    ]
    profile = await stated_profile(session, found.organisation_id)
    if await _is_latest(session, found):
        fed, written = await profiles.write_profile(
            session,
            reader.checker,
            found.organisation_id,
            _fed(profile, outcome),
            expected=None if profile is None else profile.number,
            by=by,
        )
        if written is not Written.UNCHANGED:
            told.append(profiles.stated(fed, by))
        profile = fed
    values = {
        "result": msgspec.to_builtins(outcome),
        "peers": _cell(profile)._asdict(),
        "completed_at": utc_now(),
    }
    return values, told


async def stated_profile(
    session: ReadSession, organisation_id: OrganisationId
) -> StoredProfile | None:
    """The profile of the firm as it stands; None where it has stated none."""
    try:
        return await profiles.get_facts(session, organisation_id)
    except ProfileNotFound:
        return None


async def hint(session: ReadSession, reader: Reader, assessment: Assessment) -> Hint:
    """What the profile lets expect of the answers."""
    profile = await stated_profile(session, assessment.organisation_id)
    facts = ProfileFacts() if profile is None else profile.facts
    level = 1 if facts.stage is None else reader.taxonomy.entry("stage", facts.stage).rank
    return Hint(
        level=min(level or 0, 4),
        shares=reader.policy.expected_shares,
        scenes=facts.scenes or {},
    )


async def series(session: ReadSession, assessment: Assessment) -> list[Assessment]:
    """The completed assessments of the same firm under the same scheme, by checkpoint."""
    return await queries.standing(session, assessment.organisation_id, assessment.scheme)


async def count_peers(session: Session, policy: Policy, now: dt.datetime) -> tuple[int, int]:
    """How many results were looked at, and how many were counted in batches formed now."""
    found = await queries.uncounted(session, limit=COUNTED_AT_ONCE)
    waiting: dict[tuple[str, int], list[peers.Waiting]] = defaultdict(list)
    for each in found:
        waiting[each.scheme, each.checkpoint].append(_waiting(each))
    counted = 0
    for (scheme, checkpoint), firms in waiting.items():
        for batch in peers.batches(firms, policy, now):
            told = {
                "scheme": scheme,
                "checkpoint": checkpoint,
                **batch.cell._asdict(),
                "firms": len(batch.members),
                "sums": peers.sums_of(batch.members, policy.batch),
            }
            ids = [each.id for each in batch.members]
            await queries.count_together(session, ids, told, now)
            counted += len(ids)
    return len(found), counted


async def benchmark(
    session: ReadSession, assessment: Assessment
) -> list[tuple[Cell | None, peers.Figures | None]]:
    """The figures of every cell that holds the firm, the narrowest first; None: hidden.

    Raises:
        AssessmentErased: what it said was erased.
    """
    result_of(assessment)
    own = Cell(**(assessment.peers or {}))
    told: list[tuple[Cell | None, peers.Figures | None]] = []
    for cell in peers.cells_of(own):
        if cell is None:
            told.append((cell, None))
            continue
        sums = await queries.sums(session, assessment.scheme, assessment.checkpoint, cell)
        told.append((cell, peers.figures(sums)))
    return told


def terms(assessment: Assessment) -> AssessmentTerms:
    """What was said in the assessment."""
    columns = {name: getattr(assessment, name) for name in _COLUMNS}
    return msgspec.convert({**assessment.content, **columns}, AssessmentTerms)


def result_of(assessment: Assessment) -> Outcome | None:
    """What followed from the assessment; None while it is a draft.

    Raises:
        AssessmentErased: what it said was erased.
    """
    if assessment.erased_at is not None:
        raise AssessmentErased
    return msgspec.convert(assessment.result, Outcome | None)


def stored(said: AssessmentTerms) -> dict[str, Any]:
    """The columns of what was said."""
    whole = cast("dict[str, Any]", msgspec.to_builtins(said))
    content = {
        name: whole[name]
        for name in AssessmentTerms.__struct_fields__
        if name not in _COLUMNS and whole[name] is not None
    }
    return {
        "mode": said.mode.value,
        "assessed_on": said.assessed_on,
        "assessor": said.assessor,
        "content": content,
    }


async def _is_latest(session: ReadSession, found: Assessment) -> bool:
    """Whether nothing later stands: by day of assessment where it is known, else by checkpoint."""
    now = utc_now().date()
    own = (found.assessed_on or now, found.checkpoint)
    standing = await queries.standing(session, found.organisation_id)
    return all(own >= (each.assessed_on or now, each.checkpoint) for each in standing)


def _fed(profile: StoredProfile | None, outcome: Outcome) -> ProfileFacts:
    """The facts of the firm with what the assessment found; a doubtful stage is not told."""
    facts = ProfileFacts() if profile is None else profile.facts
    scenes = {**(facts.scenes or {}), **outcome.scenes} or None
    stage: Any = facts.stage if outcome.confidence == "low" else outcome.stage
    return msgspec.structs.replace(facts, scenes=scenes, stage=stage)


def _cell(profile: StoredProfile | None) -> Cell:
    if profile is None:
        return Cell()
    facts = profile.facts
    return Cell(
        division=facts.industries[0][:3] if facts.industries else None,
        scale=profile.derived.scale,
        province=facts.region[:2] if facts.region else None,
    )


def _waiting(each: Assessment) -> peers.Waiting:
    outcome = msgspec.convert(each.result, Outcome)
    assert each.completed_at is not None  # noqa: S101  (it was looked for by that)
    return peers.Waiting(
        id=each.id,
        cell=Cell(**(each.peers or {})),
        since=each.completed_at,
        stage=outcome.stage,
        scenes=outcome.scenes,
    )


def _event(
    kind: str,
    assessment: Assessment,
    by: EventActor,
    *,
    id_: AssessmentId | None = None,
    revision: int | None = None,
) -> events.Event:
    data: Mapping[str, Any] = {
        "scheme": assessment.scheme,
        "checkpoint": assessment.checkpoint,
        "revision": revision or assessment.revision,
    }
    return events.Event(
        kind=kind,
        subject_type="assessment",
        subject_id=id_ or assessment.id,
        organisation_id=assessment.organisation_id,
        actor=by,
        data=dict(data),
    )
