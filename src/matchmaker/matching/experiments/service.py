"""Experiments: drafted, started where both models may be shown, ended, told."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError

from matchmaker.core import etags, events, transitions
from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import InvalidContent
from matchmaker.identity.access import event_actor
from matchmaker.matching.experiments import ending, queries
from matchmaker.matching.experiments.errors import ExperimentNotFound
from matchmaker.matching.experiments.machine import EXPERIMENT
from matchmaker.matching.experiments.models import Experiment
from matchmaker.matching.learned import queries as models
from matchmaker.matching.learned import service as registry
from matchmaker.matching.learned.machine import ModelState

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity.access import Principal
    from matchmaker.matching.experiments.models import ExperimentId
    from matchmaker.matching.experiments.rules import Rules
    from matchmaker.matching.experiments.schemas import ExperimentDraft
    from matchmaker.matching.learned.models import LearnedModel, ModelId
    from matchmaker.matching.matcher import Matcher

_MONOTONE = "monotone_violations"
"""What the gate says of a model whose scores fall where they must not."""


async def create(
    session: Session, draft: ExperimentDraft, rules: Rules, principal: Principal
) -> Experiment:
    """The new experiment: a draft, held to the rules of now.

    Raises:
        ModelNotFound: one of them is not there.
        InvalidContent: a model is compared with itself.
    """
    for model_id in (draft.a_id, draft.b_id):
        if model_id is not None:
            await registry.find(session, model_id)
    if draft.a_id == draft.b_id:
        said = Bilingual(zh="须比较两个不同的模型", en="is compared with itself")
        raise InvalidContent(errors=[FieldFault("#/b_id", "same_model", said)])
    made = Experiment(
        name=draft.name,
        design=draft.design,
        a_id=draft.a_id,
        b_id=draft.b_id,
        measure=draft.measure,
        level=rules.level,
        least_firms=rules.least_firms,
        salt=secrets.token_hex(16),
    )
    await queries.insert_experiment(session, made)
    by = event_actor(principal)
    await events.append(session, ending.event("experiment.created", made, made.state, by))
    return await find(session, made.id)


async def find(session: ReadSession, experiment_id: ExperimentId) -> Experiment:
    """The experiment of this id.

    Raises:
        ExperimentNotFound: there is none.
    """
    found = await queries.find_experiment(session, experiment_id)
    if found is None:
        raise ExperimentNotFound
    return found


async def take_step(
    session: Session,
    experiment_id: ExperimentId,
    asked: transitions.TransitionRequest,
    principal: Principal,
    *,
    matcher: Matcher,
    seen: int | None = None,
) -> Experiment:
    """The experiment after the step; ``matcher`` has the card in force.

    Raises:
        ExperimentNotFound: there is none.
        StaleVersion: it is not at the revision ``seen``.
        UnknownTransition, NotYourTransition, IllegalTransition, TransitionHindered: as `checked`.
    """
    found = await find(session, experiment_id)
    etags.expect(found.revision, seen)
    # Held until it runs: who retires one of them meanwhile waits, and then finds what to end.
    for model_id in _arms(found):
        await models.hold_model(session, model_id)
    step = transitions.checked(
        EXPERIMENT,
        found.state,
        asked.transition,
        actors=registry.actors(principal),
        hindrances=await hindrances(session, found, matcher),
    )
    values, by = {"note": asked.note}, event_actor(principal)
    try:
        has_moved = await ending.move(session, found, step, by, values=values, seen=seen)
    except IntegrityError as lost:
        # Another one was started meanwhile.
        raise transitions.TransitionHindered(errors=[_another_runs()]) from lost
    if not has_moved:
        there = await find(session, experiment_id)
        etags.expect(there.revision, seen)
        raise transitions.IllegalTransition(extra={"state": there.state.value})
    return await find(session, experiment_id)


async def hindrances(
    session: ReadSession, experiment: Experiment, matcher: Matcher
) -> transitions.Hindrances:
    """What stands against starting the experiment now."""
    found: list[FieldFault] = []
    if not matcher.is_trying:
        said = Bilingual(zh="本系统未开启实验", en="experiments are not turned on here")
        found.append(FieldFault("#/transition", "not_turned_on", said))
    if await queries.running(session) is not None:
        found.append(_another_runs())
    for model_id in _arms(experiment):
        model = await registry.find(session, model_id)
        found += registry.other_card(model, matcher.model.version)
        found += await _faults(session, model)
    return {"start": found} if found else {}


def _arms(experiment: Experiment) -> list[ModelId]:
    """The learned models of the experiment."""
    return [each for each in (experiment.a_id, experiment.b_id) if each is not None]


async def _faults(session: ReadSession, model: LearnedModel) -> list[FieldFault]:
    """Why nobody is shown what the model ranks.

    It need not be better than what ranks, that is to be found out; but what improves an offering
    must not lower it.
    """
    found: list[FieldFault] = []
    if model.state is ModelState.RETIRED:
        said = Bilingual(zh="模型已停用", en="the model was retired")
        found.append(FieldFault("#/transition", "model_retired", said))
    latest = await models.latest_evaluation(session, model.id)
    findings: list[Any] = [] if latest is None else latest.report["findings"]
    if not any(each["rule"] == _MONOTONE and each["holds"] for each in findings):
        said = Bilingual(
            zh="尚未证实模型的单调性", en="no evaluation has found that the model is monotone"
        )
        found.append(FieldFault("#/transition", "not_monotone", said))
    return found


def _another_runs() -> FieldFault:
    said = Bilingual(zh="已有一项实验正在进行", en="another experiment runs")
    return FieldFault("#/transition", "another_runs", said)
