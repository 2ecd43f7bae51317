"""Use-cases of pathways: computed from facts, kept as they are, and every step becomes a need."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import msgspec

from matchmaker.core import etags, events, rows, transitions
from matchmaker.core.clock import utc_now
from matchmaker.core.wire import Text
from matchmaker.demand import service as demand
from matchmaker.demand.declaration import Budget, NeedDraft
from matchmaker.enterprise.assessments import service as assessments
from matchmaker.enterprise.assessments.errors import AssessmentNotFound, AssessmentOpen
from matchmaker.enterprise.declaration import ProfileFacts
from matchmaker.identity.access import actors_of, event_actor
from matchmaker.pathway import comparing, queries
from matchmaker.pathway.computing import Asked, Cited, Way, compute
from matchmaker.pathway.errors import PathwayErased, PathwayNotFound, StepNotFound
from matchmaker.pathway.machine import HAPPENED, PATHWAY
from matchmaker.pathway.models import Pathway, new_pathway_id
from matchmaker.pathway.position import Facts
from matchmaker.policy.guides import service as guides

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.demand.queries import FoundNeed
    from matchmaker.enterprise.assessments.declaration import AssessmentTerms
    from matchmaker.enterprise.assessments.models import Assessment
    from matchmaker.enterprise.assessments.reading import Outcome
    from matchmaker.identity.access import Principal
    from matchmaker.pathway.computing import Phase, Step
    from matchmaker.pathway.declaration import PathwayRequest
    from matchmaker.pathway.models import PathwayId
    from matchmaker.pathway.released import Wayfinder
    from matchmaker.ranking.index import Index
    from matchmaker.taxonomy.checking import Checker

_LINKS = "sme_scene_to_solution_category"
_COUNTED = ("users", "machines", "sites", "employees")
_WEEKS_A_YEAR = 52
_ZH = "{0}：从{1.start}级提升到{1.end}级"
_EN = "{0}: from level {1.start} to level {1.end}"


async def create(
    session: Session,
    released: Wayfinder,
    request: PathwayRequest,
    *,
    index: Index,
    principal: Principal,
) -> Pathway:
    """The new pathway of the caller's firm; the previous one, if it names one, is superseded.

    Raises:
        AssessmentNotFound: there is no such assessment of theirs.
        AssessmentOpen: it is not completed.
        AssessmentErased: what it said was erased.
        PathwayNotFound: there is no such previous pathway of theirs.
        PathwayErased: what it was computed from was erased.
    """
    assessment = await _assessment(session, request, principal)
    previous = None
    if request.previous_id is not None:
        previous = await find(session, request.previous_id, principal)
        way_of(previous)
    asked = await _asked(session, released, request, assessment=assessment, principal=principal)
    way = compute(released, asked, index)
    made = Pathway(
        id=new_pathway_id(),
        organisation_id=principal.organisation_id,
        assessment_id=request.assessment_id,
        previous_id=request.previous_id,
        asked=cast("dict[str, Any]", msgspec.to_builtins(asked)),
        way=cast("dict[str, Any]", msgspec.to_builtins(way)),
    )
    told: list[events.Event] = []
    if previous is not None:
        revision = await queries.supersede(session, previous.id)
        if revision is not None:
            told.append(_event(HAPPENED["supersede"], previous, principal, revision=revision))
    await queries.insert_pathway(session, made)
    gaps = [
        {"scene": gap.scene, "from": gap.start, "to": gap.end, "offerings": gap.offerings}
        for gap in way.gaps
    ]
    computed = {"reaches": way.reaches, "target": way.position.target, "supply_gaps": gaps}
    await events.append(session, _event("pathway.computed", made, principal, **computed), *told)
    return made


async def find(session: ReadSession, pathway_id: PathwayId, principal: Principal) -> Pathway:
    """The pathway of the caller's firm.

    Raises:
        PathwayNotFound: there is none, or it is somebody else's.
    """
    found = await queries.find_pathway(session, pathway_id)
    if found is None or found.organisation_id != principal.organisation_id:
        raise PathwayNotFound
    return found


async def shifts(session: ReadSession, pathway: Pathway) -> list[comparing.Shift]:
    """What is otherwise than in the pathway before; none where there was none, or it was erased."""
    if pathway.previous_id is None:
        return []
    before = await queries.find_pathway(session, pathway.previous_id)
    if before is None or before.erased_at is not None:
        return []
    levels = asked_of(pathway).facts.scenes
    return comparing.moved(way_of(before), way_of(pathway), levels)


async def take_step(
    session: Session,
    pathway_id: PathwayId,
    asked: transitions.TransitionRequest,
    *,
    principal: Principal,
    seen: int | None = None,
) -> Pathway:
    """The pathway after the step; of several callers at once one wins.

    Raises:
        PathwayNotFound: there is none, or it is somebody else's.
        StaleVersion: it is not at the revision ``seen``.
        UnknownTransition, NotYourTransition, IllegalTransition: as `checked`.
    """
    found = await find(session, pathway_id, principal)
    etags.expect(found.revision, seen)
    step = transitions.checked(
        PATHWAY,
        found.state,
        asked.transition,
        actors=actors_of(principal, found.organisation_id),
        hindrances={},
    )
    values = {"note": asked.note}
    moving = rows.move(
        session, Pathway, found.id, source=found.state, step=step, values=values, seen=seen
    )
    if await moving is None:
        there = await find(session, pathway_id, principal)
        etags.expect(there.revision, seen)
        raise transitions.IllegalTransition(extra={"state": there.state.value})
    moved = await find(session, pathway_id, principal)
    await events.append(session, _event(HAPPENED[step.name], moved, principal))
    return moved


async def step_as_need(
    session: Session,
    pathway: Pathway,
    number: int,
    *,
    principal: Principal,
    checker: Checker,
) -> FoundNeed:
    """A new draft of a need that says what the step of this number asks for.

    Raises:
        StepNotFound: the pathway has no such step.
        PathwayErased: what it was computed from was erased.
    """
    draft = need_of(way_of(pathway), asked_of(pathway), number, checker)
    return await demand.create(
        session,
        draft,
        organisation_id=principal.organisation_id,
        by=event_actor(principal),
        checker=checker,
    )


def need_of(way: Way, asked: Asked, number: int, checker: Checker) -> NeedDraft:
    """The need of the step of this number, with all steps that the same package does.

    Raises:
        StepNotFound: the way has no such step.
    """
    phase, step = _step(way, number)
    steps = [each for each in phase.steps if each.number in step.together] or [step]
    taxonomy = checker.taxonomy
    links = taxonomy.concordances[_LINKS].links
    categories = [link.target for each in steps for link in links.get(each.scene, ())]
    title = Text(
        zh="；".join(_ZH.format(taxonomy.name("sme_scene", s.scene, "zh"), s) for s in steps),
        en="; ".join(_EN.format(taxonomy.name("sme_scene", s.scene, "en"), s) for s in steps),
    )
    amount = max(each.upper or each.cost for each in steps)
    return NeedDraft(
        kind="solution",
        title=title,
        text=f"{title.zh}\n{title.en}",
        scenes=[each.scene for each in steps],
        categories=list(dict.fromkeys(categories)) or None,
        budget=Budget(amount=amount, currency=way.currency) if amount else None,
        ready_by=way.as_of + dt.timedelta(weeks=_WEEKS_A_YEAR * phase.number),
        region=asked.facts.region,
    )


def way_of(pathway: Pathway) -> Way:
    """What was computed.

    Raises:
        PathwayErased: what it was computed from was erased.
    """
    if pathway.erased_at is not None:
        raise PathwayErased
    return msgspec.convert(pathway.way, Way)


def asked_of(pathway: Pathway) -> Asked:
    """What it was computed from.

    Raises:
        PathwayErased: it was erased.
    """
    if pathway.erased_at is not None:
        raise PathwayErased
    return msgspec.convert(pathway.asked, Asked)


async def _assessment(
    session: ReadSession, request: PathwayRequest, principal: Principal
) -> Assessment | None:
    if request.assessment_id is None:
        return None
    found = await assessments.find(session, request.assessment_id, principal)
    if found.organisation_id != principal.organisation_id:
        raise AssessmentNotFound
    if assessments.result_of(found) is None:
        raise AssessmentOpen(extra={"state": found.state.value})
    return found


async def _asked(
    session: ReadSession,
    released: Wayfinder,
    request: PathwayRequest,
    *,
    assessment: Assessment | None,
    principal: Principal,
) -> Asked:
    stored = await assessments.stated_profile(session, principal.organisation_id)
    profile = ProfileFacts() if stored is None else stored.facts
    scale = None if stored is None else stored.derived.scale
    facts = facts_of(released, profile, scale, _assessed(assessment))
    budgets = request.budgets
    yearly = profile.yearly_budget
    if budgets is None and yearly is not None and request.currency in {None, yearly.currency}:
        budgets = [yearly.amount] * released.rules.years
    fitting = await guides.fitting(
        session,
        released.general,
        released.taxonomy,
        industries=facts.industries,
        region=facts.region,
        limit=released.rules.guides,
    )
    return Asked(
        facts=facts,
        guides=[Cited(id=each.id, terms=each.terms) for each in fitting],
        target=request.target,
        budgets=budgets,
        currency=request.currency or (yearly.currency if yearly else "CNY"),
        as_of=utc_now().date(),
    )


class Assessed(NamedTuple):
    """Under which scheme what was answered, and what followed."""

    scheme: str
    said: AssessmentTerms
    outcome: Outcome


def facts_of(
    released: Wayfinder, profile: ProfileFacts, scale: str | None, assessed: Assessed | None
) -> Facts:
    """What of profile and assessment a way reads; an assessed scene goes before a stated one."""
    scenes = dict(profile.scenes or {})
    answers: dict[str, Any] = {}
    level = None
    if assessed is not None:
        scenes |= assessed.said.scenes or {}
        if assessed.scheme == released.rules.questionnaire:
            level, answers = int(assessed.outcome.level), dict(assessed.said.answers or {})
    return Facts(
        scale=scale,
        stage=profile.stage,
        chain_role=profile.chain_role,
        industries=profile.industries or [],
        region=profile.region,
        goals=dict(profile.goals or {}),
        counts={name: getattr(profile, name) for name in _COUNTED},
        scenes=scenes,
        answers=answers,
        level=level,
    )


def _assessed(assessment: Assessment | None) -> Assessed | None:
    if assessment is None:
        return None
    outcome = assessments.result_of(assessment)
    assert outcome is not None  # noqa: S101  (it is completed)
    return Assessed(assessment.scheme, assessments.terms(assessment), outcome)


def _step(way: Way, number: int) -> tuple[Phase, Step]:
    for phase in way.phases:
        for step in phase.steps:
            if step.number == number:
                return phase, step
    raise StepNotFound


def _event(kind: str, pathway: Pathway, principal: Principal, **more: object) -> events.Event:
    return events.Event(
        kind=kind,
        subject_type="pathway",
        subject_id=pathway.id,
        organisation_id=pathway.organisation_id,
        actor=event_actor(principal),
        data={"revision": pathway.revision, **more},
    )
