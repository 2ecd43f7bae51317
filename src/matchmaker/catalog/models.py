"""Providers' supply cards; offerings, their immutable versions and packages, and what was live."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.catalog.machine import OFFERING, ChangeState, OfferingState
from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.living import Living
from matchmaker.core.rows import Revised
from matchmaker.identity.models import Organisation, OrganisationId

OfferingId = NewType("OfferingId", UUID)
VersionId = NewType("VersionId", UUID)


class Kind(enum.StrEnum):
    """What is offered, and what a need asks for."""

    SOLUTION = "solution"
    ADVISORY = "advisory"
    RESEARCH = "research"
    TALENT = "talent"
    FINANCE = "finance"


class Visibility(enum.StrEnum):
    """Who may see a published offering: everyone, or holders of one of its pools."""

    PUBLIC = "public"
    POOL = "pool"


_KIND_KNOWN = "kind in ('solution', 'advisory', 'research', 'talent', 'finance')"


def new_offering_id() -> OfferingId:
    """A new id, in order of time."""
    return OfferingId(uuid7())


def new_version_id() -> VersionId:
    """A new id, in order of time."""
    return VersionId(uuid7())


class Provider(Revised, Base, kw_only=True):
    """The supply card of an organisation."""

    __tablename__ = "provider"
    __table_args__ = (CheckConstraint("revision > 0", name="revision_from_one"),)

    organisation_id: Mapped[OrganisationId] = mapped_column(
        Uuid, ForeignKey(Organisation.id), primary_key=True
    )
    summary: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    website: Mapped[str | None] = mapped_column(Text, default=None)
    # Older than its revisions: whoever adds rows without them gets the first one.
    revision: Mapped[int] = mapped_column(default=1, server_default="1")


class Offering(Revised, Base, kw_only=True):
    """One thing a provider offers again and again; what it says stands in its versions.

    A version that is not published waits as the draft. Beside a published or paused offering the
    draft is a change with a review of its own, and the published version stays until it is
    accepted; in every other state it is what the offering's own review is about.
    """

    __tablename__ = "offering"
    __table_args__ = (
        UniqueConstraint("organisation_id", "external_id"),
        UniqueConstraint("id", "organisation_id"),
        # Deferred: an offering and its first version name each other.
        ForeignKeyConstraint(
            ["published_version_id", "id"],
            ["mm.offering_version.id", "mm.offering_version.offering_id"],
            name="fk_offering_published_version_id_id",
            use_alter=True,
            deferrable=True,
            initially="DEFERRED",
        ),
        ForeignKeyConstraint(
            ["draft_version_id", "id"],
            ["mm.offering_version.id", "mm.offering_version.offering_id"],
            name="fk_offering_draft_version_id_id",
            use_alter=True,
            deferrable=True,
            initially="DEFERRED",
        ),
        CheckConstraint(_KIND_KNOWN, name="kind_known"),
        CheckConstraint("visibility in ('public', 'pool')", name="visibility_known"),
        CheckConstraint(
            "state in ('draft', 'in_review', 'changes_requested', 'published', 'paused',"
            " 'expired', 'suspended', 'retired')",
            name="state_known",
        ),
        CheckConstraint(
            "state <> 'published' or published_version_id is not null",
            name="published_has_a_version",
        ),
        CheckConstraint(
            "published_version_id is not null or draft_version_id is not null",
            name="says_something",
        ),
        CheckConstraint(
            "change_state in ('draft', 'in_review', 'changes_requested', 'accepted', 'discarded')",
            name="change_state_known",
        ),
        CheckConstraint(
            "coalesce(change_state in ('draft', 'in_review', 'changes_requested'), false)"
            " = (draft_version_id is not null and state in ('published', 'paused'))",
            name="open_change_has_a_draft",
        ),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[OfferingId] = mapped_column(Uuid, primary_key=True, default_factory=new_offering_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    external_id: Mapped[str] = mapped_column(Text)
    kind: Mapped[Kind]
    visibility: Mapped[Visibility] = mapped_column(default=Visibility.PUBLIC)
    """As published; while nothing was, as drafted."""
    state: Mapped[OfferingState] = mapped_column(default=OFFERING.initial)
    published_version_id: Mapped[VersionId | None] = mapped_column(Uuid, default=None)
    """The version last published; live while the state is."""
    draft_version_id: Mapped[VersionId | None] = mapped_column(Uuid, default=None)
    """The newest version where it is not the published one."""
    change_state: Mapped[ChangeState | None] = mapped_column(default=None)
    """Of the change that waits beside what is published, or of the last one there was."""
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with its last transition, or with that of its change."""
    # Older than its revisions: whoever adds rows without them gets the first one.
    revision: Mapped[int] = mapped_column(default=1, server_default="1")


class OfferingLive(Living, Base, kw_only=True):
    """From which event to before which other one a version was the offering's published one.

    An index is a function of the rows that hold its position.
    """

    __tablename__ = "offering_live"
    __table_args__ = (
        ForeignKeyConstraint(
            ["version_id", "offering_id"],
            ["mm.offering_version.id", "mm.offering_version.offering_id"],
        ),
        ForeignKeyConstraint(
            ["offering_id", "organisation_id"], ["mm.offering.id", "mm.offering.organisation_id"]
        ),
        Index(
            "uq_offering_live_offering_id_open",
            "offering_id",
            unique=True,
            postgresql_where="to_position is null",
        ),
        CheckConstraint("from_position >= 0", name="from_position_from_zero"),
        CheckConstraint("from_position < to_position", name="positions_in_order"),
    )

    offering_id: Mapped[OfferingId] = mapped_column(Uuid, primary_key=True)
    version_id: Mapped[VersionId] = mapped_column(Uuid)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)


class OfferingVersion(Base, kw_only=True):
    """What an offering declared at one time; a trigger refuses to change or delete it."""

    __tablename__ = "offering_version"
    __table_args__ = (
        UniqueConstraint("offering_id", "number"),
        UniqueConstraint("id", "offering_id"),
        UniqueConstraint("id", "organisation_id"),
        ForeignKeyConstraint(
            ["offering_id", "organisation_id"], ["mm.offering.id", "mm.offering.organisation_id"]
        ),
        Index(None, "organisation_id"),
        CheckConstraint("number > 0", name="number_from_one"),
        CheckConstraint(_KIND_KNOWN, name="kind_known"),
        CheckConstraint(
            "jsonb_typeof(title) = 'object' and title ?| '{zh,en}'", name="title_in_a_language"
        ),
        CheckConstraint("valid_from <= valid_to", name="valid_in_order"),
        CheckConstraint("octet_length(content_hash) = 32", name="content_hash_is_sha256"),
    )

    id: Mapped[VersionId] = mapped_column(Uuid, primary_key=True, default_factory=new_version_id)
    offering_id: Mapped[OfferingId] = mapped_column(Uuid)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    number: Mapped[int]
    kind: Mapped[Kind]
    title: Mapped[dict[str, Any]]
    summary: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    document: Mapped[dict[str, Any]]
    """Every declared fact, keyed as in the import line; unknown ones are absent."""
    attested: Mapped[dt.date | None] = mapped_column(default=None)
    valid_from: Mapped[dt.date | None] = mapped_column(default=None)
    valid_to: Mapped[dt.date | None] = mapped_column(default=None)
    must: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    tokens: Mapped[dict[str, Any]]
    """By language what `texts` packs, counted under ``text_version``."""
    text_version: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of the canonical declaration."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)


class OfferingPackage(Base, kw_only=True):
    """One edition of an offering version; its code is its identity over versions."""

    __tablename__ = "offering_package"
    __table_args__ = (
        UniqueConstraint("version_id", "code"),
        ForeignKeyConstraint(
            ["version_id", "organisation_id"],
            ["mm.offering_version.id", "mm.offering_version.organisation_id"],
        ),
        Index(None, "organisation_id"),
        CheckConstraint("position >= 0", name="position_from_zero"),
        CheckConstraint(
            "jsonb_typeof(title) = 'object' and title ?| '{zh,en}'", name="title_in_a_language"
        ),
    )

    version_id: Mapped[VersionId] = mapped_column(Uuid, primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    code: Mapped[str] = mapped_column(Text)
    title: Mapped[dict[str, Any]]
    document: Mapped[dict[str, Any]]
    """Scales, stages, levels, price card and weeks; unknown ones are absent."""
