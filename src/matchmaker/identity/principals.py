"""Who acts with a key or a session, in the roles and scopes that are in force at this moment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from matchmaker.identity.access import (
    INACTIVE,
    LoggedIn,
    Principal,
    Scope,
    Seat,
    roles_in_force,
    scopes_of,
    scopes_of_member,
)
from matchmaker.identity.issuing import queries as issued
from matchmaker.identity.models import OrganisationRole
from matchmaker.identity.sessions import queries as seats

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession
    from matchmaker.identity.issuing.queries import Credential, Maker
    from matchmaker.identity.models import ApiKeyId, MemberId
    from matchmaker.identity.sessions.queries import Membership, Sitting


def caller(credential: Credential) -> Principal:
    """Who acts with ``credential``, in the roles and scopes that are in force now.

    A key is good for no more than each of those it was made with is now.
    """
    roles = roles_in_force(map(OrganisationRole, credential.roles), credential.state)
    scopes = _scopes_in_force(credential)
    for maker in credential.makers:
        is_out = maker.is_ended or maker.state in INACTIVE
        scopes &= frozenset() if is_out else _scopes_in_force(maker)
    return Principal(
        organisation_id=credential.organisation_id,
        roles=roles,
        state=credential.state,
        key_id=credential.key_id,
        scopes=scopes,
    )


def sitter(sitting: Sitting) -> Principal:
    """Who is logged in, as the member that they are now."""
    login = LoggedIn(
        id=sitting.session_id,
        person_id=sitting.person_id,
        name=sitting.name,
        email=sitting.email,
    )
    return replace(member(sitting.membership), login=login)


async def acting(
    session: ReadSession, key_id: ApiKeyId | None, member_id: MemberId | None
) -> Principal | None:
    """Whoever asked for something that is done later; None where they act no more."""
    if key_id is not None:
        credential = await issued.live_key(session, key_id)
        found = None if credential is None else caller(credential)
    else:
        membership = None if member_id is None else await seats.membership(session, member_id)
        found = None if membership is None else member(membership)
    return None if found is None or found.state in INACTIVE else found


def member(membership: Membership) -> Principal:
    """A person as a member of an organisation."""
    roles = roles_in_force(map(OrganisationRole, membership.roles), membership.state)
    return Principal(
        organisation_id=membership.organisation_id,
        roles=roles,
        state=membership.state,
        key_id=None,
        scopes=scopes_of_member(membership.role, roles),
        seat=Seat(member_id=membership.member_id, role=membership.role),
    )


def _scopes_in_force(key: Credential | Maker) -> frozenset[Scope]:
    given = frozenset(scope for scope in Scope if scope.value in key.scopes)
    scopes = given & scopes_of(roles_in_force(map(OrganisationRole, key.roles), key.state))
    if key.member is None:
        return scopes
    role, held, state = key.member
    # A member that is no more has no role, and what they made is good for nothing.
    if role is None or state is None or state in INACTIVE:
        return frozenset()
    home = roles_in_force(map(OrganisationRole, held or ()), state)
    return scopes & scopes_of_member(role, home)
