"""Profiles and their immutable versions."""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.orm import Mapped, mapped_column, synonym

from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.core.rows import Revised
from matchmaker.identity.models import ApiKey, ApiKeyId, Organisation, OrganisationId

ProfileVersionId = NewType("ProfileVersionId", UUID)


def new_profile_version_id() -> ProfileVersionId:
    """A new id, in order of time."""
    return ProfileVersionId(uuid7())


class Profile(Revised, Base, kw_only=True):
    """Which version of a firm's profile is the current one.

    Every revision makes one version, so ``revision`` is the number of the current version.
    """

    __tablename__ = "profile"
    __table_args__ = (
        # Deferred: a profile and its first version name each other.
        ForeignKeyConstraint(
            ["current_version_id", "organisation_id"],
            ["mm.profile_version.id", "mm.profile_version.organisation_id"],
            name="fk_profile_current_version_id_organisation_id",
            use_alter=True,
            deferrable=True,
            initially="DEFERRED",
        ),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    organisation_id: Mapped[OrganisationId] = mapped_column(
        Uuid, ForeignKey(Organisation.id), primary_key=True
    )
    id: Mapped[OrganisationId] = synonym("organisation_id", init=False)
    """A firm has one profile, so that its id is the firm's."""
    current_version_id: Mapped[ProfileVersionId] = mapped_column(Uuid)


class ProfileVersion(Base, kw_only=True):
    """What a firm stated at one time; a trigger refuses to change or delete it.

    Only erasure empties it, once (`queries.erase_versions`).
    """

    __tablename__ = "profile_version"
    __table_args__ = (
        UniqueConstraint("organisation_id", "number"),
        UniqueConstraint("id", "organisation_id"),
        CheckConstraint("number > 0", name="number_from_one"),
        CheckConstraint("jsonb_typeof(facts) = 'object'", name="facts_by_name"),
        CheckConstraint("(scale is null) = (scale_basis is null)", name="scale_rests_on_something"),
        CheckConstraint(
            "(scale_scheme is null) = (scale_edition is null)", name="scheme_has_an_edition"
        ),
        CheckConstraint("completeness between 0 and 100", name="completeness_in_per_cent"),
        CheckConstraint("octet_length(content_hash) = 32", name="content_hash_is_sha256"),
    )

    id: Mapped[ProfileVersionId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_profile_version_id
    )
    organisation_id: Mapped[OrganisationId] = mapped_column(
        Uuid, ForeignKey(Profile.organisation_id)
    )
    number: Mapped[int]
    facts: Mapped[dict[str, Any]]
    """Every stated fact, keyed as on the wire; unknown ones are absent."""
    scale: Mapped[str | None] = mapped_column(Text)
    scale_basis: Mapped[str | None] = mapped_column(Text)
    scale_scheme: Mapped[str | None] = mapped_column(Text)
    """The scheme that computed or estimated the scale."""
    scale_edition: Mapped[str | None] = mapped_column(Text)
    stage: Mapped[str | None] = mapped_column(Text)
    completeness: Mapped[int] = mapped_column(SmallInteger)
    missing: Mapped[list[str]]
    """The fields that were asked for and not known."""
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of the canonical facts."""
    taxonomy_version: Mapped[str] = mapped_column(Text)
    """The release under which everything beside the facts was derived."""
    stated_by: Mapped[ApiKeyId | None] = mapped_column(Uuid, ForeignKey(ApiKey.id), default=None)
    """The key that stated it; null where an operator's file did."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    erased_at: Mapped[dt.datetime | None] = mapped_column(init=False)
