"""Experiments, and the part that stored runs have in them."""

from __future__ import annotations

import datetime as dt
import enum
from typing import NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    Uuid,
    literal_column,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.identity.models import OrganisationId
from matchmaker.matching.experiments.machine import EXPERIMENT, Design, ExperimentState
from matchmaker.matching.learned.models import LearnedModel, ModelId
from matchmaker.matching.models import RunId
from matchmaker.ranking.interleaving import Team

ExperimentId = NewType("ExperimentId", UUID)


def new_experiment_id() -> ExperimentId:
    """A new id, in order of time."""
    return ExperimentId(uuid7())


class Measure(enum.StrEnum):
    """From which action on an offering counts for the model that showed it."""

    OPENED = "opened"
    SHORTLISTED = "shortlisted"
    CONTACTED = "contacted"


class Experiment(Revised, Base, kw_only=True):
    """Two models that are compared, how, and by what; all of it is fixed before it starts."""

    __tablename__ = "experiment"
    __table_args__ = (
        Index(
            "ix_experiment_running",
            "state",
            unique=True,
            postgresql_where=literal_column("state = 'running'"),
        ),
        CheckConstraint("state in ('draft', 'running', 'ended')", name="state_known"),
        CheckConstraint("design in ('interleaving', 'ab')", name="design_known"),
        CheckConstraint("measure in ('opened', 'shortlisted', 'contacted')", name="measure_known"),
        CheckConstraint("a_id is distinct from b_id", name="two_models"),
        CheckConstraint("level > 0 and level < 1", name="level_is_a_share"),
        CheckConstraint("least_firms > 0", name="least_firms_from_one"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[ExperimentId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_experiment_id
    )
    name: Mapped[str] = mapped_column(Text)
    design: Mapped[Design]
    a_id: Mapped[ModelId | None] = mapped_column(Uuid, ForeignKey(LearnedModel.id))
    """None: the published card."""
    b_id: Mapped[ModelId | None] = mapped_column(Uuid, ForeignKey(LearnedModel.id))
    measure: Mapped[Measure]
    level: Mapped[float] = mapped_column(Double)
    """Of the intervals; 1 less it is how often equal models may be taken for different ones."""
    least_firms: Mapped[int] = mapped_column(Integer)
    """Fewer tell nothing: with a preference, or in either arm."""
    salt: Mapped[str] = mapped_column(Text)
    """Decides with a firm's id in which arm it is."""
    state: Mapped[ExperimentState] = mapped_column(default=EXPERIMENT.initial)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    started_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    ended_at: Mapped[dt.datetime | None] = mapped_column(default=None)


class ExperimentRun(Base, kw_only=True):
    """The part of a stored run in an experiment; it does not change.

    ``arm`` is that of its firm, or ``teams`` has the team of each rank where lists were merged.
    """

    __tablename__ = "experiment_run"
    __table_args__ = (
        ForeignKeyConstraint(
            ["run_id", "organisation_id"], ["mm.match_run.id", "mm.match_run.organisation_id"]
        ),
        Index(None, "experiment_id"),
        Index(None, "organisation_id"),
        CheckConstraint("(arm is null) <> (teams is null)", name="arm_or_teams"),
        CheckConstraint("arm in ('a', 'b')", name="arm_known"),
        CheckConstraint("teams <@ '{a,b,-}'", name="teams_known"),
    )

    run_id: Mapped[RunId] = mapped_column(Uuid, primary_key=True)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    experiment_id: Mapped[ExperimentId] = mapped_column(Uuid, ForeignKey(Experiment.id))
    arm: Mapped[Team | None]
    teams: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    """By rank, from 1; ``-``: nobody's, since a curation put it there."""
