"""Pools and their immutable versions."""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.catalog.pools.machine import POOL, PoolState
from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.identity.models import Organisation, OrganisationId

PoolId = NewType("PoolId", UUID)
PoolVersionId = NewType("PoolVersionId", UUID)


def new_pool_id() -> PoolId:
    """A new id, in order of time."""
    return PoolId(uuid7())


def new_pool_version_id() -> PoolVersionId:
    """A new id, in order of time."""
    return PoolVersionId(uuid7())


class Pool(Revised, Base, kw_only=True):
    """A curated list of an organisation; what it asks stands in its versions."""

    __tablename__ = "pool"
    __table_args__ = (
        UniqueConstraint("id", "organisation_id"),
        # Deferred: a pool and its first version name each other.
        ForeignKeyConstraint(
            ["id", "version"],
            ["mm.pool_version.pool_id", "mm.pool_version.number"],
            name="fk_pool_id_version",
            use_alter=True,
            deferrable=True,
            initially="DEFERRED",
        ),
        Index(None, "organisation_id"),
        CheckConstraint("code ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$'", name="code_is_a_code"),
        CheckConstraint("state in ('open', 'closed')", name="state_known"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[PoolId] = mapped_column(Uuid, primary_key=True, default_factory=new_pool_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    code: Mapped[str] = mapped_column(Text, unique=True)
    """What a match and an index name the pool by; it never changes."""
    state: Mapped[PoolState] = mapped_column(default=POOL.initial)
    version: Mapped[int] = mapped_column(default=1)
    """The number of the version in force."""


class PoolVersion(Base, kw_only=True):
    """What a pool said and asked at one time; a trigger refuses to change or delete it."""

    __tablename__ = "pool_version"
    __table_args__ = (
        UniqueConstraint("pool_id", "number"),
        ForeignKeyConstraint(
            ["pool_id", "organisation_id"], ["mm.pool.id", "mm.pool.organisation_id"]
        ),
        Index(None, "organisation_id"),
        CheckConstraint("number > 0", name="number_from_one"),
        CheckConstraint(
            "jsonb_typeof(name) = 'object' and name ?| '{zh,en}'", name="name_in_a_language"
        ),
        CheckConstraint("admission_days > 0", name="admission_days_from_one"),
    )

    id: Mapped[PoolVersionId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_pool_version_id
    )
    pool_id: Mapped[PoolId] = mapped_column(Uuid)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    number: Mapped[int]
    name: Mapped[dict[str, Any]]
    description: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    rule: Mapped[dict[str, Any]]
    tiers: Mapped[list[Any]]
    """Lowest first: ``code``, ``name``, ``rule``."""
    admission_days: Mapped[int | None] = mapped_column(default=None)
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
