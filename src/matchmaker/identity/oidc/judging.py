"""What is held against the word of an identity provider: one question, one function."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final

from matchmaker.core import jose

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHMS: Final = ("RS256", "PS256", "ES256", "Ed25519", "EdDSA")
"""Never none, and nothing with a secret that both sides have."""
_SUBJECT: Final = 255
_OLDEST: Final = 600
"""Seconds since a token was made."""


def is_from(claims: Mapping[str, Any], issuer: str) -> bool:
    """Whether the issuer speaks, to the letter, and names somebody."""
    subject = claims.get("sub")
    is_somebody = isinstance(subject, str) and 0 < len(subject) <= _SUBJECT and "\0" not in subject
    return is_somebody and bool(claims.get("iss") == issuer)


def is_for(claims: Mapping[str, Any], client_id: str) -> bool:
    """Whether it is said to this client; to others too only where it was made for this one."""
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or client_id not in named:
        return False
    made_for: object = claims.get("azp", client_id if len(named) == 1 else None)
    return bool(made_for == client_id)


def is_timely(claims: Mapping[str, Any], now: int) -> bool:
    """Whether it was made a moment ago, and is not over."""
    made, over = claims.get("iat"), claims.get("exp")
    if not all(isinstance(each, int) and not isinstance(each, bool) for each in (made, over)):
        return False
    return bool(abs(now - claims["iat"]) <= _OLDEST and now < claims["exp"] + jose.LEEWAY)


def is_asked_for(claims: Mapping[str, Any], nonce: str) -> bool:
    """Whether it answers this login and no other."""
    return is_same(str(claims.get("nonce", "")), nonce)


def is_same(given: str, known: str) -> bool:
    """Whether two secrets are one, in a time that does not tell."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), known.encode())


def is_answered_by(given: str | None, issuer: str, *, always_said: bool) -> bool:
    """Whether the answer came from the issuer that was asked (RFC 9207)."""
    return given == issuer if given is not None else not always_said


def is_vouched(claims: Mapping[str, Any]) -> bool:
    """Whether the issuer verified the address; what a person merely states proves nothing."""
    return claims.get("email_verified") is True and isinstance(claims.get("email"), str)
