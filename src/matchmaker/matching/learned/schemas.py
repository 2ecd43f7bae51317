"""Learned models on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import msgspec

from matchmaker.core.etags import Varying
from matchmaker.matching.learned.machine import ModelState
from matchmaker.matching.learned.models import ModelId


class GateFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the gate looked at: its figure, null where there was none, and its bound."""

    rule: str
    value: float | None
    bound: float
    holds: bool


class ModelEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate found of a model on needs it had not seen, beside what ranked then."""

    against: Annotated[
        ModelId | None, msgspec.Meta(description="What ranked then; null: the published card")
    ]
    passed: bool
    needs: int
    ndcg: Annotated[float | None, msgspec.Meta(description="nDCG@10 of the model")]
    ndcg_now: Annotated[float | None, msgspec.Meta(description="nDCG@10 of what ranked then")]
    findings: list[GateFinding]
    slices: Annotated[dict[str, float], msgspec.Meta(description="Mean gain of each slice")]
    created_at: dt.datetime


class Model(Varying, frozen=True, kw_only=True):
    """A learned model and where it stands; a receipt names it by the first half of its sha256."""

    id: ModelId
    name: str
    sha256: str
    card: Annotated[str, msgspec.Meta(description="The published card it was learned on")]
    state: ModelState
    promoted_at: dt.datetime | None
    note: str | None
    evaluation: ModelEvaluation | None
    created_at: dt.datetime
    changed_at: dt.datetime
