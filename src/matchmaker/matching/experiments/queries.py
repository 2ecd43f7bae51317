"""Every statement about experiments."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from matchmaker.identity.models import Organisation, OrganisationState
from matchmaker.matching.experiments.machine import ExperimentState
from matchmaker.matching.experiments.models import Experiment, ExperimentRun
from matchmaker.matching.feedback.models import Action, Feedback
from matchmaker.matching.models import MatchRow
from matchmaker.ranking.interleaving import Team

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy import ColumnElement

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.matching.experiments.models import ExperimentId

_OPENED = tuple(action for action in Action if action is not Action.DISMISSED)
_SHORTLISTED = tuple(action for action in _OPENED if action is not Action.OPENED)
_CONTACTED = tuple(action for action in _SHORTLISTED if action is not Action.SHORTLISTED)
"""Who contacts has looked, whether or not that was said too."""


class FirmCount(NamedTuple):
    """What one firm was shown for one of the models, and with how much of it did something."""

    firm: UUID
    team: Team
    runs: int
    shown: int
    opened: int
    shortlisted: int
    contacted: int


async def insert_experiment(session: Session, experiment: Experiment) -> None:
    """Add the experiment."""
    session.add(experiment)
    await session.flush()


async def find_experiment(session: ReadSession, experiment_id: ExperimentId) -> Experiment | None:
    """The experiment of this id, as it is now."""
    return await _one(session, Experiment.id == experiment_id)


async def running(session: ReadSession) -> Experiment | None:
    """The experiment that runs."""
    return await _one(session, Experiment.state == ExperimentState.RUNNING)


async def _one(session: ReadSession, is_wanted: ColumnElement[bool]) -> Experiment | None:
    wanted = select(Experiment).where(is_wanted)
    found = await session.scalars(wanted.execution_options(populate_existing=True))
    return found.one_or_none()


async def list_experiments(
    session: ReadSession, *, after: UUID | None, limit: int
) -> list[Experiment]:
    """Up to ``limit`` experiments by id, after ``after``."""
    statement = select(Experiment)
    if after is not None:
        statement = statement.where(Experiment.id > after)
    return list(await session.scalars(statement.order_by(Experiment.id).limit(limit)))


async def insert_run(session: Session, noted: ExperimentRun) -> None:
    """Add the part of a run."""
    session.add(noted)
    await session.flush()


async def counts(session: ReadSession, experiment_id: ExperimentId) -> list[FirmCount]:
    """What verified firms were shown in the experiment and did with it, by firm and model."""
    team = func.coalesce(ExperimentRun.arm, ExperimentRun.teams[MatchRow.rank]).label("team")
    shown = (
        select(
            ExperimentRun.organisation_id.label("firm"),
            team,
            MatchRow.run_id,
            *(
                func.coalesce(func.bool_or(Feedback.action.in_(actions)), False).label(name)
                for name, actions in (
                    ("opened", _OPENED),
                    ("shortlisted", _SHORTLISTED),
                    ("contacted", _CONTACTED),
                )
            ),
        )
        .join(MatchRow, MatchRow.run_id == ExperimentRun.run_id)
        .join(Organisation, Organisation.id == ExperimentRun.organisation_id)
        .outerjoin(
            Feedback,
            (Feedback.run_id == MatchRow.run_id) & (Feedback.offering_id == MatchRow.offering_id),
        )
        .where(
            ExperimentRun.experiment_id == experiment_id,
            Organisation.state == OrganisationState.VERIFIED,
        )
        .group_by(ExperimentRun.organisation_id, team, MatchRow.run_id, MatchRow.rank)
        .subquery()
    )
    rows = await session.execute(
        select(
            shown.c.firm,
            shown.c.team,
            func.count(shown.c.run_id.distinct()),
            func.count(),
            *(
                func.count().filter(shown.c[name])
                for name in ("opened", "shortlisted", "contacted")
            ),
        )
        .where(shown.c.team.in_([each.value for each in Team]))
        .group_by(shown.c.firm, shown.c.team)
        .order_by(shown.c.firm, shown.c.team)
    )
    return [FirmCount(firm, Team(team_), *numbers) for firm, team_, *numbers in rows]
