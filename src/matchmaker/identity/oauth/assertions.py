"""How a client proves itself by a key pair: a token it signs for us alone, once (RFC 7523)."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any, Final

from joserfc.jwk import KeySet

from matchmaker.core import jose
from matchmaker.core.jose import Untrusted
from matchmaker.identity.oauth import queries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matchmaker.core.db import Session
    from matchmaker.identity.models import ApiKeyId

ALGORITHMS: Final = ("ES256", "Ed25519", "EdDSA")
LONGEST: Final = 3600
"""Seconds for which an assertion may be good at most: so long it is remembered that it was used.

An hour is what common libraries sign for."""
_JTI: Final = 256


def client_of(text: str) -> str | None:
    """Of whom an assertion says that it is, to find the keys by; None where it says nobody."""
    try:
        _, claims = jose.unverified(text)
    except Untrusted:
        return None
    subject = claims.get("sub")
    return subject if isinstance(subject, str) else None


async def is_proof(
    session: Session,
    text: str,
    client_id: str,
    key_id: ApiKeyId,
    *,
    jwks: Mapping[str, Any],
    audiences: frozenset[str],
    now: int,
) -> bool:
    """Whether the assertion proves that client, to us and for the first time."""
    try:
        claims = jose.read(text, key_set(jwks), ALGORITHMS).claims
    except Untrusted:
        return False
    if not (
        is_by(claims, client_id) and is_for_us(claims, audiences) and is_short_lived(claims, now)
    ):
        return False
    return await is_fresh(session, key_id, claims)


def key_set(jwks: Mapping[str, Any]) -> KeySet:
    """The keys of a set as it is stored."""
    return KeySet.import_key_set({"keys": list(jwks["keys"])})


def is_by(claims: Mapping[str, Any], client_id: str) -> bool:
    """Whether the client speaks, and of itself."""
    return claims.get("iss") == client_id and claims.get("sub") == client_id


def is_for_us(claims: Mapping[str, Any], audiences: frozenset[str]) -> bool:
    """Whether it is meant for us alone: what another server may take too, it may send on to us."""
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    return isinstance(named, list) and len(named) == 1 and named[0] in audiences


def is_short_lived(claims: Mapping[str, Any], now: int) -> bool:
    """Whether it is not over, not yet to come, and over soon."""
    over, made, begins = (claims.get(name, now) for name in ("exp", "iat", "nbf"))
    if "exp" not in claims or not all(
        isinstance(each, int | float) and not isinstance(each, bool)
        for each in (over, made, begins)
    ):
        return False
    has_begun = bool(max(made, begins) <= now + jose.LEEWAY)
    return has_begun and now - jose.LEEWAY < over <= now + LONGEST + jose.LEEWAY


async def is_fresh(session: Session, key_id: ApiKeyId, claims: Mapping[str, Any]) -> bool:
    """Whether it has a name of its own that was not used; from now on it was."""
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= _JTI:
        return False
    over = dt.datetime.fromtimestamp(claims["exp"] + jose.LEEWAY + 1, dt.UTC)
    digest = hashlib.sha256(jti.encode("utf-8", "surrogatepass")).digest()
    return await queries.use_assertion(session, key_id, digest, over)
