"""Access tokens (RFC 9068): signed here, read here, for ten minutes each.

The keys follow from the secret of the installation and the number of the month they sign in: all
workers have the same ones, a new one comes by itself, and the one before still verifies until the
last of its tokens is over.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from joserfc.jwk import KeySet, OKPKey

from matchmaker.core import jose
from matchmaker.core.ids import uuid7
from matchmaker.identity.access import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from uuid import UUID

LIFETIME: Final = 600
"""Seconds for which a token is taken."""
PERIOD: Final = 30 * 24 * 3600
"""Seconds for which a key signs."""
TYPE: Final = "at+jwt"
LONGEST: Final = 4096
"""Characters of a token at most; ours have a third of that."""
_ALGORITHM: Final = "Ed25519"


class Presented(NamedTuple):
    """What a token says: for which key it stands, and what it is good for at most."""

    client_id: str
    scopes: frozenset[Scope]


class AccessTokens:
    """Signs and reads the tokens of one installation."""

    def __init__(self, secret: bytes, issuer: str) -> None:
        """Derive keys from ``secret`` as they are needed; tokens are from and for ``issuer``."""
        self.issuer = issuer
        self._key = functools.lru_cache(maxsize=8)(functools.partial(_derived, secret))

    def issue(
        self,
        client_id: str,
        organisation_id: UUID,
        scopes: frozenset[Scope],
        *,
        now: int,
        until: int,
    ) -> str:
        """A token for what ``client_id`` does until then."""
        claims = {
            "iss": self.issuer,
            "aud": self.issuer,
            "sub": client_id,
            "client_id": client_id,
            "org": str(organisation_id),
            "scope": " ".join(sorted(scopes)),
            "iat": now,
            "exp": until,
            "jti": str(uuid7()),
        }
        key = self._key(now // PERIOD)
        return jose.signed(claims, key, algorithm=_ALGORITHM, type_=TYPE)

    def read(self, text: str, *, now: int) -> Presented | None:
        """What the token says; None where it is none of ours, or not one for this moment."""
        if len(text) > LONGEST:
            return None
        try:
            found = jose.read(text, KeySet([*self._in_force(now)]), (_ALGORITHM,))
        except jose.Untrusted:
            return None
        claims = found.claims
        if not (is_access_token(found.header) and self.is_ours(claims) and is_now(claims, now)):
            return None
        said = str(claims["scope"]).split()
        scopes = frozenset(scope for scope in Scope if scope.value in said)
        return Presented(client_id=str(claims["client_id"]), scopes=scopes)

    def is_ours(self, claims: Mapping[str, Any]) -> bool:
        """Whether it is from here and for here."""
        return claims.get("iss") == self.issuer and claims.get("aud") == self.issuer

    def public_keys(self, *, now: int) -> list[dict[str, Any]]:
        """The public keys in force, the next one ahead of its time: whoever keeps them has it."""
        return [
            {**key.as_dict(private=False), "alg": _ALGORITHM, "use": "sig", "kid": key.thumbprint()}
            for key in self._in_force(now)
        ]

    def _in_force(self, now: int) -> Iterator[OKPKey]:
        period = now // PERIOD
        if is_still_verified(now):
            yield self._key(period - 1)
        yield self._key(period)
        yield self._key(period + 1)


def is_still_verified(now: int) -> bool:
    """Whether a token of the key before may not be over yet."""
    return now % PERIOD <= LIFETIME + jose.LEEWAY


def is_access_token(header: Mapping[str, Any]) -> bool:
    """Whether it says that it is one: no other thing that is signed here is taken for one."""
    return header.get("typ") == TYPE


def is_now(claims: Mapping[str, Any], now: int) -> bool:
    """Whether it was made before now and is over later, as far as clocks agree."""
    made, over = claims.get("iat"), claims.get("exp")
    if not isinstance(made, int) or not isinstance(over, int):
        return False
    return made <= now + jose.LEEWAY and now < over + jose.LEEWAY


def _derived(secret: bytes, period: int) -> OKPKey:
    info = f"matchmaker access tokens, Ed25519, 1, {period}".encode()
    key = OKPKey.derive_key(secret, _ALGORITHM, kdf_options={"info": info})
    key.ensure_kid()
    return key
