"""Who calls and what they may do: scopes, the caller, and what an organisation's roles allow."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from uuid import UUID  # noqa: TC003  (read at run time, with the principal's other fields)

from matchmaker.core import access
from matchmaker.core.events import CLI, ActorType, EventActor
from matchmaker.core.machine import Actor
from matchmaker.identity.models import (
    ApiKeyId,
    MemberId,
    MemberRole,
    OrganisationId,
    OrganisationRole,
    OrganisationState,
    PersonId,
    SessionId,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matchmaker.identity.models import Organisation

public = access.public


class Scope(enum.StrEnum):
    """One thing a credential may be good for; an operation names the one it needs."""

    ORGANISATIONS_READ = "organisations:read"
    ORGANISATIONS_WRITE = "organisations:write"
    MEMBERS_READ = "members:read"
    MEMBERS_WRITE = "members:write"
    KEYS_MANAGE = "keys:manage"
    CONSENTS_READ = "consents:read"
    CONSENTS_WRITE = "consents:write"
    PROFILES_READ = "profiles:read"
    PROFILES_WRITE = "profiles:write"
    PROGRAMMES_JOIN = "programmes:join"
    NEEDS_READ = "needs:read"
    NEEDS_WRITE = "needs:write"
    OFFERINGS_READ = "offerings:read"
    OFFERINGS_WRITE = "offerings:write"
    POOLS_READ = "pools:read"
    POOLS_WRITE = "pools:write"
    POLICY_WRITE = "policy:write"
    CURATIONS_READ = "curations:read"
    CURATIONS_WRITE = "curations:write"
    MODELS_READ = "models:read"
    MODELS_WRITE = "models:write"
    MATCH_RUN = "match:run"
    MATCH_READ = "match:read"
    EVENTS_READ = "events:read"
    WEBHOOKS_MANAGE = "webhooks:manage"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    IMPORTS_WRITE = "imports:write"
    EXPORTS_READ = "exports:read"
    DELEGATIONS_ACT = "delegations:act"


_S, _R = Scope, OrganisationRole
_EVERYONE: Final = frozenset(
    {
        *(_S.ORGANISATIONS_READ, _S.ORGANISATIONS_WRITE, _S.MEMBERS_READ, _S.MEMBERS_WRITE),
        *(_S.KEYS_MANAGE, _S.CONSENTS_READ, _S.CONSENTS_WRITE),
        *(_S.MATCH_RUN, _S.MATCH_READ, _S.POOLS_READ, _S.EVENTS_READ, _S.WEBHOOKS_MANAGE),
        *(_S.JOBS_READ, _S.JOBS_WRITE, _S.IMPORTS_WRITE, _S.EXPORTS_READ),
        _S.DELEGATIONS_ACT,
    }
)
DELEGABLE: Final = frozenset(
    {
        *(_S.PROFILES_READ, _S.PROFILES_WRITE, _S.NEEDS_READ, _S.NEEDS_WRITE),
        *(_S.MATCH_RUN, _S.MATCH_READ, _S.PROGRAMMES_JOIN),
    }
)
"""What an adviser may be let do in somebody's name: the work, and nothing about rights."""
SCOPES_OF: Final[Mapping[OrganisationRole, frozenset[Scope]]] = {
    _R.SME: _EVERYONE
    | {_S.PROFILES_READ, _S.PROFILES_WRITE, _S.NEEDS_READ, _S.NEEDS_WRITE}
    | {_S.PROGRAMMES_JOIN},
    _R.PROVIDER: _EVERYONE | {_S.OFFERINGS_READ, _S.OFFERINGS_WRITE, _S.NEEDS_READ},
    _R.AGENCY: _EVERYONE
    | {_S.POOLS_WRITE, _S.POLICY_WRITE, _S.CURATIONS_READ, _S.CURATIONS_WRITE}
    | {_S.PROFILES_READ, _S.NEEDS_READ, _S.OFFERINGS_READ},
    _R.OPERATOR: frozenset(Scope),
}
"""What the credentials of an organisation may be good for at most, and are good for by default."""

_READS: Final = frozenset(
    {
        *(_S.ORGANISATIONS_READ, _S.MEMBERS_READ, _S.CONSENTS_READ, _S.PROFILES_READ),
        *(_S.NEEDS_READ, _S.OFFERINGS_READ, _S.POOLS_READ, _S.MATCH_READ),
        *(_S.EVENTS_READ, _S.JOBS_READ, _S.CURATIONS_READ, _S.MODELS_READ),
    }
)
_WORKS: Final = _READS | {
    _S.DELEGATIONS_ACT,
    *(_S.PROFILES_WRITE, _S.NEEDS_WRITE, _S.OFFERINGS_WRITE, _S.POOLS_WRITE, _S.MATCH_RUN),
    *(_S.POLICY_WRITE, _S.CURATIONS_WRITE, _S.MODELS_WRITE),
    *(_S.JOBS_WRITE, _S.IMPORTS_WRITE, _S.EXPORTS_READ),
}
SCOPES_OF_MEMBER: Final[Mapping[MemberRole, frozenset[Scope]]] = {
    MemberRole.OWNER: frozenset(Scope),
    # What an organisation consents to is said by who owns it.
    MemberRole.ADMIN: frozenset(Scope) - {_S.CONSENTS_WRITE},
    MemberRole.EDITOR: _WORKS,
    MemberRole.VIEWER: _READS,
    MemberRole.AUDITOR: frozenset({_S.EVENTS_READ, _S.ORGANISATIONS_READ}),
}
"""What a person may do in an organisation, as far as its own roles allow it."""

_VOUCHED: Final = frozenset({_R.AGENCY, _R.OPERATOR})
"""Roles that act on what is others': in force only once the organisation is verified."""
INACTIVE: Final = frozenset({OrganisationState.SUSPENDED, OrganisationState.CLOSED})
"""States in which no credential of an organisation acts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """As which member of the organisation a person acts."""

    member_id: MemberId
    role: MemberRole


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """The session of a person, and who they are."""

    id: SessionId
    person_id: PersonId
    name: str
    email: str


class Look(NamedTuple):
    """Something of an organisation that somebody else was shown."""

    owner: OrganisationId
    subject_type: str
    subject_id: UUID
    way: str = "read"
    programmes: tuple[UUID, ...] = ()
    """Those it takes part in, where that is why it was shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The caller: an organisation, through a key, one of its people, or at the console."""

    organisation_id: OrganisationId
    roles: frozenset[OrganisationRole]
    """The roles in force: agency and operator only of a verified organisation."""
    state: OrganisationState
    key_id: ApiKeyId | None
    """None of a person, and at the console."""
    scopes: frozenset[Scope]
    """What key or person may do, as far as the organisation's roles allow it now."""
    seat: Seat | None = None
    """Of a person, also where a worker does what they asked for."""
    login: LoggedIn | None = None
    """Of a person whose request this is."""
    adviser: OrganisationId | None = None
    """Whoever acts in the organisation's name, by its delegation."""
    looks: list[Look] = field(default_factory=list[Look], compare=False, repr=False)
    """What of others it was shown; the guard has it noted before the answer goes out."""

    @property
    def acting_id(self) -> OrganisationId:
        """The organisation whose credential this is."""
        return self.organisation_id if self.adviser is None else self.adviser


def entry(*, proves_itself: bool = False) -> dict[str, Any]:
    """``opt`` of an operation, open to everyone, in which callers say who they are."""
    return access.entry(proves_itself=proves_itself)


def person() -> dict[str, Any]:
    """``opt`` of an operation for people who are logged in; no key does this."""
    return access.person()


def needs(scope: Scope | None, *, roles: Iterable[OrganisationRole] = ()) -> dict[str, Any]:
    """``opt`` of an operation for callers with ``scope`` and one of ``roles`` in force.

    Without a scope any known caller will do.
    """
    return access.needs(scope, roles=roles)


def roles_in_force(
    roles: Iterable[OrganisationRole], state: OrganisationState
) -> frozenset[OrganisationRole]:
    """The roles in which an organisation may act in ``state``."""
    held = frozenset(roles)
    return held if state is OrganisationState.VERIFIED else held - _VOUCHED


def scopes_of(roles: Iterable[OrganisationRole]) -> frozenset[Scope]:
    """Everything that ``roles`` allow."""
    return frozenset[Scope]().union(*(SCOPES_OF[role] for role in roles))


def scopes_of_member(role: MemberRole, roles: Iterable[OrganisationRole]) -> frozenset[Scope]:
    """What a person in ``role`` may do in an organisation that acts in ``roles``."""
    held = frozenset(roles)
    if role is MemberRole.AUDITOR and OrganisationRole.OPERATOR not in held:
        return frozenset()
    return SCOPES_OF_MEMBER[role] & scopes_of(held)


def actors_of(principal: Principal, owner: OrganisationId) -> frozenset[Actor]:
    """As whom ``principal`` may act on what belongs to ``owner``; empty: not at all.

    Four eyes: on its own things an operator or agency is the owner and nobody else.
    """
    if principal.organisation_id == owner:
        return frozenset({Actor.OWNER})
    found = {
        OrganisationRole.OPERATOR: Actor.OPERATOR,
        OrganisationRole.AGENCY: Actor.AGENCY,
    }
    return frozenset(actor for role, actor in found.items() if role in principal.roles)


def note(
    reader: Principal,
    owner: OrganisationId,
    subject_type: str,
    subject_id: UUID,
    *,
    way: str = "read",
    programmes: tuple[UUID, ...] = (),
) -> None:
    """Have it noted that ``reader`` was shown what is ``owner``'s; one's own look is no news."""
    if reader.acting_id != owner:
        reader.looks.append(Look(owner, subject_type, subject_id, way, programmes))


def at_console(organisation: Organisation) -> Principal:
    """The organisation as the command line acts for it: with all its rights, and no key."""
    roles = roles_in_force(map(OrganisationRole, organisation.roles), organisation.state)
    return Principal(
        organisation_id=organisation.id,
        roles=roles,
        state=organisation.state,
        key_id=None,
        scopes=scopes_of(roles),
    )


def event_actor(principal: Principal | None) -> EventActor:
    """Who an event says it was: a key, a member, or the command line, and of which organisation.

    Of an adviser that is its own: whose subject it is, the event says beside.
    """
    if principal is None:
        return CLI
    of = principal.acting_id
    if principal.seat is not None:
        return EventActor(type=ActorType.MEMBER, id=principal.seat.member_id, organisation_id=of)
    if principal.key_id is None:
        return EventActor(type=ActorType.CLI, organisation_id=of)
    return EventActor(type=ActorType.API_KEY, id=principal.key_id, organisation_id=of)
