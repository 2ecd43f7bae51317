"""Learned models, what they are kept in, and what the gate found of them."""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    Text,
    Uuid,
    func,
    literal_column,
)
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.matching.learned.machine import MODEL, ModelState

ModelId = NewType("ModelId", UUID)
EvaluationId = NewType("EvaluationId", UUID)


def new_model_id() -> ModelId:
    """A new id, in order of time."""
    return ModelId(uuid7())


def new_evaluation_id() -> EvaluationId:
    """A new id, in order of time."""
    return EvaluationId(uuid7())


class LearnedModel(Revised, Base, kw_only=True):
    """A learned model: what it is called, and where it stands."""

    __tablename__ = "model"
    __table_args__ = (
        Index(
            "ix_model_champion",
            "state",
            unique=True,
            postgresql_where=literal_column("state = 'champion'"),
        ),
        Index(
            "ix_model_shadow",
            "state",
            unique=True,
            postgresql_where=literal_column("state = 'shadow'"),
        ),
        CheckConstraint(
            "state in ('trained', 'shadow', 'champion', 'retired')", name="state_known"
        ),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_is_one"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[ModelId] = mapped_column(Uuid, primary_key=True, default_factory=new_model_id)
    name: Mapped[str] = mapped_column(Text, unique=True)
    sha256: Mapped[str] = mapped_column(Text, unique=True)
    """Of its manifest, which has those of its arrays."""
    card: Mapped[str] = mapped_column(Text)
    """The published card, by its content, whose grids its steps are of."""
    state: Mapped[ModelState] = mapped_column(default=MODEL.initial)
    replaced_id: Mapped[ModelId | None] = mapped_column(
        Uuid, ForeignKey("mm.model.id"), default=None
    )
    """What ranked before it was promoted; None: the card."""
    promoted_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""


class ModelFile(Base, kw_only=True):
    """One file of a model, as `ranking.artefact` writes it; it does not change."""

    __tablename__ = "model_file"

    model_id: Mapped[ModelId] = mapped_column(Uuid, ForeignKey(LearnedModel.id), primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class Evaluation(Base, kw_only=True):
    """What the gate found of a model beside what ranked then; it does not change."""

    __tablename__ = "evaluation"
    __table_args__ = (Index(None, "model_id", "id"),)

    id: Mapped[EvaluationId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_evaluation_id
    )
    model_id: Mapped[ModelId] = mapped_column(Uuid, ForeignKey(LearnedModel.id))
    against_id: Mapped[ModelId | None] = mapped_column(Uuid, ForeignKey(LearnedModel.id))
    """What ranked then; None: the card."""
    is_passed: Mapped[bool]
    report: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
