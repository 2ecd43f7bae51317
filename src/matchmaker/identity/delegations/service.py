"""Giving an adviser leave to act in one's name, and ending it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from matchmaker.core.access import DelegationMissing
from matchmaker.core.clock import utc_now
from matchmaker.core.errors import FieldFault
from matchmaker.core.language import Bilingual
from matchmaker.core.wire import InvalidContent
from matchmaker.identity import queries as rows
from matchmaker.identity.access import (
    DELEGABLE,
    INACTIVE,
    SCOPES_OF_MEMBER,
    Scope,
    roles_in_force,
    scopes_of,
)
from matchmaker.identity.delegations import queries
from matchmaker.identity.delegations.models import Delegation
from matchmaker.identity.errors import (
    DelegationEnded,
    DelegationNotFound,
    OrganisationNotFound,
    ScopesExceeded,
)
from matchmaker.identity.history import tell
from matchmaker.identity.models import OrganisationRole
from matchmaker.identity.people.service import require_own

if TYPE_CHECKING:
    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity import schemas
    from matchmaker.identity.access import Principal
    from matchmaker.identity.delegations.models import DelegationId
    from matchmaker.identity.delegations.queries import Given
    from matchmaker.identity.models import OrganisationId

_OTHERS = frozenset({OrganisationRole.AGENCY, OrganisationRole.OPERATOR})
"""Roles that act on what is others': nobody lends them."""


def deputy(principal: Principal, owner: OrganisationId, given: Given | None) -> Principal:
    """``principal`` as it acts in the name of ``owner``.

    It may do what the delegation names, as far as the owner's roles and, of a person, their own
    role at the adviser's allow it.

    Raises:
        DelegationMissing: there is none in force, or the credential is not good for using one.
    """
    if given is None or given.state in INACTIVE or Scope.DELEGATIONS_ACT not in principal.scopes:
        raise DelegationMissing
    roles = roles_in_force(map(OrganisationRole, given.roles), given.state) - _OTHERS
    scopes = DELEGABLE & scopes_of(roles) & {scope for scope in Scope if scope in given.scopes}
    if principal.seat is not None:
        scopes &= SCOPES_OF_MEMBER[principal.seat.role]
    return replace(
        principal,
        organisation_id=owner,
        roles=roles,
        state=given.state,
        scopes=scopes,
        adviser=principal.organisation_id,
    )


async def give(
    session: Session,
    organisation_id: OrganisationId,
    request: schemas.DelegationRequest,
    *,
    by: Principal,
) -> Delegation:
    """A delegation from now on.

    Raises:
        OrganisationNotFound: the organisation is not the caller's, or there is no such adviser.
        InvalidContent: the end is past.
        ScopesExceeded: what cannot be delegated, or the caller may not do.
        AlreadyExists: there is one to the same adviser.
    """
    require_own(organisation_id, by)
    await _check(session, organisation_id, request)
    if exceeding := sorted({*request.scopes} - (DELEGABLE & by.scopes)):
        raise ScopesExceeded(extra={"scopes": exceeding})
    await queries.end_elapsed(session, organisation_id, request.adviser_id)
    added = Delegation(
        organisation_id=organisation_id,
        adviser_id=request.adviser_id,
        scopes=sorted({*request.scopes}),
        ends_at=request.ends_at,
    )
    await rows.add(session, added)
    told = {"adviser_id": str(added.adviser_id), "scopes": added.scopes}
    now = await _present(session, added.id)
    await tell(session, "delegation.given", now, by=by, data=told)
    return now


async def end(session: Session, delegation_id: DelegationId, *, by: Principal) -> Delegation:
    """The delegation, ended now by either of the two; of several callers at once one wins.

    Raises:
        DelegationNotFound: there is none, or it is between others.
        DelegationEnded: it ended before.
    """
    found = await queries.delegation(session, delegation_id)
    parties = () if found is None else (found.organisation_id, found.adviser_id)
    if by.organisation_id not in parties:
        raise DelegationNotFound
    if not await queries.end(session, delegation_id):
        raise DelegationEnded
    now = await _present(session, delegation_id)
    await tell(session, "delegation.ended", now, by=by, data={"adviser_id": str(now.adviser_id)})
    return now


async def _check(
    session: ReadSession, owner: OrganisationId, request: schemas.DelegationRequest
) -> None:
    state = await queries.card_state(session, request.adviser_id)
    if state is None or state in INACTIVE or request.adviser_id == owner:
        raise OrganisationNotFound
    if request.ends_at <= utc_now():
        message = Bilingual(zh="结束时间已过", en="the end is past")
        raise InvalidContent(errors=[FieldFault("#/ends_at", "past", message)])


async def _present(session: ReadSession, delegation_id: DelegationId) -> Delegation:
    found = await queries.delegation(session, delegation_id)
    if found is None:
        raise DelegationNotFound
    return found
