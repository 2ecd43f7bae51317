"""Stored match runs, and what they showed."""

from __future__ import annotations

import datetime as dt
from typing import Any, NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Double,
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
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.catalog.models import OfferingId, VersionId
from matchmaker.core.db import Base
from matchmaker.core.ids import uuid7
from matchmaker.demand.models import NeedId, NeedVersionId
from matchmaker.enterprise.models import ProfileVersion, ProfileVersionId
from matchmaker.identity.models import Organisation, OrganisationId

RunId = NewType("RunId", UUID)


def new_run_id() -> RunId:
    """A new id, in order of time."""
    return RunId(uuid7())


class MatchRunRow(Base, kw_only=True):
    """An answered match as it was given; a trigger refuses to change or delete it.

    Only erasure empties it, once (`queries.erase_runs`): the digest stays.
    ``body`` is what the digest is taken of: input, caller, as_of, seed, versions, funnel and items
    in integers and codes. ``answers`` is the same in words, by language, as the caller could read
    it: phrases and names of that time.
    """

    __tablename__ = "match_run"
    __table_args__ = (
        UniqueConstraint("id", "organisation_id"),
        ForeignKeyConstraint(
            ["need_version_id", "need_id"], ["mm.need_version.id", "mm.need_version.need_id"]
        ),
        Index(None, "organisation_id", "id"),
        Index(None, "asked_by", "id"),
        Index(None, "need_id", "id"),
        CheckConstraint("(need_id is null) = (need_version_id is null)", name="need_in_a_version"),
        CheckConstraint("digest ~ '^sha256:[0-9a-f]{64}$'", name="digest_is_sha256"),
        CheckConstraint(
            "answers ?& '{zh,en}' or erased_at is not null", name="answers_in_both_languages"
        ),
    )

    id: Mapped[RunId] = mapped_column(Uuid, primary_key=True, default_factory=new_run_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    """Whose need it is; the caller's where the need was given inline."""
    asked_by: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    need_id: Mapped[NeedId | None] = mapped_column(Uuid)
    need_version_id: Mapped[NeedVersionId | None] = mapped_column(Uuid)
    profile_version_id: Mapped[ProfileVersionId | None] = mapped_column(
        Uuid, ForeignKey(ProfileVersion.id)
    )
    caller_pools: Mapped[list[str]] = mapped_column(ARRAY(Text))
    """Codes of the pools the caller held."""
    as_of: Mapped[dt.datetime]
    input: Mapped[dict[str, Any]]
    """What was asked, as on the wire."""
    digest: Mapped[str] = mapped_column(Text)
    body: Mapped[dict[str, Any]]
    answers: Mapped[dict[str, Any]]
    shadow: Mapped[dict[str, Any] | None] = mapped_column(init=False)
    """What a model without effect would have shown: its version, and offerings in their order."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    erased_at: Mapped[dt.datetime | None] = mapped_column(init=False)


class EditionPart(Base, kw_only=True):
    """Released data that shaped an index; a trigger refuses to change or delete it."""

    __tablename__ = "edition_part"
    __table_args__ = (
        CheckConstraint("part in ('model', 'taxonomy', 'glossary')", name="part_known"),
    )

    part: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    """What an index and a receipt call it: equal content, equal name."""
    texts: Mapped[dict[str, Any]]
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)


class EncodedBlock(Base, kw_only=True):
    """Published versions as an encoder coded them: what they say is read from here much faster.

    A cache, and no more: what is missing or spoiled is coded again.
    """

    __tablename__ = "encoded_block"
    __table_args__ = (
        CheckConstraint("octet_length(seal) = 32", name="seal_is_sha256"),
        Index(None, "encoder"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True, default_factory=uuid7)
    encoder: Mapped[str] = mapped_column(Text)
    """Names what the body depends on beside the versions."""
    seal: Mapped[bytes] = mapped_column(LargeBinary)
    """SHA-256 of both."""
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)


class MatchRow(Base, kw_only=True):
    """One shown offering of a run, in the version and on the package it was shown."""

    __tablename__ = "match"
    __table_args__ = (
        ForeignKeyConstraint(
            ["run_id", "organisation_id"], ["mm.match_run.id", "mm.match_run.organisation_id"]
        ),
        ForeignKeyConstraint(
            ["version_id", "offering_id"],
            ["mm.offering_version.id", "mm.offering_version.offering_id"],
        ),
        UniqueConstraint("run_id", "offering_id"),
        Index(None, "offering_id", "run_id"),
        CheckConstraint("rank > 0", name="rank_from_one"),
        CheckConstraint("propensity > 0 and propensity <= 1", name="propensity_is_a_share"),
    )

    run_id: Mapped[RunId] = mapped_column(Uuid, primary_key=True)
    rank: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid)
    offering_id: Mapped[OfferingId] = mapped_column(Uuid)
    version_id: Mapped[VersionId] = mapped_column(Uuid)
    package: Mapped[str] = mapped_column(Text)
    score: Mapped[int]
    """Millionths."""
    fit: Mapped[int | None] = mapped_column(SmallInteger)
    propensity: Mapped[float] = mapped_column(Double, server_default="1", init=False)
    """How likely the offering was to stand at this rank: 1 where nothing was drawn."""
