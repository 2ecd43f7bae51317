"""What pools say on the wire; every rule is shown back as a sentence."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.catalog.pools.machine import PoolState
from matchmaker.catalog.pools.models import PoolId
from matchmaker.catalog.pools.terms import Days, RuleTree, Terms, Tier
from matchmaker.core.wire import Code, Text
from matchmaker.identity.models import OrganisationId

AnswerName: TypeAlias = Literal["yes", "no", "unknown"]


class PoolRequest(Terms, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A pool as it is made; its code is unique and never changes."""

    code: Code


class PoolPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What may change of a pool; rules and tiers are replaced whole."""

    name: Text | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    rule: RuleTree | UnsetType = UNSET
    tiers: Annotated[tuple[Tier, ...], msgspec.Meta(max_length=10)] | UnsetType = UNSET
    admission_days: Days | UnsetType | None = UNSET


class TierDetail(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a pool; `sentence` says its rule in the asked language."""

    code: str
    name: Text
    rule: RuleTree
    sentence: str


class PoolVersion(msgspec.Struct, frozen=True, kw_only=True):
    """What a pool said and asked at one time; it never changes."""

    number: int
    name: Text
    description: Text | None
    rule: RuleTree
    sentence: str
    tiers: tuple[TierDetail, ...]
    admission_days: int | None
    created_at: dt.datetime


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """A pool with the version in force; lowest tier first."""

    id: PoolId
    code: str
    owner: OrganisationId
    state: PoolState
    revision: int
    version: PoolVersion


class FieldQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that is missing, as a question."""

    field: str
    question: str


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a rule that is not met, or not known to be.

    `sentence` says what it asks, `proof` what was seen, `questions` what is missing to answer it.
    """

    answer: AnswerName
    sentence: str
    proof: str
    questions: tuple[FieldQuestion, ...]


class TierCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The next tier, and what is missing for it."""

    code: str
    missing: tuple[Condition, ...]


class PoolCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules of one version of a pool answer of one version of an offering.

    `missing` is missing for being admitted; `next_tier` is null where there is no higher tier.
    """

    pool_version: int
    answer: AnswerName
    sentence: str
    proof: str
    missing: tuple[Condition, ...]
    tier: str | None
    next_tier: TierCheck | None
