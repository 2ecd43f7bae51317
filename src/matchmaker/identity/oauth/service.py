"""Giving a client a token for what its key is good for now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from matchmaker.core.clock import utc_now
from matchmaker.identity.access import INACTIVE, Scope
from matchmaker.identity.issuing import queries as issued
from matchmaker.identity.networks import is_allowed_from
from matchmaker.identity.oauth import clients, schemas, tokens
from matchmaker.identity.oauth.errors import (
    ClientNotAllowed,
    GrantNotSupported,
    ScopeRefused,
)
from matchmaker.identity.principals import caller

if TYPE_CHECKING:
    from matchmaker.core.db import Session
    from matchmaker.identity.issuing.queries import Credential
    from matchmaker.identity.oauth.tokens import AccessTokens

GRANT: Final = "client_credentials"
ENDPOINT: Final = "/v1/oauth/token"


async def give(
    session: Session,
    access_tokens: AccessTokens,
    asked: schemas.TokenRequest,
    *,
    authorization: str | None,
    address: str,
) -> schemas.AccessToken:
    """A token of the client that asks, which ends with its key at the latest.

    Raises:
        GrantNotSupported: anything but client credentials.
        TokenRequestInvalid, ClientRefused: as `clients.proven`.
        ClientNotAllowed: its organisation is suspended, or the key not taken from there.
        ScopeRefused: it asks for more than its key is good for now.
    """
    if asked.grant_type != GRANT:
        raise GrantNotSupported
    now = int(utc_now().timestamp())
    audiences = frozenset({access_tokens.issuer, access_tokens.issuer + ENDPOINT})
    client = await clients.proven(session, asked, authorization, audiences=audiences, now=now)
    refuse_inactive(client.credential, address)
    scopes = granted(asked.scope, caller(client.credential).scopes)
    await issued.note_use(session, client.credential.key_id)
    until = end_of(client.credential, now)
    text = access_tokens.issue(
        client.id, client.credential.organisation_id, scopes, now=now, until=until
    )
    return schemas.AccessToken(
        access_token=text,
        token_type="Bearer",  # noqa: S106  (the name of a kind)
        expires_in=until - now,
        scope=" ".join(sorted(scopes)),
    )


def refuse_inactive(credential: Credential, address: str) -> None:
    """Give no token where the key itself would not be taken.

    Raises:
        ClientNotAllowed: its organisation is suspended or closed, or the address another.
    """
    if credential.state in INACTIVE or not is_allowed_from(address, credential.allowed_from):
        raise ClientNotAllowed


def granted(asked: str | None, held: frozenset[Scope]) -> frozenset[Scope]:
    """What the token is good for: what was asked for, else all that the key is good for.

    Raises:
        ScopeRefused: that is more than the key is good for, or nothing.
    """
    wanted = {scope.value for scope in held} if asked is None else set(asked.split())
    found = frozenset(scope for scope in held if scope.value in wanted)
    if not found or len(found) < len(wanted):
        raise ScopeRefused
    return found


def end_of(credential: Credential, now: int) -> int:
    """When a token made now is over: no later than its key."""
    until = now + tokens.LIFETIME
    if credential.expires_at is None:
        return until
    return min(until, max(now + 1, int(credential.expires_at.timestamp())))
