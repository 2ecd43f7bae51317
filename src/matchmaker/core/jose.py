"""Signed tokens (RFC 7519): made and read by joserfc, in algorithms that are named beforehand."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from joserfc import jws, jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry

if TYPE_CHECKING:
    from joserfc._rfc7515.model import JWSAlgModel
    from joserfc.jwk import Key, KeySet
    from joserfc.jwt import Token

LEEWAY: Final = 60
"""Seconds by which the clocks of two servers may differ."""


class Untrusted(Exception):
    """It is no token, or it is not signed with one of these keys in one of these algorithms."""


class _Allowed(JWSRegistry):
    """The named algorithms and no other; EdDSA among them, by its older name too (RFC 9864)."""

    def get_alg(self, name: str) -> JWSAlgModel:
        """The algorithm, without joserfc's warning of the older name."""
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(f"{name!r} is not allowed")
        return self.algorithms[name]


def signed(claims: Mapping[str, Any], key: Key, *, algorithm: str, type_: str) -> str:
    """A token of ``claims``."""
    header = {"alg": algorithm, "typ": type_, "kid": key.thumbprint()}
    return jwt.encode(header, dict(claims), key, algorithms=[algorithm])


def read(text: str, keys: Key | KeySet, algorithms: Collection[str]) -> Token:
    """The token, whose signature fits; what it says is still to be judged.

    Raises:
        Untrusted: it does not.
    """
    registry = _Allowed(algorithms=algorithms, strict_check_header=False)
    try:
        return jwt.decode(text, keys, algorithms=algorithms, registry=registry)
    except (JoseError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise Untrusted(str(error)) from error


def unverified(text: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims as they are written, to find the key by; nothing here is to be believed.

    Raises:
        Untrusted: it is no token.
    """
    try:
        found = jws.extract_compact(text.encode())
        header, claims = found.headers(), json.loads(found.payload)
    except (JoseError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise Untrusted(str(error)) from error
    if not isinstance(claims, dict):
        raise Untrusted("no claims")
    return header, claims
