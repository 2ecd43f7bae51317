"""Training and evaluation: what is read, worked out beside any transaction, and kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from matchmaker.core import events
from matchmaker.learning import dataset, gate, training
from matchmaker.learning.training import TooFewNeeds
from matchmaker.matching.learned import queries
from matchmaker.matching.learned import service as registry
from matchmaker.matching.learned.machine import ModelState
from matchmaker.matching.learned.models import Evaluation
from matchmaker.matching.learned.shelf import version_of
from matchmaker.matching.service import Model

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.core.events import EventActor
    from matchmaker.learning.gate import Report
    from matchmaker.learning.policy import Policy
    from matchmaker.matching.editions import Edition
    from matchmaker.matching.learned.models import LearnedModel, ModelId

    Reading = Callable[[], AbstractAsyncContextManager[ReadSession]]


@dataclass(frozen=True, slots=True)
class Means:
    """What is learned with: the edition in force and the released numbers."""

    edition: Edition
    policy: Policy

    @property
    def card(self) -> Model:
        """The published card."""
        return self.edition.model


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What the gate found of a model, and beside what."""

    model_id: ModelId
    against_id: ModelId | None
    report: Report


async def train(reading: Reading, means: Means, *, more_than: int = 0) -> dict[str, bytes]:
    """The files of a model of what was judged before the needs that are held out.

    Raises:
        TooFewNeeds: fewer needs are judged than the policy asks for, or no more than ``more_than``.
        IncompatibleTables: the tables do not give what the model predicts.
    """
    async with reading() as session:
        data = await dataset.gathered(session, means.edition, means.policy)
        number = await queries.count(session) + 1
    learned_from, _ = dataset.split(data, means.policy)
    if learned_from.needs <= more_than:
        raise TooFewNeeds(f"{learned_from.needs} needs are judged, as before")
    return await asyncio.to_thread(
        training.learned, learned_from, means.card, means.policy, name=f"learned-{number}"
    )


async def evaluate(reading: Reading, means: Means, model: LearnedModel) -> Evaluated:
    """What the gate finds of ``model`` beside what ranks now, on the needs that are held out.

    Raises:
        RefusedArtefact: a model is not what was kept.
    """
    async with reading() as session:
        data = await dataset.gathered(session, means.edition, means.policy)
        champion = await queries.in_state(session, ModelState.CHAMPION)
        looked_at = await as_served(session, model, means.card)
        now = means.card if champion is None else await as_served(session, champion, means.card)
    _, held_out = dataset.split(data, means.policy)
    report = await asyncio.to_thread(gate.judged, held_out, looked_at, now, means.policy.gate)
    return Evaluated(model.id, None if champion is None else champion.id, report)


async def as_served(session: ReadSession, model: LearnedModel, card: Model) -> Model:
    """``model`` as it would rank on ``card``.

    Raises:
        RefusedArtefact: it is not what was kept.
    """
    found = await registry.read(session, model)
    return Model(card.card, found.tables, version_of(card.version, model.sha256))


async def keep_evaluation(session: Session, found: Evaluated, by: EventActor) -> Evaluation:
    """The evaluation, kept."""
    made = Evaluation(
        model_id=found.model_id,
        against_id=found.against_id,
        is_passed=found.report.is_passed,
        report=msgspec.to_builtins(found.report),
    )
    await queries.insert_evaluation(session, made)
    await events.append(
        session,
        events.Event(
            kind="model.evaluated",
            subject_type="model",
            subject_id=found.model_id,
            organisation_id=None,
            actor=by,
            data={"passed": made.is_passed},
        ),
    )
    return made
