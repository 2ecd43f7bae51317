"""What ends an experiment that runs: its models, or what ranks, are not what they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func

from matchmaker.core import events, rows
from matchmaker.matching.experiments import queries
from matchmaker.matching.experiments.machine import EXPERIMENT, HAPPENED, ExperimentState
from matchmaker.matching.experiments.models import Experiment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.core.db import Session
    from matchmaker.core.events import EventActor
    from matchmaker.core.machine import Step
    from matchmaker.matching.learned.models import ModelId


async def end_by_model(
    session: Session, model_id: ModelId, by: EventActor, *, ranks_anew: bool
) -> None:
    """End what runs if the model, now retired, is one of its two, or if it ``ranks_anew`` now."""
    found = await queries.running(session)
    if found is None or not (ranks_anew or model_id in {found.a_id, found.b_id}):
        return
    step = EXPERIMENT.step("end")
    assert step is not None  # noqa: S101  (the machine's own name)
    # Of several who end it one does, and it is ended all the same.
    await move(session, found, step, by, values={"note": None})


async def move(
    session: Session,
    experiment: Experiment,
    step: Step[ExperimentState],
    by: EventActor,
    *,
    values: Mapping[str, object],
    seen: int | None = None,
) -> bool:
    """Whether the experiment took ``step``: of several callers at once one wins."""
    when = "started_at" if step.target is ExperimentState.RUNNING else "ended_at"
    revision = await rows.move(
        session,
        Experiment,
        experiment.id,
        source=experiment.state,
        step=step,
        values={**values, when: func.clock_timestamp()},
        seen=seen,
    )
    if revision is None:
        return False
    await events.append(session, event(HAPPENED[step.name], experiment, step.target, by))
    return True


def event(
    kind: str, experiment: Experiment, state: ExperimentState, by: EventActor
) -> events.Event:
    """What is told of the experiment."""
    ids = {"a": experiment.a_id, "b": experiment.b_id}
    return events.Event(
        kind=kind,
        subject_type="experiment",
        subject_id=experiment.id,
        organisation_id=None,
        actor=by,
        data={
            "state": state.value,
            "design": experiment.design.value,
            **{name: None if each is None else str(each) for name, each in ids.items()},
        },
    )
