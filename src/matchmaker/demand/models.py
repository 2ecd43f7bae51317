"""Needs, their immutable versions, and the firms that share them."""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    literal_column,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.demand.declaration import NeedVisibility
from matchmaker.demand.machine import NEED, NEED_MEMBER, MemberState, NeedState
from matchmaker.identity.models import Organisation, OrganisationId

NeedId = NewType("NeedId", UUID)
NeedVersionId = NewType("NeedVersionId", UUID)
NeedMemberId = NewType("NeedMemberId", UUID)

_KIND_KNOWN = "kind in ('solution', 'advisory', 'research', 'talent', 'finance')"


def new_need_id() -> NeedId:
    """A new id, in order of time."""
    return NeedId(uuid7())


def new_need_version_id() -> NeedVersionId:
    """A new id, in order of time."""
    return NeedVersionId(uuid7())


def new_need_member_id() -> NeedMemberId:
    """A new id, in order of time."""
    return NeedMemberId(uuid7())


class Need(Revised, Base, kw_only=True):
    """What a firm looks for; what it says stands in its versions."""

    __tablename__ = "need"
    __table_args__ = (
        UniqueConstraint("organisation_id", "external_id"),
        UniqueConstraint("id", "organisation_id", "kind"),
        # Deferred: a need and its first version name each other.
        ForeignKeyConstraint(
            ["current_version_id", "id"],
            ["mm.need_version.id", "mm.need_version.need_id"],
            name="fk_need_current_version_id_id",
            use_alter=True,
            deferrable=True,
            initially="DEFERRED",
        ),
        Index(None, "organisation_id", "id"),
        Index(
            "ix_need_found_by_all",
            "id",
            postgresql_where=literal_column(
                "state = 'open' and visibility in ('public', 'open_call')"
            ),
        ),
        CheckConstraint(_KIND_KNOWN, name="kind_known"),
        CheckConstraint(
            "visibility in ('private', 'pool', 'public', 'open_call')", name="visibility_known"
        ),
        CheckConstraint(
            "(visibility = 'pool') = (cardinality(pools) > 0)", name="pools_where_visible_to_them"
        ),
        CheckConstraint(
            "state in ('draft', 'open', 'engaged', 'fulfilled', 'withdrawn', 'expired')",
            name="state_known",
        ),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[NeedId] = mapped_column(Uuid, primary_key=True, default_factory=new_need_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    external_id: Mapped[str | None] = mapped_column(Text, default=None)
    kind: Mapped[str] = mapped_column(String(32))
    visibility: Mapped[NeedVisibility] = mapped_column(default=NeedVisibility.PRIVATE)
    pools: Mapped[list[str]] = mapped_column(ARRAY(Text), default_factory=list)
    """Codes of the pools that see it, where these are who sees it."""
    state: Mapped[NeedState] = mapped_column(default=NEED.initial)
    current_version_id: Mapped[NeedVersionId] = mapped_column(Uuid)
    opened_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    """When it was last opened."""
    expires_on: Mapped[dt.date | None] = mapped_column(default=None)
    """The last day on which it may be open."""
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""


class NeedVersion(Base, kw_only=True):
    """What a need said at one time; a trigger refuses to change or delete it.

    Only erasure empties it, once (`queries.erase_needs`), and the need is not found any more.
    """

    __tablename__ = "need_version"
    __table_args__ = (
        UniqueConstraint("need_id", "number"),
        UniqueConstraint("id", "need_id"),
        # The kind is part of the reference: no version has another one.
        ForeignKeyConstraint(
            ["need_id", "organisation_id", "kind"],
            ["mm.need.id", "mm.need.organisation_id", "mm.need.kind"],
        ),
        Index(None, "organisation_id"),
        CheckConstraint("number > 0", name="number_from_one"),
        CheckConstraint("octet_length(content_hash) = 32", name="content_hash_is_sha256"),
    )

    id: Mapped[NeedVersionId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_need_version_id
    )
    need_id: Mapped[NeedId] = mapped_column(Uuid)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(String(32))
    title: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    facts: Mapped[dict[str, Any]]
    """Every stated fact but title and open call; unknown ones are absent."""
    open_call: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of all that is stated."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    erased_at: Mapped[dt.datetime | None] = mapped_column(init=False)


class NeedMember(Revised, Base, kw_only=True):
    """A firm that shares a need with its owner, or was asked to."""

    __tablename__ = "need_member"
    __table_args__ = (
        UniqueConstraint("need_id", "organisation_id"),
        Index(None, "organisation_id", "need_id"),
        CheckConstraint("state in ('invited', 'accepted')", name="state_known"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[NeedMemberId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_need_member_id
    )
    need_id: Mapped[NeedId] = mapped_column(Uuid, ForeignKey(Need.id))
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    """The firm that joins."""
    state: Mapped[MemberState] = mapped_column(default=NEED_MEMBER.initial)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition."""
