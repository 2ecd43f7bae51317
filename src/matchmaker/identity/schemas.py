"""What identity says on the wire."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, ClassVar, Final, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from matchmaker.core.patching import TextPatch
from matchmaker.core.wire import END, Code, Described, Line, Text
from matchmaker.identity.access import Scope
from matchmaker.identity.delegations.models import DelegationId
from matchmaker.identity.models import (
    ApiKeyId,
    ConsentId,
    ConsentPurpose,
    MemberId,
    MemberRole,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
    PersonId,
)
from matchmaker.taxonomy.coded import PlaceCode, ProviderKindCode

MOST_OVERLAP = 30
"""Days two keys of one name may act side by side."""

Roles: TypeAlias = Annotated[tuple[OrganisationRole, ...], msgspec.Meta(min_length=1, max_length=4)]
CreditCode = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^[0-9A-HJ-NPQRTUWXY]{{18}}{END}",
        description="Unified social credit code (GB 32100-2015), its check digit right",
        extra_json_schema={"format": "uscc"},
    ),
]
Email = Annotated[
    str,
    msgspec.Meta(max_length=254, pattern=f"^[^@\\x00-\\x20\\x7f]+@[^@\\x00-\\x20\\x7f]+{END}"),
]
_TYPED: Final = f"^[^\\x00-\\x1f\\x7f]+{END}"
Password = Annotated[str, msgspec.Meta(min_length=1, max_length=256, pattern=_TYPED)]
_Coordinate = Annotated[str, msgspec.Meta(pattern=f"^[A-Za-z0-9_-]{{43}}{END}")]
Scopes: TypeAlias = Annotated[tuple[Scope, ...], msgspec.Meta(min_length=1, max_length=64)]
Networks: TypeAlias = Annotated[
    tuple[
        Annotated[
            str,
            msgspec.Meta(
                max_length=43,
                pattern=f"^[0-9A-Fa-f.:]+(/[0-9]{{1,3}})?{END}",
                description="A network in CIDR notation, or one address",
                extra_json_schema={"format": "cidr"},
            ),
        ],
        ...,
    ],
    msgspec.Meta(min_length=1, max_length=32),
]
Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]


def _only(role: OrganisationRole, member: str) -> Described:
    """That only organisations of ``role`` have ``member``; a patch may leave its roles alone."""
    return {
        "anyOf": [
            {"properties": {"roles": {"contains": {"const": role.value}}}},
            {"properties": {member: {"type": "null"}}},
        ]
    }


_KINDS: Final[Described] = {
    "allOf": [
        _only(OrganisationRole.PROVIDER, "provider_kind"),
        _only(OrganisationRole.AGENCY, "jurisdiction"),
    ]
}


class Jurisdiction(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The firms that are an agency's business: of places, of clusters, and by joined programmes.

    A place holds those in it. The programmes are those of others: its own need no naming.
    """

    regions: Annotated[tuple[PlaceCode, ...], msgspec.Meta(max_length=50)] = ()
    clusters: Annotated[tuple[Code, ...], msgspec.Meta(max_length=50)] = ()
    programmes: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=50)] = ()


class OrganisationFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of an organisation."""

    name: Text
    roles: Roles
    provider_kind: ProviderKindCode | None = None
    region: PlaceCode | None = None
    jurisdiction: Jurisdiction | None = None
    uscc: CreditCode | None = None


class OrganisationDraft(OrganisationFacts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An organisation to register; only a provider has a kind."""

    external_id: Code | None = None

    json_schema: ClassVar[Described] = _KINDS


class OrganisationPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of an organisation; what is absent stays, what is null goes."""

    name: TextPatch | UnsetType = UNSET
    roles: Roles | UnsetType = UNSET
    provider_kind: ProviderKindCode | UnsetType | None = UNSET
    region: PlaceCode | UnsetType | None = UNSET
    jurisdiction: Jurisdiction | UnsetType | None = UNSET
    uscc: CreditCode | UnsetType | None = UNSET

    json_schema: ClassVar[Described] = _KINDS


class Organisation(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation as it and the operator see it."""

    id: OrganisationId
    external_id: str | None
    name: Text
    roles: list[OrganisationRole]
    provider_kind: str | None
    region: str | None
    jurisdiction: Jurisdiction | None
    uscc: str | None
    state: OrganisationState
    note: str | None
    """What was said with the last transition."""
    revision: int
    created_at: Moment
    changed_at: Moment


class PublicKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public key of a client (RFC 7517): P-256 for ES256, with `y`, or Ed25519, without."""

    kty: Literal["EC", "OKP"]
    crv: Literal["P-256", "Ed25519"]
    kid: Annotated[str, msgspec.Meta(pattern=f"^[\\x21-\\x7e]{{1,128}}{END}")]
    x: _Coordinate
    y: _Coordinate | None = None
    use: Literal["sig"] | None = None
    alg: Literal["ES256", "Ed25519", "EdDSA"] | None = None


class PublicKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Those that are in use and, during a change, the next ones; each has its own `kid`."""

    keys: Annotated[list[PublicKey], msgspec.Meta(min_length=1, max_length=4)]


class KeyRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key to make; without scopes it is good for all that its maker and its holder have.

    Without an expiry it ends with the key it is made with, never if that one does not.
    """

    name: Line
    scopes: Scopes | None = None
    expires_at: Moment | None = None
    allowed_from: Networks | None = None
    jwks: PublicKeys | None = None
    """Public keys that prove it at `POST /v1/oauth/token`; then there is no secret."""


class RotationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long the old key acts beside the new one, and until when the new one acts."""

    overlap_days: Annotated[int, msgspec.Meta(ge=0, le=MOST_OVERLAP)] = 7
    expires_at: Moment | None = None
    jwks: PublicKeys | None = None
    """What proves the new key; without them it has a secret."""


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret, which nobody has but its holder."""

    id: ApiKeyId
    organisation_id: OrganisationId
    public_id: str
    name: str
    scopes: list[str]
    created_by: ApiKeyId | None
    created_by_member: MemberId | None
    created_at: Moment
    expires_at: Moment | None
    replaced_by: ApiKeyId | None
    revoked_at: Moment | None
    last_used_at: Moment | None
    allowed_from: list[str] | None
    jwks: PublicKeys | None
    """What proves it, in place of a secret."""


class NewKey(Key, frozen=True, kw_only=True):
    """A key with its secret: the only time that it is shown."""

    key: str | None
    """Null of one that public keys prove."""


_FactorCode = Annotated[str, msgspec.Meta(pattern=f"^([0-9]{{6}}|[A-Za-z2-7]{{24}}){END}")]


class LoginRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who logs in; without an organisation they act for the first that recorded them."""

    email: Email
    password: Password
    code: _FactorCode | None = None
    """Of the authenticator, or a recovery code."""
    organisation_id: OrganisationId | None = None


class ActingRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom the person acts from now on."""

    organisation_id: OrganisationId


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who logs in."""

    id: PersonId
    name: str
    email: str


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation that a person may act for."""

    organisation_id: OrganisationId
    name: Text
    role: MemberRole


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """A session: who it is of, for whom they act, and for whom they could."""

    person: Person
    organisation_id: OrganisationId
    role: MemberRole
    memberships: list[Membership]
    expires_at: Moment
    """However busy it is; it ends sooner when nothing is done."""


class ProposedFactor(msgspec.Struct, frozen=True, kw_only=True):
    """A secret for an authenticator, as text and as what a QR code holds."""

    secret: str
    uri: str


class SecondFactor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The secret that an authenticator has, and a code that it shows now."""

    secret: Annotated[str, msgspec.Meta(pattern=f"^[A-Z2-7]{{32}}{END}")]
    code: Annotated[str, msgspec.Meta(pattern=f"^[0-9]{{6}}{END}")]


class PasswordChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new password, and the old one; only who has none yet leaves it out."""

    password: Annotated[str, msgspec.Meta(min_length=12, max_length=256, pattern=_TYPED)]
    old_password: Password | None = None


class PresentedFactor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code of the factor that is to go, or a recovery code."""

    code: _FactorCode


class RecoveryCodes(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in for an authenticator that is lost, each once."""

    codes: list[str]


class MemberDraft(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person to record."""

    name: Line
    email: Email
    role: MemberRole


class MemberPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A change of a member; the address stays, for it says who they are."""

    name: Line | UnsetType = UNSET
    role: MemberRole | UnsetType = UNSET


class MemberFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What may change of a member."""

    name: Line
    role: MemberRole


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A person of an organisation."""

    id: MemberId
    organisation_id: OrganisationId
    name: str
    email: str
    role: MemberRole
    revision: int
    created_at: Moment
    changed_at: Moment


class ConsentRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the organisation allows from now on."""

    purpose: ConsentPurpose


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What an organisation allowed, from when and until when."""

    id: ConsentId
    organisation_id: OrganisationId
    purpose: ConsentPurpose
    granted_at: Moment
    withdrawn_at: Moment | None


class DelegationRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom the organisation lets act in its name, for what and until when at the latest."""

    adviser_id: OrganisationId
    scopes: Annotated[
        tuple[
            Literal[
                "profiles:read",
                "profiles:write",
                "needs:read",
                "needs:write",
                "match:run",
                "match:read",
                "programmes:join",
            ],
            ...,
        ],
        msgspec.Meta(min_length=1, max_length=7),
    ]
    ends_at: Moment


class Delegation(msgspec.Struct, frozen=True, kw_only=True):
    """That an adviser acts, or could, in the name of an organisation."""

    id: DelegationId
    organisation_id: OrganisationId
    adviser_id: OrganisationId
    scopes: list[str]
    granted_at: Moment
    ends_at: Moment
    ended_at: Moment | None
    """By either of the two."""


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The caller: its organisation, and what its key or the person may do now."""

    organisation: Organisation
    key: Key | None
    """Null for a person who is logged in."""
    person: Person | None
    """Null for a key."""
    member: Member | None
    """As whom the person acts."""
    adviser_id: OrganisationId | None
    """Whose key or person it is, where an adviser acts in the organisation's name."""
    roles: list[OrganisationRole]
    """The roles in force: agency and operator once verified."""
    scopes: list[Scope]
