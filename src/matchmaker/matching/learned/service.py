"""Learned models: kept, let rank through the gate, taken back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from matchmaker.core import etags, events, rows, transitions
from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor
from matchmaker.identity.access import event_actor
from matchmaker.identity.models import OrganisationRole
from matchmaker.matching.experiments.ending import end_by_model
from matchmaker.matching.experiments.queries import running
from matchmaker.matching.learned import queries
from matchmaker.matching.learned.errors import ModelNotFound, ModelUnreadable
from matchmaker.matching.learned.machine import HAPPENED, MODEL, ModelState
from matchmaker.matching.learned.models import LearnedModel
from matchmaker.matching.learned.shelf import SCHEMA, Contest, Standing
from matchmaker.ranking import artefact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.events import EventActor
    from matchmaker.core.machine import Step
    from matchmaker.identity.access import Principal
    from matchmaker.matching.experiments.models import Experiment
    from matchmaker.matching.learned.models import ModelId
    from matchmaker.matching.learned.shelf import Shelf
    from matchmaker.ranking.artefact import Artefact


async def keep(
    session: Session, files: Mapping[str, bytes], *, card: str, by: EventActor
) -> LearnedModel:
    """The model in ``files`` that was learned on ``card``, kept; it ranks nothing yet."""
    name = json.loads(files[artefact.MANIFEST])["name"]
    made = LearnedModel(name=name, sha256=artefact.digest(files[artefact.MANIFEST]), card=card)
    await queries.insert_model(session, made, files)
    await events.append(session, _event("model.trained", made, by))
    return made


async def find(session: ReadSession, model_id: ModelId) -> LearnedModel:
    """The model of this id.

    Raises:
        ModelNotFound: there is none.
    """
    found = await queries.find_model(session, model_id)
    if found is None:
        raise ModelNotFound
    return found


async def named(session: ReadSession, name: str) -> LearnedModel:
    """The model of this name.

    Raises:
        ModelNotFound: there is none.
    """
    found = await queries.named(session, name)
    if found is None:
        raise ModelNotFound
    return found


async def read(session: ReadSession, model: LearnedModel) -> Artefact:
    """What ``model`` is made of, held against its sums and against what it predicted.

    Raises:
        RefusedArtefact: it is not what was kept.
    """
    return artefact.opened(await queries.files_of(session, model.id), model.sha256, SCHEMA)


async def shown(session: ReadSession, model: LearnedModel) -> Artefact:
    """What ``model`` is made of, to be shown.

    Raises:
        ModelUnreadable: another release kept it, or it is not what was kept.
    """
    try:
        return await read(session, model)
    except artefact.RefusedArtefact as refused:
        raise ModelUnreadable from refused


async def take_step(
    session: Session,
    model_id: ModelId,
    asked: transitions.TransitionRequest,
    principal: Principal,
    *,
    card: str,
    seen: int | None = None,
) -> LearnedModel:
    """The model after the step that an operator takes; ``card`` is the one in force.

    Raises:
        ModelNotFound: there is none.
        StaleVersion: it is not at the revision ``seen``.
        UnknownTransition, NotYourTransition, IllegalTransition, TransitionHindered: as `checked`.
    """
    found = await find(session, model_id)
    etags.expect(found.revision, seen)
    step = transitions.checked(
        MODEL,
        found.state,
        asked.transition,
        actors=actors(principal),
        hindrances=await hindrances(session, found, card),
    )
    return await move(
        session, found, step, event_actor(principal), card=card, note=asked.note, seen=seen
    )


async def move(
    session: Session,
    model: LearnedModel,
    step: Step[ModelState],
    by: EventActor,
    *,
    card: str,
    note: str | None = None,
    seen: int | None = None,
) -> LearnedModel:
    """The model after ``step``; whatever stood where it goes is retired.

    Raises:
        StaleVersion: it is not at the revision ``seen``.
        IllegalTransition: somebody else was first.
        TransitionHindered: what the step rests on has changed meanwhile.
    """
    replaced = None
    if step.target in {ModelState.CHAMPION, ModelState.SHADOW}:
        replaced = await queries.in_state(session, step.target)
    if replaced is not None:
        await _moved(session, replaced, "retire", by, note=None)
    moved = await _moved(session, model, step.name, by, note=note, seen=seen)
    if step.name == "promote":
        # The gate looked at it beside what ranked before.
        faults = await _faults(session, moved, replaced, card)
        if faults:
            raise transitions.TransitionHindered(errors=faults)
        await queries.mark_promoted(session, moved.id, None if replaced is None else replaced.id)
    return await find(session, moved.id)


async def roll_back(session: Session, by: EventActor) -> LearnedModel | None:
    """What ranks once the champion is taken back: what it replaced; None: the card.

    Raises:
        ModelNotFound: no learned model ranks.
    """
    champion = await queries.in_state(session, ModelState.CHAMPION)
    if champion is None:
        raise ModelNotFound
    await _moved(session, champion, "retire", by, note=None)
    if champion.replaced_id is None:
        return None
    before = await find(session, champion.replaced_id)
    return await _moved(session, before, "restore", by, note=None)


async def _moved(
    session: Session,
    model: LearnedModel,
    name: str,
    by: EventActor,
    *,
    note: str | None,
    seen: int | None = None,
) -> LearnedModel:
    step = MODEL.step(name)
    assert step is not None  # noqa: S101  (the machine's own name)
    source = model.state
    moving = rows.move(
        session,
        LearnedModel,
        model.id,
        source=source,
        step=step,
        values={"note": note},
        seen=seen,
    )
    if await moving is None:
        there = await find(session, model.id)
        etags.expect(there.revision, seen)
        raise transitions.IllegalTransition(extra={"state": there.state.value})
    moved = await find(session, model.id)
    ranks_anew = ModelState.CHAMPION in {source, step.target}
    if ranks_anew or step.target is ModelState.RETIRED:
        # Before the event: whoever ends the experiment holds it, and then waits for the chain.
        await end_by_model(session, moved.id, by, ranks_anew=ranks_anew)
    await events.append(session, _event(HAPPENED[name], moved, by))
    return moved


def actors(principal: Principal) -> frozenset[Actor]:
    """As whom ``principal`` may act on models: they are nobody's, operators see to them."""
    is_operator = OrganisationRole.OPERATOR in principal.roles
    return frozenset({Actor.OPERATOR}) if is_operator else frozenset()


async def hindrances(
    session: ReadSession, model: LearnedModel, card: str
) -> transitions.Hindrances:
    """What stands against promoting or restoring the model, where ``card`` is in force."""
    champion = await queries.in_state(session, ModelState.CHAMPION)
    found = {"promote": await _faults(session, model, champion, card)}
    never = Bilingual(zh="该模型从未启用", en="it never ranked")
    found["restore"] = [*other_card(model, card)]
    if model.promoted_at is None:
        found["restore"].append(FieldFault("#/transition", "never_promoted", never))
    return {name: faults for name, faults in found.items() if faults}


async def _faults(
    session: ReadSession, model: LearnedModel, champion: LearnedModel | None, card: str
) -> list[FieldFault]:
    """What the gate has against it beside ``champion``."""
    found = other_card(model, card)
    latest = await queries.latest_evaluation(session, model.id)
    against = None if champion is None else champion.id
    if latest is None or latest.against_id != against:
        said = Bilingual(
            zh="尚未与当前在用的模型比较评估", en="it was not evaluated beside what ranks now"
        )
        found.append(FieldFault("#/transition", "not_evaluated", said))
    elif not latest.is_passed:
        said = Bilingual(zh="未通过启用评估", en="it did not pass the gate")
        found.append(FieldFault("#/transition", "gate_not_passed", said))
    return found


def other_card(model: LearnedModel, card: str) -> list[FieldFault]:
    """That the model was learned on another card than ``card``, if it was."""
    if model.card == card:
        return []
    said = Bilingual(zh="该模型基于另一张评分卡", en="it was learned on another card")
    return [FieldFault("#/transition", "other_card", said)]


async def place(session: ReadSession, shelf: Shelf) -> None:
    """Let the folder of ``shelf`` hold what ranks, what has ranked or was tried, and the shadow."""
    used = await queries.used(session)
    missing = {
        model.sha256: await queries.files_of(session, model.id)
        for model in used
        if not shelf.has(model.sha256)
    }
    of = {model.state: model.sha256 for model in used}
    standing = Standing(
        champion=of.get(ModelState.CHAMPION),
        shadow=of.get(ModelState.SHADOW),
        contest=_contest(await running(session), {model.id: model.sha256 for model in used}),
    )
    if missing or standing != shelf.standing():
        shelf.place(missing, standing)


def _contest(experiment: Experiment | None, sha256: Mapping[ModelId, str]) -> Contest | None:
    """What a process has to know of the experiment that runs."""
    if experiment is None:
        return None
    a, b = (None if each is None else sha256[each] for each in (experiment.a_id, experiment.b_id))
    return Contest(id=experiment.id, design=experiment.design, salt=experiment.salt, a=a, b=b)


def _event(kind: str, model: LearnedModel, by: EventActor) -> events.Event:
    return events.Event(
        kind=kind,
        subject_type="model",
        subject_id=model.id,
        organisation_id=None,
        actor=by,
        data={"state": model.state.value, "name": model.name, "sha256": model.sha256},
    )
