"""Every statement about learned models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, exists, func, insert, or_, select, update

from matchmaker.matching.experiments.models import Experiment
from matchmaker.matching.learned.machine import ModelState
from matchmaker.matching.learned.models import Evaluation, LearnedModel, ModelFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.matching.learned.models import ModelId


async def insert_model(session: Session, model: LearnedModel, files: Mapping[str, bytes]) -> None:
    """Add the model with its files."""
    session.add(model)
    await session.flush()
    rows = [
        {"model_id": model.id, "name": name, "content": content} for name, content in files.items()
    ]
    await session.execute(insert(ModelFile), rows)


async def find_model(session: ReadSession, model_id: ModelId) -> LearnedModel | None:
    """The model of this id, as it is now."""
    return await _one(session, LearnedModel.id == model_id)


async def hold_model(session: Session, model_id: ModelId) -> LearnedModel | None:
    """The model of this id, which nobody moves before this transaction ends."""
    wanted = select(LearnedModel).where(LearnedModel.id == model_id).with_for_update(read=True)
    found = await session.scalars(wanted.execution_options(populate_existing=True))
    return found.one_or_none()


async def named(session: ReadSession, name: str) -> LearnedModel | None:
    """The model of this name, as it is now."""
    return await _one(session, LearnedModel.name == name)


async def in_state(session: ReadSession, state: ModelState) -> LearnedModel | None:
    """The one model in a state that only one is in."""
    return await _one(session, LearnedModel.state == state)


async def _one(session: ReadSession, is_wanted: ColumnElement[bool]) -> LearnedModel | None:
    wanted = select(LearnedModel).where(is_wanted)
    found = await session.scalars(wanted.execution_options(populate_existing=True))
    return found.one_or_none()


async def list_models(
    session: ReadSession, *, after: UUID | None, limit: int
) -> list[LearnedModel]:
    """Up to ``limit`` models by id, after ``after``."""
    statement = select(LearnedModel)
    if after is not None:
        statement = statement.where(LearnedModel.id > after)
    return list(await session.scalars(statement.order_by(LearnedModel.id).limit(limit)))


async def count(session: ReadSession) -> int:
    """How many models were learned so far."""
    return await session.scalar(select(func.count()).select_from(LearnedModel)) or 0


async def latest(session: ReadSession) -> LearnedModel | None:
    """The model that was learned last."""
    found = await session.scalars(select(LearnedModel).order_by(LearnedModel.id.desc()).limit(1))
    return found.one_or_none()


async def used(session: ReadSession) -> list[LearnedModel]:
    """The models that rank, have ranked, run in the shadow, or are or were in an experiment."""
    tried = exists().where(
        Experiment.started_at.is_not(None),
        or_(Experiment.a_id == LearnedModel.id, Experiment.b_id == LearnedModel.id),
    )
    has_ranked = LearnedModel.promoted_at.is_not(None)
    wanted = or_(has_ranked, LearnedModel.state == ModelState.SHADOW, tried)
    return list(await session.scalars(select(LearnedModel).where(wanted).order_by(LearnedModel.id)))


async def files_of(session: ReadSession, model_id: ModelId) -> dict[str, bytes]:
    """The files of the model, by name."""
    rows = await session.execute(
        select(ModelFile.name, ModelFile.content).where(ModelFile.model_id == model_id)
    )
    return {name: content for name, content in rows}  # noqa: C416  (of rows, not of pairs)


async def mark_promoted(session: Session, model_id: ModelId, replaced_id: ModelId | None) -> None:
    """Note when the model began to rank, and in place of what."""
    values = {"promoted_at": func.clock_timestamp(), "replaced_id": replaced_id}
    await session.execute(update(LearnedModel).where(LearnedModel.id == model_id).values(values))


async def insert_evaluation(session: Session, evaluation: Evaluation) -> None:
    """Add the evaluation."""
    session.add(evaluation)
    await session.flush()


async def latest_evaluation(session: ReadSession, model_id: ModelId) -> Evaluation | None:
    """What the gate found of the model last."""
    found = await session.scalars(
        select(Evaluation)
        .where(Evaluation.model_id == model_id)
        .order_by(Evaluation.id.desc())
        .limit(1)
    )
    return found.one_or_none()
