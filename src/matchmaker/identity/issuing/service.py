"""Making, rotating and ending API keys."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, NamedTuple

from matchmaker.core.clock import utc_now
from matchmaker.core.errors import FieldFault, Unauthenticated
from matchmaker.core.language import Bilingual
from matchmaker.core.machine import Actor
from matchmaker.core.wire import InvalidContent
from matchmaker.identity import keys
from matchmaker.identity import queries as organisations
from matchmaker.identity.access import Principal, Scope, actors_of, scopes_of
from matchmaker.identity.errors import (
    ExpiryExceeded,
    KeyNotFound,
    KeyNotInForce,
    OrganisationNotFound,
    RotationUnderway,
    ScopesExceeded,
)
from matchmaker.identity.history import tell
from matchmaker.identity.issuing import queries
from matchmaker.identity.issuing.proving import stored
from matchmaker.identity.models import ApiKey, OrganisationRole

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from matchmaker.core.db import ReadSession, Session
    from matchmaker.identity import schemas
    from matchmaker.identity.keys import Token
    from matchmaker.identity.models import ApiKeyId, Organisation, OrganisationId


class _Terms(NamedTuple):
    """What a new key is to be."""

    name: str
    scopes: frozenset[Scope]
    expires_at: dt.datetime | None
    allowed_from: list[str] | None
    jwks: schemas.PublicKeys | None


async def create(
    session: Session,
    holder: Organisation,
    request: schemas.KeyRequest,
    *,
    by: Principal | None,
) -> tuple[ApiKey, Token]:
    """A new key of ``holder``, and its secret: nobody's where public keys prove it.

    Without scopes it is good for all that its holder may have and its maker has; it ends no later
    than the key that it is made with.

    Raises:
        ScopesExceeded: more scopes than its holder may have, or than its maker has.
        InvalidContent: what it is taken from is no network, or as `stored` and `_until`.
        ExpiryExceeded, Unauthenticated: as `_until`.
    """
    allowed = scopes_of(map(OrganisationRole, holder.roles))
    if by is not None:
        allowed &= by.scopes
    wanted = allowed if request.scopes is None else frozenset(request.scopes)
    _refuse_more(wanted, allowed)
    networks = _networks(request.allowed_from)
    terms = _Terms(request.name, wanted, request.expires_at, networks, request.jwks)
    made = await _add(session, holder.id, terms, by=by)
    await tell(session, "api_key.created", made[0], by=by, data={"scopes": sorted(wanted)})
    return made


async def read(session: ReadSession, key_id: ApiKeyId, *, by: Principal | None) -> ApiKey:
    """The key.

    Raises:
        KeyNotFound: there is none, or it is none of the caller's business.
    """
    found = await queries.key(session, key_id)
    if found is None or not (by is None or may_manage(by, found.organisation_id)):
        raise KeyNotFound
    return found


def may_manage(by: Principal, organisation_id: OrganisationId) -> bool:
    """Whether the keys of an organisation are the caller's business."""
    return bool(actors_of(by, organisation_id) & {Actor.OWNER, Actor.OPERATOR})


async def holder_of_keys(
    session: ReadSession, organisation_id: OrganisationId, *, by: Principal
) -> Organisation:
    """The organisation whose keys the caller may manage.

    Raises:
        OrganisationNotFound: there is none, or it is none of the caller's business.
    """
    business = may_manage(by, organisation_id)
    found = await organisations.organisation(session, organisation_id) if business else None
    if found is None:
        raise OrganisationNotFound
    return found


async def rotate(
    session: Session, key_id: ApiKeyId, request: schemas.RotationRequest, *, by: Principal
) -> tuple[ApiKey, Token]:
    """A key of the same name and scopes; the old one acts on until the overlap has passed.

    Raises:
        KeyNotFound: there is none, or it is none of the caller's business.
        KeyNotInForce: it was revoked, has expired or has been replaced; of several callers at once
            one wins.
        RotationUnderway: the key it replaced still acts.
        ScopesExceeded: it is good for more than the caller's key.
        InvalidContent, ExpiryExceeded, Unauthenticated: as `stored` and `_until`.
    """
    old = await read(session, key_id, by=by)
    scopes = frozenset(scope for scope in Scope if scope.value in old.scopes)
    # The new secret is the caller's: a key good for less must not come by it this way.
    _refuse_more(scopes, by.scopes)
    if await queries.has_live_predecessor(session, key_id):
        raise RotationUnderway
    terms = _Terms(old.name, scopes, request.expires_at, old.allowed_from, request.jwks)
    made = await _add(session, old.organisation_id, terms, by=by)
    if not await queries.replace_key(
        session, key_id, by=made[0].id, overlap_days=request.overlap_days
    ):
        raise KeyNotInForce
    await tell(session, "api_key.rotated", old, by=by, data={"replaced_by": str(made[0].id)})
    return made


async def revoke(session: Session, key_id: ApiKeyId, *, by: Principal | None) -> ApiKey:
    """The key, which acts no more; a key that was revoked before stays as it was.

    Raises:
        KeyNotFound: there is none, or it is none of the caller's business.
    """
    found = await read(session, key_id, by=by)
    if await queries.revoke_key(session, key_id):
        found = await read(session, key_id, by=by)
        await tell(session, "api_key.revoked", found, by=by)
    return found


async def _add(
    session: Session,
    organisation_id: OrganisationId,
    terms: _Terms,
    *,
    by: Principal | None,
) -> tuple[ApiKey, Token]:
    until = await _until(session, terms.expires_at, by)
    token = keys.mint()
    added = ApiKey(
        organisation_id=organisation_id,
        public_id=token.public_id,
        secret_hash=token.digest,
        name=terms.name,
        scopes=sorted(scope.value for scope in terms.scopes),
        created_by=None if by is None else by.key_id,
        created_by_member=None if by is None or by.seat is None else by.seat.member_id,
        expires_at=until,
        allowed_from=terms.allowed_from,
        jwks=None if terms.jwks is None else stored(terms.jwks),
    )
    await organisations.add(session, added)
    found = await queries.key(session, added.id)
    return found or added, token


def _networks(named: Sequence[str] | None) -> list[str] | None:
    """The networks as they are written down: 198.51.100.7 as 198.51.100.7/32.

    Raises:
        InvalidContent: one is none, or has bits of a host; all of these are named.
    """
    if named is None:
        return None
    found, faults = [], []
    for place, text in enumerate(named):
        try:
            found.append(str(ipaddress.ip_network(text)))
        except ValueError:
            message = Bilingual(zh="不是 CIDR 网段", en="is no network in CIDR notation")
            faults.append(FieldFault(f"#/allowed_from/{place}", "not_a_network", message))
    if faults:
        raise InvalidContent(errors=faults)
    return found


async def _until(
    session: ReadSession, wanted: dt.datetime | None, by: Principal | None
) -> dt.datetime | None:
    """When a new key ends: when it is wanted to, or with the key it is made with.

    Raises:
        InvalidContent: that has passed.
        ExpiryExceeded: it is later than the end of the key it is made with.
        Unauthenticated: that key was revoked or has expired, however short a time ago.
    """
    if wanted is not None and wanted <= utc_now():
        message = Bilingual(zh="必须晚于现在", en="must be later than now")
        raise InvalidContent(errors=[FieldFault("#/expires_at", "in_the_past", message)])
    if by is None or by.key_id is None:
        return wanted
    # Read anew: what the guard remembers may be two seconds old, and a key lasts.
    maker = await queries.live_key(session, by.key_id)
    if maker is None:
        raise Unauthenticated
    if wanted is None or maker.expires_at is None:
        return wanted or maker.expires_at
    if wanted > maker.expires_at:
        last = maker.expires_at.isoformat()
        raise ExpiryExceeded(
            zh=f"最晚到 {last}", en=f"until {last} at the latest", extra={"expires_at": last}
        )
    return wanted


def _refuse_more(wanted: frozenset[Scope], allowed: frozenset[Scope]) -> None:
    if exceeding := sorted(wanted - allowed):
        raise ScopesExceeded(
            zh=f"不能授予：{'、'.join(exceeding)}",
            en=f"may not be given: {', '.join(exceeding)}",
            extra={"scopes": exceeding},
        )
