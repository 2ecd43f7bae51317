"""The people of an organisation, and what it consents to: its own business and nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matchmaker.core import patching, rows
from matchmaker.core.errors import StaleVersion
from matchmaker.core.machine import Actor
from matchmaker.identity import queries, schemas
from matchmaker.identity.access import Principal, actors_of, scopes_of_member
from matchmaker.identity.errors import (
    ConsentNotFound,
    ConsentWithdrawn,
    MemberNotFound,
    OrganisationNotFound,
    ScopesExceeded,
)
from matchmaker.identity.history import tell
from matchmaker.identity.models import (
    ApiKeyId,
    Consent,
    ConsentId,
    ConsentPurpose,
    Member,
    MemberId,
    MemberRole,
    OrganisationId,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from matchmaker.core.db import ReadSession, Session


def require_own(organisation_id: OrganisationId, by: Principal) -> None:
    """Let only the organisation itself pass.

    Raises:
        OrganisationNotFound: it is another's, or there is none.
    """
    if Actor.OWNER not in actors_of(by, organisation_id):
        raise OrganisationNotFound


async def require_consents_readable(
    session: ReadSession, organisation_id: OrganisationId, by: Principal
) -> None:
    """Let the organisation itself and operators pass, who have to heed what it allows.

    Raises:
        OrganisationNotFound: it is none of the caller's business, or there is none.
    """
    business = actors_of(by, organisation_id) & {Actor.OWNER, Actor.OPERATOR}
    if not business or await queries.organisation(session, organisation_id) is None:
        raise OrganisationNotFound


async def add_member(
    session: Session,
    organisation_id: OrganisationId,
    draft: schemas.MemberDraft,
    *,
    by: Principal,
) -> Member:
    """A new member.

    Raises:
        OrganisationNotFound: the organisation is not the caller's.
        ScopesExceeded: the role allows what the caller may not do.
        AlreadyExists: it has a member of this address.
    """
    require_own(organisation_id, by)
    _refuse_more(draft.role, by)
    added = Member(
        organisation_id=organisation_id,
        name=draft.name,
        email=draft.email.lower(),
        role=draft.role,
    )
    await queries.add(session, added)
    now = await read_member(session, added.id, by=by)
    await tell(session, "member.added", now, by=by, data={"role": now.role.value})
    return now


async def read_member(session: ReadSession, member_id: MemberId, *, by: Principal) -> Member:
    """The member.

    Raises:
        MemberNotFound: there is none, or the organisation is not the caller's.
    """
    found = await queries.member(session, member_id)
    if found is None or Actor.OWNER not in actors_of(by, found.organisation_id):
        raise MemberNotFound
    return found


async def revise_member(
    session: Session,
    member_id: MemberId,
    patch: schemas.MemberPatch,
    *,
    revision: int,
    by: Principal,
) -> Member:
    """The member with ``patch`` merged into it; what changes nothing is no revision.

    Raises:
        MemberNotFound: there is none, or the organisation is not the caller's.
        StaleVersion: it is no longer at ``revision``.
        ScopesExceeded: the role it has or is to have allows what the caller may not do.
    """
    found = await read_member(session, member_id, by=by)
    # Of what was read: a revision that came later is one that nobody has looked at here.
    if found.revision != revision:
        raise StaleVersion
    before = schemas.MemberFacts(name=found.name, role=found.role)
    after = patching.merged(before, patch)
    if after == before:
        return found
    for role in {before.role, after.role}:
        _refuse_more(role, by)
    values = {"name": after.name, "role": after.role}
    written = await rows.revise(session, Member, member_id, revision=revision, values=values)
    if written is None:
        raise StaleVersion
    told = {"revision": written, "role": after.role.value}
    now = await read_member(session, member_id, by=by)
    await tell(session, "member.revised", now, by=by, data=told)
    return now


async def remove_member(
    session: Session, member_id: MemberId, *, revision: int, by: Principal
) -> None:
    """Forget a member; that there was one stays known, who it was does not.

    Raises:
        MemberNotFound: there is none, or the organisation is not the caller's.
        StaleVersion: it is no longer at ``revision``.
        ScopesExceeded: the role it has allows what the caller may not do.
    """
    found = await read_member(session, member_id, by=by)
    _refuse_more(found.role, by)
    if not await queries.remove_member(session, member_id, revision=revision):
        raise StaleVersion
    await tell(session, "member.removed", found, by=by)


async def grant_consent(
    session: Session, organisation_id: OrganisationId, purpose: ConsentPurpose, *, by: Principal
) -> Consent:
    """A consent from now on.

    Raises:
        OrganisationNotFound: the organisation is not the caller's: nobody consents for another.
        AlreadyExists: it allows this already.
    """
    require_own(organisation_id, by)
    key_id, member_id = _whose_word(by)
    added = Consent(
        organisation_id=organisation_id,
        purpose=purpose,
        granted_by=key_id,
        granted_by_member=member_id,
    )
    await queries.add(session, added)
    now = await _own_consent(session, added.id, by)
    await tell(session, "consent.granted", now, by=by, data={"purpose": purpose.value})
    return now


async def withdraw_consent(session: Session, consent_id: ConsentId, *, by: Principal) -> Consent:
    """The consent, which ends now; of several callers at once one wins.

    Raises:
        ConsentNotFound: there is none, or the organisation is not the caller's.
        ConsentWithdrawn: it ended before.
    """
    await _own_consent(session, consent_id, by)
    if not await queries.withdraw_consent(session, consent_id, by=_whose_word(by)):
        raise ConsentWithdrawn
    now = await _own_consent(session, consent_id, by)
    await tell(session, "consent.withdrawn", now, by=by, data={"purpose": now.purpose.value})
    return now


async def consenting(
    session: ReadSession, organisation_ids: Collection[OrganisationId], purpose: ConsentPurpose
) -> frozenset[OrganisationId]:
    """Those of the organisations that allow ``purpose`` now; higher rooms ask before they show."""
    return await queries.consenting(session, organisation_ids, purpose)


def _refuse_more(role: MemberRole, by: Principal) -> None:
    """Let nobody give or take a role that allows more than they may do themselves.

    Raises:
        ScopesExceeded: it does.
    """
    if exceeding := sorted(scopes_of_member(role, by.roles) - by.scopes):
        raise ScopesExceeded(
            zh=f"角色 {role} 的权限超出您的权限：{'、'.join(exceeding)}",
            en=f"the role {role} allows more than you may do: {', '.join(exceeding)}",
            extra={"scopes": exceeding},
        )


def _whose_word(by: Principal) -> tuple[ApiKeyId | None, MemberId | None]:
    """The key or the member whose word it is: the console consents for nobody."""
    return by.key_id, None if by.seat is None else by.seat.member_id


async def _own_consent(session: ReadSession, consent_id: ConsentId, by: Principal) -> Consent:
    found = await queries.consent(session, consent_id)
    if found is None or Actor.OWNER not in actors_of(by, found.organisation_id):
        raise ConsentNotFound
    return found
