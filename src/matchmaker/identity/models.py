"""Organisations, their keys, their people and what they consented to."""

from __future__ import annotations

import datetime as dt
import enum
from typing import Any, Final, NewType
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from matchmaker.core.db import SCHEMA, Base
from matchmaker.core.ids import uuid7
from matchmaker.core.living import Living
from matchmaker.core.rows import Revised

OrganisationId = NewType("OrganisationId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
MemberId = NewType("MemberId", UUID)
PersonId = NewType("PersonId", UUID)
SessionId = NewType("SessionId", UUID)
ConsentId = NewType("ConsentId", UUID)


class OrganisationRole(enum.StrEnum):
    """What an organisation does here; it may do several."""

    SME = "sme"
    PROVIDER = "provider"
    AGENCY = "agency"
    OPERATOR = "operator"


class OrganisationState(enum.StrEnum):
    """Where an organisation stands on its way to being trusted."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    CHANGES_REQUESTED = "changes_requested"
    REJECTED = "rejected"
    VERIFIED = "verified"
    SUSPENDED = "suspended"
    CLOSED = "closed"


HOLDING: Final = (OrganisationState.VERIFIED, OrganisationState.SUSPENDED)
"""States in which an organisation has been verified with its credit code: no other one holds it."""


class MemberRole(enum.StrEnum):
    """What a person may do in the organisation."""

    OWNER = "owner"
    ADMIN = "admin"
    EDITOR = "editor"
    VIEWER = "viewer"
    AUDITOR = "auditor"
    """Of an operator: reads what happened on the platform, and nothing else."""


class ConsentPurpose(enum.StrEnum):
    """What an organisation may allow others to do with what it said here."""

    SHARE_WITH_AGENCY = "share_with_agency"
    """Agencies see it by name, not only in aggregates."""
    SHARE_WITH_MATCHED_PROVIDERS = "share_with_matched_providers"
    """Providers it was matched with see its profile and need."""
    CONTACT = "contact"
    """Matched providers and agencies may write to it."""


def new_organisation_id() -> OrganisationId:
    """A new id, in order of time."""
    return OrganisationId(uuid7())


def new_api_key_id() -> ApiKeyId:
    """A new id, in order of time."""
    return ApiKeyId(uuid7())


def new_member_id() -> MemberId:
    """A new id, in order of time."""
    return MemberId(uuid7())


def new_person_id() -> PersonId:
    """A new id, in order of time."""
    return PersonId(uuid7())


def new_session_id() -> SessionId:
    """A new id, in order of time."""
    return SessionId(uuid7())


def new_consent_id() -> ConsentId:
    """A new id, in order of time."""
    return ConsentId(uuid7())


class Organisation(Revised, Base, kw_only=True):
    """A legal person with its names and what it does here."""

    __tablename__ = "organisation"
    __table_args__ = (
        CheckConstraint(
            "jsonb_typeof(name) = 'object' and name ?| '{zh,en}'", name="name_in_a_language"
        ),
        CheckConstraint("roles <@ '{sme,provider,agency,operator}'", name="roles_known"),
        CheckConstraint("cardinality(roles) > 0", name="has_a_role"),
        CheckConstraint(
            "provider_kind is null or 'provider' = any (roles)", name="kind_of_a_provider"
        ),
        CheckConstraint(
            "jurisdiction is null or 'agency' = any (roles)", name="jurisdiction_of_an_agency"
        ),
        CheckConstraint("region ~ '^[0-9]{6}$'", name="region_is_a_code"),
        CheckConstraint("uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'", name="uscc_is_a_code"),
        CheckConstraint(
            "state in ('draft', 'submitted', 'changes_requested', 'rejected', 'verified',"
            " 'suspended', 'closed')",
            name="state_known",
        ),
        CheckConstraint("revision > 0", name="revision_from_one"),
        # Only an operator takes an organisation into these states, so only one ever meets this.
        Index(
            "uq_organisation_uscc_held",
            "uscc",
            unique=True,
            postgresql_where="state in ('verified', 'suspended')",
        ),
    )

    id: Mapped[OrganisationId] = mapped_column(
        Uuid, primary_key=True, default_factory=new_organisation_id
    )
    external_id: Mapped[str | None] = mapped_column(Text, unique=True, default=None)
    """The name an operator's files know it by."""
    name: Mapped[dict[str, Any]]
    """Text by language: ``zh``, ``en`` or both."""
    roles: Mapped[list[str]] = mapped_column(ARRAY(Text))
    provider_kind: Mapped[str | None] = mapped_column(Text, default=None)
    region: Mapped[str | None] = mapped_column(Text, default=None)
    """GB/T 2260, six digits."""
    jurisdiction: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    """Of an agency: the regions and clusters whose firms are its business."""
    uscc: Mapped[str | None] = mapped_column(Text, index=True, default=None)
    """Unified social credit code (GB 32100-2015): stated by whoever likes, held once verified."""
    state: Mapped[OrganisationState] = mapped_column(default=OrganisationState.DRAFT)
    note: Mapped[str | None] = mapped_column(Text, default=None)
    """What was said with the last transition."""
    # Older than its revisions: whoever adds rows without them gets the first one.
    revision: Mapped[int] = mapped_column(default=1, server_default="1")


_PUBLIC: Final = ("id", "name", "roles", "provider_kind", "region", "state")
CARD: Final = Table(
    "organisation_card",
    MetaData(schema=SCHEMA),
    *(Column(name, Organisation.__table__.c[name].type) for name in _PUBLIC),
)
"""A view: of every organisation what everybody may know, whoever asks.

The table itself shows a caller its own row alone; whatever stands beside something else, a
provider's name beside its offering, is read here.
"""


class OrganisationLive(Living, Base, kw_only=True):
    """While an organisation was verified under a name; an index reads the rows of its position.

    Written with the event, in its transaction.
    """

    __tablename__ = "organisation_live"
    __table_args__ = (
        Index(
            "uq_organisation_live_organisation_id_open",
            "organisation_id",
            unique=True,
            postgresql_where="to_position is null",
        ),
        CheckConstraint("from_position >= 0", name="from_position_from_zero"),
        CheckConstraint("from_position < to_position", name="positions_in_order"),
    )

    organisation_id: Mapped[OrganisationId] = mapped_column(
        Uuid, ForeignKey(Organisation.id), primary_key=True
    )
    name: Mapped[dict[str, Any]]


class ApiKey(Base, kw_only=True):
    """A credential for machines of an organisation: everything about it but the secret."""

    __tablename__ = "api_key"
    __table_args__ = (
        UniqueConstraint("id", "organisation_id"),
        ForeignKeyConstraint(
            ["replaced_by", "organisation_id"], ["mm.api_key.id", "mm.api_key.organisation_id"]
        ),
        Index(None, "organisation_id"),
        CheckConstraint("public_id ~ '^[0-9A-Za-z]{8}$'", name="public_id_is_short"),
        CheckConstraint("octet_length(secret_hash) = 32", name="secret_hash_is_sha256"),
        CheckConstraint("cardinality(scopes) > 0", name="good_for_something"),
        CheckConstraint("cardinality(allowed_from) > 0", name="allowed_from_somewhere"),
    )

    id: Mapped[ApiKeyId] = mapped_column(Uuid, primary_key=True, default_factory=new_api_key_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    public_id: Mapped[str] = mapped_column(Text, unique=True)
    """What people see of the key, and what it is found by."""
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary, repr=False)
    name: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[ApiKeyId | None] = mapped_column(Uuid, ForeignKey("mm.api_key.id"))
    """The key it was made with; none where a member or the console made it."""
    created_by_member: Mapped[MemberId | None] = mapped_column(Uuid, default=None)
    """No foreign key: a key whose maker was removed is to be good for nothing, not for more."""
    expires_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    replaced_by: Mapped[ApiKeyId | None] = mapped_column(Uuid, unique=True, default=None)
    revoked_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    last_used_at: Mapped[dt.datetime | None] = mapped_column(default=None)
    """To the minute."""
    allowed_from: Mapped[list[str] | None] = mapped_column(ARRAY(Text), default=None)
    """Networks in CIDR notation from which it is taken; none: from anywhere."""
    jwks: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    """Public keys (RFC 7517) that prove it in place of its secret, which then nobody has."""


class Person(Base, kw_only=True):
    """Somebody who can log in; whose members they are says their address."""

    __tablename__ = "person"
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        CheckConstraint("totp_step >= 0", name="totp_step_from_zero"),
    )

    id: Mapped[PersonId] = mapped_column(Uuid, primary_key=True, default_factory=new_person_id)
    email: Mapped[str] = mapped_column(Text, unique=True)
    """Vouched for by whoever registered the person."""
    name: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str | None] = mapped_column(Text, default=None, repr=False)
    totp: Mapped[bytes | None] = mapped_column(LargeBinary, default=None, repr=False)
    """The secret of the second factor, sealed."""
    totp_step: Mapped[int] = mapped_column(default=0)
    """The last step whose code was used: none is used twice."""
    recovery: Mapped[list[bytes]] = mapped_column(
        ARRAY(LargeBinary), default_factory=list, repr=False
    )
    """SHA-256 of each recovery code that is left."""
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)


class PersonSession(Base, kw_only=True):
    """That a person is logged in and acts for one organisation."""

    __tablename__ = "person_session"
    __table_args__ = (
        CheckConstraint("octet_length(token_hash) = 32", name="token_hash_is_sha256"),
        Index(None, "person_id"),
    )

    id: Mapped[SessionId] = mapped_column(Uuid, primary_key=True, default_factory=new_session_id)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True, repr=False)
    person_id: Mapped[PersonId] = mapped_column(Uuid, ForeignKey(Person.id, ondelete="CASCADE"))
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    created_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    seen_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    """To the minute."""
    expires_at: Mapped[dt.datetime]
    """However busy it is."""
    ended_at: Mapped[dt.datetime | None] = mapped_column(default=None)


class Member(Revised, Base, kw_only=True):
    """A person of an organisation."""

    __tablename__ = "member"
    __table_args__ = (
        UniqueConstraint("organisation_id", "email"),
        CheckConstraint("email = lower(email)", name="email_in_lower_case"),
        CheckConstraint(
            "role in ('owner', 'admin', 'editor', 'viewer', 'auditor')", name="role_known"
        ),
        Index(None, "email"),
        CheckConstraint("revision > 0", name="revision_from_one"),
    )

    id: Mapped[MemberId] = mapped_column(Uuid, primary_key=True, default_factory=new_member_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    name: Mapped[str] = mapped_column(Text)
    email: Mapped[str] = mapped_column(Text)
    role: Mapped[MemberRole]


class Consent(Base, kw_only=True):
    """That an organisation allowed something from one time to another; only its end is added."""

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint(
            "purpose in ('share_with_agency', 'share_with_matched_providers', 'contact')",
            name="purpose_known",
        ),
        Index(None, "organisation_id", "id"),
        CheckConstraint("withdrawn_at >= granted_at", name="withdrawn_after_granted"),
        CheckConstraint("num_nonnulls(granted_by, granted_by_member) = 1", name="granted_by_one"),
    )

    id: Mapped[ConsentId] = mapped_column(Uuid, primary_key=True, default_factory=new_consent_id)
    organisation_id: Mapped[OrganisationId] = mapped_column(Uuid, ForeignKey(Organisation.id))
    purpose: Mapped[ConsentPurpose]
    granted_by: Mapped[ApiKeyId | None] = mapped_column(Uuid, ForeignKey(ApiKey.id))
    granted_by_member: Mapped[MemberId | None] = mapped_column(Uuid)
    """No foreign key: that a member consented stays known when they are forgotten."""
    granted_at: Mapped[dt.datetime] = mapped_column(server_default=func.now(), init=False)
    withdrawn_by: Mapped[ApiKeyId | None] = mapped_column(Uuid, ForeignKey(ApiKey.id), default=None)
    withdrawn_by_member: Mapped[MemberId | None] = mapped_column(Uuid, default=None)
    withdrawn_at: Mapped[dt.datetime | None] = mapped_column(default=None)


Index(
    "uq_consent_organisation_id_purpose",
    Consent.organisation_id,
    Consent.purpose,
    unique=True,
    postgresql_where=Consent.withdrawn_at.is_(None),
)
