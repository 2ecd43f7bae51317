"""Which client asks for a token: a key that proves itself by its text, or by its key pair."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote_plus

from matchmaker.identity import keys
from matchmaker.identity.issuing import queries as issued
from matchmaker.identity.oauth import assertions
from matchmaker.identity.oauth.errors import ClientRefused, TokenRequestInvalid
from matchmaker.identity.oauth.schemas import TYPE

if TYPE_CHECKING:
    from matchmaker.core.db import Session
    from matchmaker.identity.issuing.queries import Credential
    from matchmaker.identity.oauth.schemas import TokenRequest


class Client(NamedTuple):
    """A key that proved itself, and the name it goes by."""

    id: str
    credential: Credential


class Basic(NamedTuple):
    """Name and secret of the Authorization header."""

    client_id: str
    secret: str

    def __repr__(self) -> str:
        """The name alone, so that no trace or log holds a secret."""
        return f"Basic({self.client_id})"


async def proven(
    session: Session,
    asked: TokenRequest,
    authorization: str | None,
    *,
    audiences: frozenset[str],
    now: int,
) -> Client:
    """The client that asks.

    Raises:
        TokenRequestInvalid: it proves itself in two ways, or in one that is not known.
        ClientRefused: it does not prove itself.
    """
    given = None if authorization is None else _basic(authorization)
    refuse_two_ways(asked, given)
    if asked.client_assertion is None:
        return await _by_secret(session, asked, given)
    if asked.client_assertion_type != TYPE:
        raise TokenRequestInvalid
    return await _by_assertion(session, asked, asked.client_assertion, audiences=audiences, now=now)


def refuse_two_ways(asked: TokenRequest, given: Basic | None) -> None:
    """Let a client prove itself in one way (RFC 6749, 2.3).

    Raises:
        TokenRequestInvalid: it does in two.
    """
    if given is not None and asked.client_assertion is not None:
        raise TokenRequestInvalid


async def _by_secret(session: Session, asked: TokenRequest, given: Basic | None) -> Client:
    if given is None or asked.client_id not in {None, given.client_id}:
        raise ClientRefused
    credential = await issued.live_credential(session, given.client_id)
    if credential is None or not is_secret_of(credential, given):
        raise ClientRefused
    return Client(given.client_id, credential)


def is_secret_of(credential: Credential, given: Basic) -> bool:
    """Whether the secret is the text of that very key."""
    token = keys.read(given.secret)
    if token is None or token.public_id != given.client_id:
        return False
    return hmac.compare_digest(credential.secret_hash, token.digest)


async def _by_assertion(
    session: Session,
    asked: TokenRequest,
    assertion: str,
    *,
    audiences: frozenset[str],
    now: int,
) -> Client:
    client_id = assertions.client_of(assertion)
    if client_id is None or asked.client_id not in {None, client_id}:
        raise ClientRefused
    credential = await issued.live_credential(session, client_id)
    if credential is None or credential.jwks is None:
        raise ClientRefused
    if not await assertions.is_proof(
        session,
        assertion,
        client_id,
        credential.key_id,
        jwks=credential.jwks,
        audiences=audiences,
        now=now,
    ):
        raise ClientRefused
    return Client(client_id, credential)


def _basic(authorization: str) -> Basic | None:
    """What HTTP Basic holds, each part decoded as a form is (RFC 6749, 2.3.1)."""
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Basic(unquote_plus(name), unquote_plus(secret)) if colon else None
